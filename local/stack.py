"""Starts the local stack: store, simulated providers, and the gateway's functions behind one port."""

from __future__ import annotations

import gc
import os
import re
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import FrameType

from starlette.types import ASGIApp

from gateway_core.adapters.feed import EventFeed
from gateway_core.adapters.job_bell import JobBell
from gateway_core.bootstrap import health_checks
from gateway_core.bootstrap.invoices import invoice_checks
from gateway_core.bootstrap.jobs import job_loop
from gateway_core.config.environment import GatewayEnvironment, StoreSettings, documents_named, store_variables
from gateway_core.domain.errors import ConfigError, StoreUnavailable
from gateway_core.telemetry.ports import Observer
from gateway_core.triggers.invoices import admin_keys
from gateway_core.wires.billing import BILLED
from local.children import Child, Children
from local.dev_key import dev_key, stored, storing
from local.environment import LocalEnvironment, StackError, read
from local.flag import Flag
from local.front import job_bell, load_front
from local.hub import Spoke
from local.loopback import ServingError
from local.observing import Observing, added_up
from local.parts import Host, apart, serve_database, serve_providers, serve_store
from local.probing import comparing, probing
from local.protocols import BoundedProtocol
from local.providers import base_urls
from local.real_providers import real_providers
from local.replaying import backlog_of, replaying
from local.serving import base_url, bind, running, server_for
from local.valkey import ValkeyError
from local.workers import Workers
from local.working import working

_BACKLOG = "GATEWAY_BACKLOG"
RELOAD_S = "1"
_LOOK_S = 0.5


class PartEndedError(StackError):
    """Something that the stack cannot do without has ended by itself."""


def run(environ: Mapping[str, str]) -> None:
    """Serve until SIGINT or SIGTERM. Raises StackError when a part cannot start, or ends."""
    choices = read(environ)
    stopped = _stop_signal()
    children, started = Children(), list[Child]()
    with ExitStack() as stack:
        with explained(environ):
            began = _start(stack, choices, environ, children, started)
        _announce(began.addresses, choices)
        _wait(stopped, started, began.workers)
        print(f"Stopping: what is under way has {choices.drain_s} s to end.", flush=True)
    print("Stopped.", flush=True)


@contextmanager
def explained(environ: Mapping[str, str]) -> Iterator[None]:
    """What keeps a part from starting, as a StackError."""
    try:
        yield
    except (ServingError, ValkeyError, ConfigError) as error:
        raise StackError(f"{error}{_way_out(str(error), environ)}") from error
    except StoreUnavailable as error:
        store = environ.get("UPSTASH_REDIS_REST_URL") or "its own"
        raise StackError(f"{error.message} ({store}: {error.detail})") from error


