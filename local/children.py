"""Parts of the local stack in processes of their own, forked from one that has loaded what they need.

A child ends when its parent says so, or is gone, however that ended. Terminals and supervisors send their signals to
all processes at once: children leave them to their parent, which knows in which order things end.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

from local.flag import Flag
from local.loopback import ServingError

STOP_TIMEOUT_S = 15.0
"""How long a child may take to end what it has; then it is killed."""
_POLL_S = 0.02
_DONE, _FAILED = 0, 1


class ChildError(ServingError):
    """A part did not start; the text is what it said of the reason."""


type Part = Callable[[Flag], AbstractContextManager[str]]
"""Within the block the part is served; gives where. It sets the event when it cannot go on by itself."""


@dataclass(slots=True)
class Child:
    """A process that serves one part. `status` is its exit code once it is known, negative for a signal."""

    name: str
    pid: int
    report: int
    lifeline: int | None
    status: int | None = None

    def address(self) -> str:
        """Where it serves, as soon as it does. Raises ChildError if it ends before."""
        with os.fdopen(self.report, encoding="utf-8") as report:
            line = report.readline()
        told = json.loads(line) if line else {"error": f"{self.name} ended before it served"}
        if error := told.get("error"):
            raise ChildError(error)
        return str(told["address"])

    def has_ended(self) -> bool:
        """Whether it is gone."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = os.waitstatus_to_exitcode(status) if pid else None
        return self.status is not None

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal, if it is there."""
        if not self.has_ended():
            os.kill(self.pid, number)

    def release(self) -> None:
        """Have it end what it does. So does the death of this process."""
        lifeline, self.lifeline = self.lifeline, None
        if lifeline is not None:
            os.close(lifeline)

    def end(self, timeout_s: float) -> None:
        """The same, and wait until it is gone; after `timeout_s` it is killed."""
        self.release()
        self.gone_by(time.monotonic() + timeout_s)

    def gone_by(self, when_s: float) -> None:
        """Wait until it is gone, which it is by this time of the monotonic clock: it is killed then."""
        while not self.has_ended():
            if time.monotonic() >= when_s:
                self.tell(signal.SIGKILL)
                when_s = float("inf")
            time.sleep(_POLL_S)


class Children:
    """The children of this process, which must have no other thread while it forks."""

    def __init__(self) -> None:
        self._forked: list[Child] = []

    def fork(self, name: str, part: Part, *, leaves: bool = False) -> Child:
        """Start `part` in a process of its own. With `leaves` SIGTERM ends it, else it is passed on to the parent."""
        sys.stdout.flush()
        sys.stderr.flush()
        report, write = os.pipe()
        held, lifeline = os.pipe()
        pid = os.fork()
        if not pid:
            os.close(report)
            os.close(lifeline)
            for other in self._forked:
                other.release()  # only the parent is to hold on to them
            os._exit(_lived(part, write, held, leaves=leaves))
        os.close(write)
        os.close(held)
        self._forked = [other for other in self._forked if other.lifeline is not None]
        self._forked.append(Child(name, pid, report, lifeline))
        return self._forked[-1]

    @contextlib.contextmanager
    def serving(self, name: str, part: Part, stop_timeout_s: float = STOP_TIMEOUT_S) -> Iterator[tuple[Child, str]]:
        """The child within the block, and where it serves. Raises ChildError."""
        child = self.fork(name, part)
        try:
            yield child, child.address()
        finally:
            child.end(stop_timeout_s)


def _lived(part: Part, report: int, lifeline: int, *, leaves: bool) -> int:
    """All that happens in a child; its exit code."""
    stop, told, parent = Flag(), Flag(), os.getppid()

    def end() -> None:
        told.set()
        stop.set()

    def ask(_number: int, _frame: object) -> None:
        if leaves:
            end()
        elif os.getppid() == parent:
            os.kill(parent, signal.SIGTERM)

    signal.signal(signal.SIGTERM, ask)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    threading.Thread(target=_watch, args=(lifeline, end), daemon=True, name="lifeline").start()
    try:
        with part(stop) as address:
            _tell(report, {"address": address})
            stop.wait()
    except Exception as error:  # noqa: BLE001 - it goes to the parent, who tells it
        with contextlib.suppress(OSError):
            _tell(report, {"error": str(error) or type(error).__name__})
        return _FAILED
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return _DONE if told.is_set() else _FAILED


def _tell(report: int, message: dict[str, str]) -> None:
    os.write(report, json.dumps(message).encode() + b"\n")
    os.close(report)


def _watch(lifeline: int, end: Callable[[], None]) -> None:
    """Its other end is the parent's alone, and closes with it."""
    os.read(lifeline, 1)
    end()
