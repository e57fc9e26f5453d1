"""Runs the tests of `make test` in several processes: each forks from one that has imported and collected all of them.

In a fresh clone that takes as long as a third of all tests. Each process of pytest-xdist does it on its own, and one
more process is told of each step of each test, which costs as much as a tenth of all tests.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import IO, Any

import pytest
from _pytest._io import TerminalWriter

type ShareOf = Callable[[str], int]
"""Which share runs a test, by its node id."""


@dataclass(frozen=True)
class _Other:
    """A process with a share of its own, and the file that has what it says."""

    number: int
    pid: int
    said: IO[bytes]


class Processes:
    """A plugin: as many shares as `workers`, of which this process runs the first.

    The others say what they have to say in one piece, when they have ended. The worst exit code counts.
    """

    def __init__(self, workers: int, share_of: ShareOf) -> None:
        self._workers, self._share_of = workers, share_of
        self._others: list[_Other] = []
        self._first = 0

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, Any, Any]:
        """Go apart, once everything is collected."""
        if session.testsfailed or session.config.option.collectonly:
            return (yield)
        number = self._part(session.config.get_terminal_writer())
        session.items[:] = [item for item in session.items if self._share_of(item.nodeid) == number]
        session.testscollected = len(session.items)
        return (yield)

    def _part(self, terminal: TerminalWriter) -> int:
        """The share of who returns: this process and each that it makes."""
        terminal.line(f"{self._workers} shares of the tests run; each tells when it has ended.")
        terminal.flush()
        for number in range(1, self._workers):
            said = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `_end`; no pipe: who outlives it would hold it open
            first = os.getpid()
            if not (pid := os.fork()):
                self._first = first
                self._begin(said)
                return number
            self._others.append(_Other(number, pid, said))
        return 0

    def _begin(self, said: IO[bytes]) -> None:
        os.dup2(said.fileno(), 1), os.dup2(said.fileno(), 2)
        for file in (said, *(other.said for other in self._others)):
            file.close()
        self._others.clear()

    def pytest_runtest_logstart(self) -> None:
        """Nobody waits any more for a process whose first one was killed."""
        if self._first and os.getppid() != self._first:
            pytest.exit("the first process has ended")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, Any, Any]:
        """Wait for the others, and let what they say follow."""
        result = yield
        terminal = session.config.get_terminal_writer()
        codes = [self._end(other, terminal) for other in self._others]
        session.exitstatus = max([int(session.exitstatus), *codes], key=abs)
        return result

    def _end(self, other: _Other, terminal: TerminalWriter) -> int:
        _, status = os.waitpid(other.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        terminal.line(f"\nShare {other.number + 1} of {self._workers} ended with {code}:")
        with other.said:
            other.said.seek(0)
            terminal.write(other.said.read().decode(errors="replace"), flush=True)
        return code
