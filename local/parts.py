"""What the gateway needs around it, each as something that can be served here or in a process of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from local.children import Child, Children, Part
from local.environment import LocalEnvironment
from local.flag import Flag
from local.providers import create_app as create_providers
from local.serving import serve
from local.upstash import create_app as create_store
from local.valkey import Valkey

type Host = Callable[[str, Part], str]
"""Serves a part by its name, and tells where. Raises ServingError, ValkeyError."""


@contextlib.contextmanager
def store_part(choices: LocalEnvironment, stop: Flag) -> Iterator[str]:
    """Valkey and the stand-in of Upstash over it; without the one the other has no use."""
    with Valkey(folder=choices.store_dir, on_death=stop.set) as valkey:
        app = create_store(redis_port=valkey.port, token=choices.store_token)
        with serve(app, choices.store_port) as url:
            yield url


@contextlib.contextmanager
def database_part(choices: LocalEnvironment, name: str, stop: Flag) -> Iterator[str]:
    """The same for a database beside it, on a port that is free."""
    folder = Path(choices.store_dir) / name if choices.store_dir else None
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    with (
        Valkey(folder=str(folder or ""), on_death=stop.set) as valkey,
        serve(create_store(redis_port=valkey.port, token=choices.store_token)) as url,
    ):
        yield url


@contextlib.contextmanager
def providers_part(choices: LocalEnvironment, _stop: Flag) -> Iterator[str]:
    """The simulator of the providers."""
    with serve(create_providers(), choices.providers_port) as url:
        yield url


def here(stack: ExitStack) -> Host:
    """In threads of this process, until `stack` ends."""
    return lambda _name, part: stack.enter_context(part(Flag()))


def apart(stack: ExitStack, children: Children, started: list[Child]) -> Host:
    """Each in a process of its own, until `stack` ends; they are added to `started`."""

    def host(name: str, part: Part) -> str:
        child, address = stack.enter_context(children.serving(name, part))
        started.append(child)
        return address

    return host


def serve_store(host: Host, choices: LocalEnvironment) -> str:
    """Where it is."""
    return host("the store", partial(store_part, choices))


def serve_database(host: Host, choices: LocalEnvironment, name: str) -> str:
    """Where it is."""
    return host(f"the database {name!r}", partial(database_part, choices, name))


def serve_providers(host: Host, choices: LocalEnvironment) -> str:
    """Where they are."""
    return host("the simulator", partial(providers_part, choices))
