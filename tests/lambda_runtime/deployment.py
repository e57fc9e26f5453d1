"""The project's functions deployed side by side, over a real store and simulated providers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from gateway_core.adapters.upstash import UpstashStore
from gateway_core.domain.caller import Limits
from gateway_core.store.records import UsageRecord
from gateway_core.store.virtual_keys import KeyRecord, digest_of, new_key
from local.front import function_of
from local.loopback import LOOPBACK
from local.providers import base_urls, create_app
from local.providers.control import Control
from local.serving import serve
from local.upstash import create_app as create_store
from local.valkey import Valkey
from tests.lambda_runtime.emulator.environment import REPOSITORY, TIMEOUT_S, Environment, Function, deployed
from tests.lambda_runtime.emulator.fronts import lambda_api
from tests.lambda_runtime.emulator.runtime_api import Item
from tests.lambda_runtime.sluice import Sluice
from tests.patience import patience

DEPLOYED = ("admin", "complete", "stream", "ask", "embed", "health", "usage", "mcp", "probe", "replay")
"""What is deployed where a test does not say otherwise."""
_CALL_MODELS = frozenset({"complete", "stream", "ask", "embed", "jobs"})
_HOLD_KEYS = _CALL_MODELS | {"probe"}
_BEHIND_MCP = ("complete", "stream", "ask", "embed", "tokens", "usage", "models", "health")
_ALL = {path.stem: json.loads(path.read_text()) for path in sorted((REPOSITORY / "events").glob("*.json"))}
EVENTS = {name: event for name, event in _ALL.items() if "path" in event}
"""Requests, as API Gateway sends them."""
PAGES = {"/dashboard": "</html>"}
"""What is no JSON ends like this."""
SCHEDULED = {name: event for name, event in _ALL.items() if name.startswith("probe")}
"""What the schedules send to the function `probe`."""
BILLED = {name: event for name, event in _ALL.items() if event.get("check") == "invoices"}
"""What the schedule of bills sends to the function `Invoices`."""
RELEASED = {name: event for name, event in _ALL.items() if "DeploymentId" in event}
"""What CodeDeploy sends to the function `Preflight` before it releases a version."""
STARTED = {name: event for name, event in _ALL.items() if "job" in event}
"""What `ask` starts an execution of the function `jobs` with."""
QUEUED = {name: event for name, event in _ALL.items() if "Records" in event}
"""What Lambda hands over of the backlog's queue to the function `replay`. Its request is of 2100: it never gets old."""
JOBS = {"GATEWAY_JOBS_BUCKET": "the-jobs"}
"""With it a function finds the jobs of others."""
_TOKEN = "lambda-token"
_PROVIDERS = ("ANTHROPIC", "OPENAI", "GEMINI", "DEEPSEEK")
_HOSTS = "127.0.0.1,abc123.execute-api.eu-central-1.amazonaws.com"
# These machines may be busy.
_PATIENT = "store: {timeout_s: 30, connect_timeout_s: 30}\n"


@dataclass(frozen=True)
class Backend:
    """What the functions reach by network, and `environ`, which tells them where. `sluice` is before the providers."""

    store: UpstashStore
    providers: Control
    sluice: Sluice
    environ: Mapping[str, str]

    async def key(self, project: str, **limits: int) -> str:
        """A fresh key with these limits."""
        key = new_key(project)
        await self.store.put_key(KeyRecord(project_id=project, digest=digest_of(key), limits=Limits(**limits)))
        return key

    async def records(self, project: str) -> tuple[UsageRecord, ...]:
        """What the project was billed today."""
        return tuple((await self.store.usage_records(project, day=f"{datetime.now(UTC):%Y%m%d}")).records)

    async def calls(self, wait_idle_s: float = 0) -> dict[str, Any]:
        """What the simulator has counted. Not in this loop, which the answers may need."""
        return await asyncio.to_thread(self.providers.calls, wait_idle_s)

    async def renew(self) -> None:
        """No faults, no counts, no memory of providers' failures."""
        self.sluice.release()
        self.providers.reset()
        async with httpx.AsyncClient(headers={"authorization": f"Bearer {_TOKEN}"}, timeout=patience(30)) as http:
            answer = await http.post(self.environ["UPSTASH_REDIS_REST_URL"], json=["DEL", "pv"])
        answer.raise_for_status()


