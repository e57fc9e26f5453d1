"""Gateways as processes over one store: started, asked, killed."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from typing import Any

from tests.fleet.process import run
from tests.patience import patience

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.preload_litellm"])
_START_S = 60.0
_STOP_S = 15.0


@dataclass(frozen=True)
class Member:
    """A process and where it serves."""

    url: str
    process: BaseProcess

    def kill(self) -> None:
        """As the machine does that dies: no handler runs, no connection is closed in order."""
        self.process.kill()
        self.process.join(patience(_STOP_S))


class Fleet:
    """Some processes with one clock, which stands still until `advance` moves it for all of them."""

    def __init__(self, members: list[Member], at_ms: Any) -> None:
        self.members = members
        self._at_ms = at_ms

    def advance(self, seconds: float) -> None:
        """Let so much time pass everywhere."""
        self._at_ms.value += round(seconds * 1000)


@contextmanager
def fleet(
    size: int, *environs: Mapping[str, str], at_ms: int = 0, target: Callable[..., None] = run
) -> Iterator[Fleet]:
    """Start so many processes with these environments in turn, and end those that are left.

    With `at_ms` their clock stands.
    """
    clock = CONTEXT.Value("q", at_ms)
    started = []
    try:
        for number in range(size):
            environ = environs[number % len(environs)]
            ours, theirs = CONTEXT.Pipe()
            process = CONTEXT.Process(target=target, args=(theirs, dict(environ), clock), daemon=True)
            process.start()
            theirs.close()
            started.append((process, ours))
        yield Fleet([Member(_url(pipe), process) for process, pipe in started], clock)
    finally:
        for _process, pipe in started:
            pipe.close()
        for process, _pipe in started:
            process.join(patience(_STOP_S))
            process.kill()


def _url(pipe: Any) -> str:
    if not pipe.poll(patience(_START_S)):
        raise RuntimeError("a gateway did not start")
    return str(pipe.recv())
