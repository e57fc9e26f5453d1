"""Programs that are measured from outside: processor time and memory of each and all that it started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_SCHEDULED = 2
"""The clock of what a process ran, see clock_getcpuclockid(3)."""
_END_S = 15.0
_KIB = 1024


@dataclass(frozen=True, slots=True)
class Program:
    """One that runs."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def said(self) -> str:
        """The end of what it printed, for who has to know why it failed."""
        return self.log.read_text(errors="replace")[-2000:]


@contextlib.contextmanager
def running(command: Sequence[str], environ: Mapping[str, str], log: Path, folder: Path) -> Iterator[Program]:
    """Within the block it runs, in a session of its own; then all of that is ended."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - what the table names
            command,
            env={**inherited, **environ},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Program(process, log)
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_END_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def tree(pid: int) -> list[int]:
    """The process and its descendants."""
    found, left = list[int](), [pid]
    while left:
        one = left.pop()
        found.append(one)
        with contextlib.suppress(OSError):
            left += [int(child) for path in _tasks(one) for child in (path / "children").read_text().split()]
    return found


def _tasks(pid: int) -> list[Path]:
    return list((_PROC / str(pid) / "task").iterdir())


def cpu_s(pid: int) -> float:
    """Seconds of processor that the process and its descendants took so far; of those that ended, nothing."""
    return sum(_cpu_s(one) for one in tree(pid))


def _cpu_s(pid: int) -> float:
    try:
        return time.clock_gettime((~pid << 3) | _SCHEDULED)
    except OSError:
        return 0.0


def memory_mib(pid: int) -> float:
    """What the same hold of memory: of what several share, each its part (PSS)."""
    return sum(_pss_kib(one) for one in tree(pid)) / _KIB


def _pss_kib(pid: int) -> int:
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
