"""Starts the local stack: store, simulated providers, and the gateway's functions behind one port."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from types import FrameType

from gateway_core.bootstrap import open_store
from gateway_core.config import Settings
from gateway_core.principal import KeyRecord, digest_of, new_key, project_of
from local.environment import LocalEnvironment, StackError, read
from local.front import Front, load_functions
from local.providers import base_urls
from local.providers import create_app as create_providers
from local.serving import ServingError, serve
from local.upstash import create_app as create_store
from local.valkey import Valkey, ValkeyError

DEV_PROJECT = "dev"


def run(environ: Mapping[str, str]) -> None:
    """Serve until SIGINT or SIGTERM. Raises StackError when a part cannot start."""
    choices = read(environ)
    stopped = _stop_signal()
    with ExitStack() as stack:
        try:
            url, key = _start(stack, choices, environ)
        except (ServingError, ValkeyError) as error:
            raise StackError(str(error)) from error
        _announce(url, key, choices)
        stopped.wait()
    print("Stopped.", flush=True)


def _start(stack: ExitStack, choices: LocalEnvironment, environ: Mapping[str, str]) -> tuple[str, str]:
    settings = {**environ, **_store(stack, choices), **_providers(stack, choices)}
    # The functions read the process environment, as they do on Lambda.
    os.environ.update(settings)
    key = asyncio.run(_dev_key(choices, settings))
    return stack.enter_context(serve(Front(load_functions()), choices.port)), key


def _store(stack: ExitStack, choices: LocalEnvironment) -> dict[str, str]:
    if choices.real_store:
        return {}
    valkey = stack.enter_context(Valkey())
    app = create_store(redis_port=valkey.port, token=choices.store_token)
    url = stack.enter_context(serve(app, choices.store_port))
    return {"UPSTASH_REDIS_REST_URL": url, "UPSTASH_REDIS_REST_TOKEN": choices.store_token}


def _providers(stack: ExitStack, choices: LocalEnvironment) -> dict[str, str]:
    # A base URL without a key is somebody's own server that wants none; LiteLLM insists on some text.
    found = {f"{name}_API_KEY": "none" for name in choices.keyless}
    if not choices.simulated:
        return found
    urls = base_urls(stack.enter_context(serve(create_providers(), choices.providers_port)))
    for name in choices.simulated:
        found[f"{name}_API_KEY"] = "simulated"
        found[f"{name}_API_BASE"] = urls[f"{name}_API_BASE"]
    return found


async def _dev_key(choices: LocalEnvironment, environ: Mapping[str, str]) -> str:
    key = choices.dev_key or new_key(DEV_PROJECT)
    if project_of(key) != DEV_PROJECT:
        raise StackError(f"GATEWAY_DEV_KEY must look like gk_{DEV_PROJECT}_SECRET.")
    store = open_store(Settings.from_env(environ))
    try:
        await store.put_key(KeyRecord(project_id=DEV_PROJECT, digest=digest_of(key), admin=True))
    finally:
        await store.close()
    return key


def _stop_signal() -> threading.Event:
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    return stopped


def _announce(url: str, key: str, choices: LocalEnvironment) -> None:
    simulated = ", ".join(name.lower() for name in choices.simulated) or "none"
    print(f"Gateway    {url}")
    print(f"Key        {key}")
    if not choices.real_store:
        print(f"Store      http://127.0.0.1:{choices.store_port} (token {choices.store_token}; in memory)")
    print(f"Simulated  {simulated}")
    print(f"Try it     curl {url}/v1/complete -H 'Authorization: Bearer {key}' \\")
    print(
        """             -d '{"messages": [{"role": "user", "content": "Hello"}], "model_group": "fast"}'""", flush=True
    )
