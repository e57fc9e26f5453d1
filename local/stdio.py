"""`python -m local.stdio`, and `mcp` in the image: the whole gateway in one process, spoken to in MCP over stdio."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import warnings
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from functools import partial

from starlette.types import ASGIApp

from gateway_core.adapters.invoke_asgi import AsgiInvoker
from gateway_core.bootstrap import mcp_stdio, open_store, read_settings
from gateway_core.domain.errors import LLMError, Unauthenticated
from gateway_core.invocation import HttpAnswer, HttpRequest, HttpStream
from gateway_core.store.virtual_keys import KeyRecord, digest_of, new_key, project_of
from local.dev_key import DEV_PROJECT
from local.environment import LocalEnvironment, StackError, read
from local.front import job_bell, load_apps
from local.parts import here
from local.replaying import replaying
from local.stack import explained, start_jobs, start_parts, start_probes
from local.standard_streams import protocol_streams

# Nobody has to find it, and several may run beside each other. No answer is made up unless that is asked for.
_DEFAULTS = {"LOCAL_STORE_PORT": "0", "LOCAL_PROVIDERS_PORT": "0", "LOCAL_SIMULATE": "0", "WORKERS": "1"}


def main() -> int:
    """Serve until stdin ends, Ctrl-C or SIGTERM; 2 when something that is needed is missing or wrong."""
    with protocol_streams():
        try:
            run(os.environ)
        except StackError as error:
            print(f"mcp: {error}", file=sys.stderr)
            return 2
    return 0


def run(environ: Mapping[str, str]) -> None:
    """Raises StackError when a part cannot start."""
    given = {name: value for name, value in environ.items() if value}
    choices = read({**_DEFAULTS, **given})
    with ExitStack() as stack, explained(environ):
        settings, _ = start_parts(stack, choices, environ, here(stack))
        key = asyncio.run(_key(choices, settings))
        start_probes(stack, choices, settings)
        stack.enter_context(replaying(settings))
        try:
            asyncio.run(_serve(settings, key, partial(_load, stack, settings, key), choices.drain_s))
        except Unauthenticated as error:
            raise StackError(f"GATEWAY_KEY: {error.message}") from error


def _load(stack: ExitStack, settings: Mapping[str, str], key: str) -> Mapping[str, ASGIApp]:
    """The functions, then who works on jobs, which wants LiteLLM too. In a thread; it ends before `stack` does.

    A store may be others' as well, whose jobs are for providers that are not set here.
    """
    apps = load_apps()
    start_jobs(stack, settings, job_bell(), project_id=project_of(key))
    return apps


async def _serve(
    settings: Mapping[str, str], key: str, load: Callable[[], Mapping[str, ASGIApp]], drain_s: float
) -> None:
    functions = Loading(load)
    await mcp_stdio(settings, functions, key).run()
    # What the client left behind is settled first.
    if rest := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(rest, timeout=drain_s)


async def _key(choices: LocalEnvironment, environ: Mapping[str, str]) -> str:
    """The key that everything is asked with. In a store of our own it is made, in another's it has to be there."""
    key = environ.get("GATEWAY_KEY", "")
    if choices.real_store and not key:
        raise StackError("GATEWAY_KEY: set a key of this store. `gateway keys create --project ID` makes one.")
    if not choices.real_store:
        key = key or new_key(DEV_PROJECT)
        await _admit(key, environ, admin=not environ.get("GATEWAY_KEY"))
    return key


async def _admit(key: str, environ: Mapping[str, str], *, admin: bool) -> None:
    try:
        project = project_of(key)
    except LLMError:
        raise StackError("GATEWAY_KEY must look like gk_PROJECT_SECRET.") from None
    store = open_store(read_settings(environ))
    try:
        if not await store.find_key(project, digest_of(key)):
            await store.put_key(KeyRecord(project_id=project, digest=digest_of(key), admin=admin))
    finally:
        await store.close()


class Loading:
    """The functions, once they are loaded. Implements the port `Invoker`.

    They take a second of CPU, with LiteLLM several, which a client that starts us does not always wait: it can list the
    tools meanwhile.
    """

    def __init__(self, load: Callable[[], Mapping[str, ASGIApp]]) -> None:
        self._loading = asyncio.ensure_future(asyncio.to_thread(load))

    async def invoke(self, function: str, request: HttpRequest) -> HttpAnswer:
        return await (await self._loaded()).invoke(function, request)

    @asynccontextmanager
    async def stream(self, function: str, request: HttpRequest) -> AsyncIterator[HttpStream]:
        loaded = await self._loaded()
        async with loaded.stream(function, request) as answer:
            yield answer

    async def _loaded(self) -> AsgiInvoker:
        return AsgiInvoker(await asyncio.shield(self._loading))  # a call that is cancelled leaves it to the others


if __name__ == "__main__":
    # While LiteLLM loads in a thread, who else silences warnings for a moment would let out those of its models.
    warnings.filterwarnings("ignore", category=UserWarning, module="pydantic")
    ended = main()
    gc.freeze()  # Python would look through all that LiteLLM made once more: seconds, and clients wait for two
    raise SystemExit(ended)
