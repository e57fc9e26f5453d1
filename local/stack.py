"""Starts the local stack: store, simulated providers, and the gateway's functions behind one port."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import FrameType

from gateway_core.adapters.feed import EventFeed
from gateway_core.adapters.job_bell import JobBell
from gateway_core.bootstrap import health_checks, job_loop
from gateway_core.config.environment import GatewayEnvironment, documents_named
from gateway_core.domain.errors import ConfigError, StoreUnavailable
from local.dev_key import dev_key, stored
from local.environment import LocalEnvironment, StackError, read
from local.front import Front, job_bell, load_functions
from local.probing import probing
from local.providers import base_urls
from local.providers import create_app as create_providers
from local.serving import ServingError, serve
from local.upstash import create_app as create_store
from local.valkey import Valkey, ValkeyError
from local.working import working

RELOAD_S = "1"


def run(environ: Mapping[str, str]) -> None:
    """Serve until SIGINT or SIGTERM. Raises StackError when a part cannot start."""
    choices = read(environ)
    stopped = _stop_signal()
    with ExitStack() as stack:
        with explained(environ):
            running = _start(stack, choices, environ)
        _announce(running, choices)
        stopped.wait()
    print("Stopped.", flush=True)


@contextmanager
def explained(environ: Mapping[str, str]) -> Iterator[None]:
    """What keeps a part from starting, as a StackError."""
    try:
        yield
    except (ServingError, ValkeyError, ConfigError) as error:
        raise StackError(str(error)) from error
    except StoreUnavailable as error:
        store = environ.get("UPSTASH_REDIS_REST_URL") or "its own"
        raise StackError(f"{error.message} ({store}: {error.detail})") from error


@dataclass(frozen=True, slots=True)
class Running:
    """Where the parts answer; `providers_url` is empty when none is simulated, and `key` when none was given."""

    url: str
    key: str
    store_url: str
    providers_url: str


def _start(stack: ExitStack, choices: LocalEnvironment, environ: Mapping[str, str]) -> Running:
    settings, providers_url = start_parts(stack, choices, environ)
    key = dev_key(choices)
    stack.enter_context(stored(key, settings, is_own_store=not choices.real_store))
    feed = EventFeed()
    url = stack.enter_context(serve(Front(load_functions(feed)), choices.port, choices.host, choices.drain_s))
    stack.callback(feed.close)  # who watches would be waited for
    start_jobs(stack, settings, job_bell(), feed)
    start_probes(stack, choices, settings)
    return Running(url, key, settings["UPSTASH_REDIS_REST_URL"], providers_url)


def start_parts(stack: ExitStack, choices: LocalEnvironment, environ: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """What the gateway needs around it: the environment that it is to have, and where providers are simulated."""
    providers_url = stack.enter_context(serve(create_providers(), choices.providers_port)) if choices.simulated else ""
    settings = {**environ, **_pace(environ), **_store(stack, choices), **_providers(choices, providers_url)}
    # The functions read the process environment, as they do on Lambda.
    os.environ.update(settings)
    return settings, providers_url


def start_jobs(
    stack: ExitStack,
    settings: Mapping[str, str],
    bell: JobBell,
    feed: EventFeed | None = None,
    project_id: str | None = None,
) -> None:
    """Also those that an earlier run left, of one project if it is named."""
    stack.enter_context(working(job_loop(settings, bell, feed, project_id)))


def start_probes(stack: ExitStack, choices: LocalEnvironment, settings: Mapping[str, str]) -> None:
    """If they are wanted."""
    if choices.probe_interval_s:
        stack.enter_context(probing(health_checks(settings), choices.probe_interval_s))


def _pace(environ: Mapping[str, str]) -> dict[str, str]:
    """Files that are edited count at once: nobody pays for looking at them."""
    is_remote = "://" in documents_named(environ)
    is_set = GatewayEnvironment.from_env(environ).reload_s is not None
    return {} if is_remote or is_set else {"GATEWAY_RELOAD_S": RELOAD_S}


def _store(stack: ExitStack, choices: LocalEnvironment) -> dict[str, str]:
    if choices.real_store:
        return {}
    valkey = stack.enter_context(Valkey(folder=choices.store_dir))
    app = create_store(redis_port=valkey.port, token=choices.store_token)
    url = stack.enter_context(serve(app, choices.store_port))
    return {"UPSTASH_REDIS_REST_URL": url, "UPSTASH_REDIS_REST_TOKEN": choices.store_token}


def _providers(choices: LocalEnvironment, url: str) -> dict[str, str]:
    # A base URL without a key is somebody's own server that wants none; LiteLLM insists on some text.
    found = {f"{name}_API_KEY": "none" for name in choices.keyless}
    for name in choices.simulated:
        found[f"{name}_API_KEY"] = "simulated"
        found[f"{name}_API_BASE"] = base_urls(url)[f"{name}_API_BASE"]
    return found


def _stop_signal() -> threading.Event:
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    return stopped


def _announce(running: Running, choices: LocalEnvironment) -> None:
    simulated = ", ".join(name.lower() for name in choices.simulated) or "none"
    kept = f"in {choices.store_dir}" if choices.store_dir else "in memory"
    print(f"Gateway    {running.url}")
    print(f"Key        {running.key or 'none made; see: gateway keys create --help'}")
    print(f"Store      {running.store_url}{'' if choices.real_store else f' (token {choices.store_token}; {kept})'}")
    print(f"Simulated  {simulated} {running.providers_url}", flush=True)
    if running.key:
        print(f"Try it     curl {running.url}/v1/complete -H 'Authorization: Bearer {running.key}' \\")
        question = '{"messages": [{"role": "user", "content": "Hello"}], "model_group": "fast"}'
        print(f"             -d '{question}'", flush=True)