def _way_out(text: str, environ: Mapping[str, str]) -> str:
    """What to do where a port of ours is taken."""
    taken = re.search(r"cannot listen on \S*:(\d+):", text)
    if not taken:
        return ""
    choices = read(environ)
    ports = {
        choices.port: "PORT",
        choices.store_port: "LOCAL_STORE_PORT",
        choices.providers_port: "LOCAL_PROVIDERS_PORT",
    }
    named = ports.get(int(taken[1]))
    return f". Stop what listens there, or set {named} to another port." if named else ""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the parts answer; `providers_url` is empty when none is simulated, and `key` when none was given."""

    url: str
    key: str
    store_url: str
    providers_url: str
    backlog: str
    databases: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Running:
    """What was started; `workers` is None where this process serves by itself."""

    addresses: Addresses
    workers: Workers | None


def _start(
    stack: ExitStack,
    choices: LocalEnvironment,
    environ: Mapping[str, str],
    children: Children,
    started: list[Child],
) -> Running:
    settings, providers_url = start_parts(stack, choices, environ, apart(stack, children, started))
    key = dev_key(choices)
    os.environ["GATEWAY_DEV_KEY"] = key  # who has it may administer, also where it was made up
    is_stored = stored(key, settings, is_own_store=not choices.real_store)
    sock = bind(choices.port, choices.host)
    stack.enter_context(sock)
    further = {name: store.url for name, store in StoreSettings.further(settings).items()}
    store_url = settings["UPSTASH_REDIS_REST_URL"]
    stack.enter_context(added_up(choices.workers))
    observing = Observing.of(settings)
    addresses = Addresses(base_url(sock), key, store_url, providers_url, settings[_BACKLOG], further)
    if choices.workers == 1:
        feed = EventFeed()
        # Before the functions, so that it ends after them: what they could not settle it tries once more.
        stack.enter_context(replaying(settings, feed))
        stack.enter_context(observing.running())
        server = server_for(_loaded(feed, observing), choices.drain_s, protocol=BoundedProtocol)
        stack.enter_context(running(server, sock, choices.drain_s))
        stack.callback(feed.close)  # who watches would be waited for
        start_jobs(stack, settings, job_bell(), feed, observers=observing.observers)
        start_probes(stack, choices, settings)
        if not is_stored:
            stack.enter_context(storing(key, settings))
        return Running(addresses, None)
    spoke = Spoke()
    front = _loaded(spoke, observing)
    job_bell().attach(spoke.ring)

    def only_one(entered: ExitStack) -> None:
        entered.enter_context(replaying(settings, spoke))
        bell = JobBell()
        start_jobs(entered, settings, bell, spoke, observers=observing.observers)
        spoke.on_ring(bell.ring)
        start_probes(entered, choices, settings)
        if not is_stored:  # not here: what forks must have no other thread
            entered.enter_context(storing(key, settings))

    workers = Workers(children, choices.workers, front, sock, spoke, only_one, choices.drain_s, observing.running)
    stack.enter_context(workers.serving())
    return Running(addresses, workers)


def _loaded(feed: EventFeed, observing: Observing) -> ASGIApp:
    """All functions, with what they import; Python's collector looks at none of that any more.

    It would pass through hundreds of thousands of objects again and again, the more often the more requests are open.
    """
    front = load_front(feed, observing)
    gc.collect()
    gc.freeze()
    return front


def start_parts(
    stack: ExitStack, choices: LocalEnvironment, environ: Mapping[str, str], host: Host
) -> tuple[dict[str, str], str]:
    """What the gateway needs around it: the environment that it is to have, and where providers are simulated."""
    providers_url = serve_providers(host, choices) if choices.simulated else ""
    settings = {**environ, **_pace(environ), **_store(host, choices), **_providers(choices, providers_url)}
    settings["GATEWAY_WORKERS"] = str(choices.workers)
    settings[_BACKLOG] = backlog_of(stack, choices, settings, settings["UPSTASH_REDIS_REST_URL"])
    # The functions read the process environment, as they do on Lambda.
    os.environ.update(settings)
    return settings, providers_url


def start_jobs(
    stack: ExitStack,
    settings: Mapping[str, str],
    bell: JobBell,
    feed: EventFeed | None = None,
    project_id: str | None = None,
    observers: Sequence[Observer] = (),
) -> None:
    """Also those that an earlier run left, of one project if it is named."""
    stack.enter_context(working(job_loop(settings, bell, feed, project_id, observers)))


def start_probes(stack: ExitStack, choices: LocalEnvironment, settings: Mapping[str, str]) -> None:
    """If they are wanted."""
    if choices.probe_interval_s:
        stack.enter_context(probing(health_checks(settings), choices.probe_interval_s))
    if choices.invoice_interval_s and admin_keys(settings):
        stack.enter_context(comparing(invoice_checks(settings), choices.invoice_interval_s))


def _wait(stopped: Flag, started: Sequence[Child], workers: Workers | None) -> None:
    """Until a signal. Raises PartEndedError when a part has ended before."""
    while not stopped.is_set():
        for child in started:
            if child.has_ended():
                raise PartEndedError(f"{child.name} has ended ({child.status}), so everything is stopped.")
        if workers:
            workers.attend(_LOOK_S)
        else:
            stopped.wait(_LOOK_S)


def _pace(environ: Mapping[str, str]) -> dict[str, str]:
    """Files that are edited count at once: nobody pays for looking at them."""
    is_remote = "://" in documents_named(environ)
    is_set = GatewayEnvironment.from_env(environ).reload_s is not None
    return {} if is_remote or is_set else {"GATEWAY_RELOAD_S": RELOAD_S}


def _store(host: Host, choices: LocalEnvironment) -> dict[str, str]:
    if choices.real_store:
        return {}
    found = {"UPSTASH_REDIS_REST_URL": serve_store(host, choices), "UPSTASH_REDIS_REST_TOKEN": choices.store_token}
    for name in choices.databases:
        url, token = store_variables(name)
        found |= {url: serve_database(host, choices, name), token: choices.store_token}
    return found


def _providers(choices: LocalEnvironment, url: str) -> dict[str, str]:
    # A base URL without a key is somebody's own server that wants none; LiteLLM insists on some text.
    found = {f"{name}_API_KEY": "none" for name in choices.keyless}
    for name in choices.simulated:
        found[f"{name}_API_KEY"] = "simulated"
        found[f"{name}_API_BASE"] = base_urls(url)[f"{name}_API_BASE"]
        if name.lower() in BILLED:
            found[f"{name}_ADMIN_KEY"] = "simulated"
    return found


def _stop_signal() -> Flag:
    stopped = Flag()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    return stopped


def _announce(addresses: Addresses, choices: LocalEnvironment) -> None:
    simulated = ", ".join(name.lower() for name in choices.simulated) or "none"
    kept = f"in {choices.store_dir}" if choices.store_dir else "in memory"
    print(f"Gateway    {addresses.url}")
    print(f"Key        {addresses.key or 'none made; see: gateway keys create --help'}")
    print(f"Store      {addresses.store_url}{'' if choices.real_store else f' (token {choices.store_token}; {kept})'}")
    for name, url in addresses.databases.items():
        print(f"Database   {name} {url}")
    print(f"Backlog    {addresses.backlog}")
    for real in real_providers(choices, os.environ):
        print(f"Real       {real}")
    print(f"Simulated  {simulated} {addresses.providers_url}", flush=True)
    if addresses.key:
        print(f"Try it     curl {addresses.url}/v1/complete -H 'Authorization: Bearer {addresses.key}' \\")
        question = '{"messages": [{"role": "user", "content": "Hello"}], "model_group": "fast"}'
        print(f"             -d '{question}'", flush=True)
