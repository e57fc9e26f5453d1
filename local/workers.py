"""Several processes that serve one socket. They are forked once everything is loaded, and share its memory.

Whoever dies, or whose event loop stands still, is replaced. All end together, each once its requests have.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass

from starlette.types import ASGIApp

from local.children import Child, Children
from local.election import elected
from local.flag import Flag
from local.hub import Hub, Spoke
from local.observing import forget
from local.protocols import BoundedProtocol
from local.serving import running, server_for

PING_S = 5.0
STUCK_S = 60.0
"""An event loop that has not turned for so long is given up."""
_LEAST_LIFE_S = 5.0
"""Who dies younger is replaced no sooner."""
_MARGIN_S = 15.0


@dataclass(slots=True)
class _Worker:
    child: Child
    born_s: float
    answered: int = 0
    waited_s: float = 0.0
    """Since when it has answered no ping; 0 if none is open."""


class Workers:
    """So many processes that serve `front` on `sock`. One of them, the elected, also does what `only_one` begins.

    Each serves within `around`.
    """

    def __init__(
        self,
        children: Children,
        number: int,
        front: ASGIApp,
        sock: socket.socket,
        spoke: Spoke,
        only_one: Callable[[ExitStack], None],
        drain_s: int,
        around: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext,
    ) -> None:
        self._number = number
        self._front = front
        self._sock = sock
        self._spoke = spoke
        self._only_one = only_one
        self._drain_s = drain_s
        self._around = around
        self._hub = Hub()
        self._lock = tempfile.TemporaryFile()  # noqa: SIM115 - as long as this process is
        self._children = children
        self._workers: dict[int, _Worker] = {}
        self._pings = 0
        self._pinged_s = time.monotonic()

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        """Within the block they serve. Raises ChildError when one cannot start."""
        try:
            for index in range(1, self._number + 1):
                self._begin(index)
            for worker in self._workers.values():
                worker.child.address()
            yield
        finally:
            self._end()

    def attend(self, timeout_s: float) -> None:
        """Do what there is to do, for so long: pass messages on, replace who is gone."""
        end_s = time.monotonic() + timeout_s
        while (left_s := end_s - time.monotonic()) > 0:
            self._hub.attend(left_s)
            self._look_after(time.monotonic())
            if left_s < timeout_s:
                break

    def _begin(self, index: int) -> None:
        end = self._hub.connect(index)
        child = self._children.fork(f"worker {index}", lambda stop: self._worker(end, stop), leaves=True)
        end.close()
        self._workers[index] = _Worker(child, time.monotonic())

    @contextlib.contextmanager
    def _worker(self, end: socket.socket, _stop: Flag) -> Iterator[str]:
        """All that a worker does."""
        self._hub.close()
        server = server_for(self._front, self._drain_s, protocol=BoundedProtocol, shares=True)
        self._spoke.connect(end, server.soon)
        with (
            self._around(),
            running(server, self._sock, self._drain_s) as url,
            contextlib.closing(self._spoke),
            elected(self._lock, self._only_one),
        ):
            yield url

    def _look_after(self, now_s: float) -> None:
        for index, worker in list(self._workers.items()):
            self._look_after_one(index, worker, now_s)
        if now_s - self._pinged_s >= PING_S:
            self._pings += 1
            self._pinged_s = now_s
            self._hub.ping(self._pings)

    def _look_after_one(self, index: int, worker: _Worker, now_s: float) -> None:
        if worker.child.has_ended():
            if now_s - worker.born_s >= _LEAST_LIFE_S:
                _say(f"{worker.child.name} has ended ({worker.child.status}). Another one takes its place.")
                worker.child.release()
                forget(worker.child.pid)
                self._begin(index)
        elif (answered := self._hub.answered(index)) >= self._pings or answered > worker.answered:
            worker.answered, worker.waited_s = answered, 0.0  # late is not never
        elif not worker.waited_s:
            worker.waited_s = now_s
        elif now_s - worker.waited_s >= STUCK_S:
            _say(f"{worker.child.name} has not answered for {STUCK_S:g} s. It is killed.")
            worker.child.tell(signal.SIGKILL)

    def _end(self) -> None:
        """Let all finish what they have. Nobody else is let in."""
        self._sock.close()
        for worker in self._workers.values():
            worker.child.release()
        by_s = time.monotonic() + self._drain_s + _MARGIN_S
        while time.monotonic() < by_s and not all(worker.child.has_ended() for worker in self._workers.values()):
            self._hub.attend(0.05)
        for worker in self._workers.values():
            worker.child.gone_by(by_s)
        self._hub.close()
        self._lock.close()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