@contextlib.asynccontextmanager
async def running_backend(folder: Path, host: str = LOOPBACK) -> AsyncIterator[Backend]:
    """Valkey behind the REST stand-in, and the simulator; both listen on `host`."""
    sluice = Sluice(create_app())
    async with contextlib.AsyncExitStack() as stack:
        valkey = stack.enter_context(Valkey())
        store_url = stack.enter_context(
            serve(create_store(redis_port=valkey.port, token=_TOKEN, address=host), host=host)
        )
        providers_url = stack.enter_context(serve(sluice, host=host))
        (config := folder / "config.yaml").write_text(_PATIENT)
        environ = {
            "UPSTASH_REDIS_REST_URL": store_url,
            "UPSTASH_REDIS_REST_TOKEN": _TOKEN,
            "GATEWAY_CONFIG": str(config),
            **base_urls(providers_url),
        }
        store = UpstashStore(store_url, _TOKEN, connect_timeout_s=30, timeout_s=30)
        stack.push_async_callback(store.close)
        yield Backend(store, stack.enter_context(Control(providers_url)), sluice, environ)


def function(name: str, backend: Backend, lambda_url: str) -> Function:
    """A function with what the template gives it. Only those that call providers hold their keys."""
    found = {**backend.environ, "AWS_LAMBDA_FUNCTION_NAME": name}
    if name in _HOLD_KEYS:
        found |= {f"{provider}_API_KEY": f"the-{provider.lower()}-key" for provider in _PROVIDERS}
    if name in _CALL_MODELS:
        found["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    if name == "mcp":
        found |= {f"GATEWAY_FUNCTION_{other.upper()}": f"gateway-{other}" for other in _BEHIND_MCP}
        found |= {"AWS_ENDPOINT_URL_LAMBDA": lambda_url, "GATEWAY_ALLOWED_HOSTS": _HOSTS}
    if name == "jobs":
        # On Lambda's own runtime: there is nothing to stream.
        command = (sys.executable, "-m", "awslambdaric", "app.handler")
        return Function("app.handler", REPOSITORY / "functions/jobs", command, environ={**found, **JOBS})
    if name == "probe":
        return Function("probe.handler", REPOSITORY / "functions/health", environ=found)
    return Function("app.handler", REPOSITORY / "functions" / name, environ=found)


@contextlib.asynccontextmanager
async def deployed_functions(
    backend: Backend, names: Sequence[str] = DEPLOYED, make: Callable[[str, Backend, str], Function] = function
) -> AsyncIterator[dict[str, Environment]]:
    """One environment of each, started at once; the MCP function reaches the others through Lambda's API."""
    async with contextlib.AsyncExitStack() as stack:
        reachable: dict[str, Environment] = {}
        url = await stack.enter_async_context(lambda_api(reachable))
        starts = [stack.enter_async_context(deployed(make(name, backend, url))) for name in names]
        running = dict(zip(names, await asyncio.gather(*starts), strict=True))
        reachable.update({f"gateway-{name}": environment for name, environment in running.items()})
        yield running


@dataclass(frozen=True)
class Routed:
    """Implements `Invokable`: each event goes to the function that API Gateway would invoke for its path."""

    functions: Mapping[str, Environment]

    async def invoke(self, event: Any, timeout_s: float = TIMEOUT_S) -> AsyncGenerator[Item]:
        async with contextlib.aclosing(self.functions[function_of(event["path"])].invoke(event, timeout_s)) as items:
            async for item in items:
                yield item


async def sse(lines: AsyncIterator[str]) -> AsyncGenerator[tuple[str, Any]]:
    """The name and the data of each event; OpenAI's have no name, and their last is a word."""
    name = ""
    async for line in lines:
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, value if value == "[DONE]" else json.loads(value)
            name = ""


async def each_line(text: str) -> AsyncIterator[str]:
    """The lines of an answer that is all there."""
    for line in text.splitlines():
        yield line
