"""The backlog as files of JSON lines in one folder: a file for each process, and who drains one has a lock on it.

A message is on the disk when `put` returns. The locks are the kernel's: they end with whoever holds them.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway_core.domain.errors import BacklogUnavailable, LLMError
from gateway_core.ports import Replay
from gateway_core.store.records import Unsettled
from gateway_core.store.unsettled import Verdict, pack
from gateway_core.waiting import Aside

MOST_BYTES = 8 * 1024 * 1024
"""A file that is larger is put aside, and another one begun."""
REFUSED = "refused"
"""What can never be settled is kept in this file, for an operator."""
_WAITING, _TAKEN = "jsonl", "taken"
_PRIVATE = 0o600


class FileBacklog:
    """Implements the port `LocalBacklog` in `folder`, which is made when it is first needed."""

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self._folder = folder
        self._most_bytes = most_bytes

    async def put(self, unsettled: Unsettled, error: LLMError) -> None:  # noqa: ARG002 - the port's
        try:
            own = f"{socket.gethostname()}-{os.getpid()}.{_WAITING}"  # not of before a fork
            await asyncio.to_thread(self._append, self._folder / own, pack(unsettled))
        except OSError as failure:
            detail = f"{self._folder}: {failure.strerror}"
            raise BacklogUnavailable("The backlog did not take a settlement.", detail=detail) from failure

    async def drain(self, replay: Replay) -> Counter[Verdict]:
        told: Counter[Verdict] = Counter()
        for path in await _in_thread(self._take):
            with _locked(path, wait=False) as taken:
                if taken:
                    await self._drain(taken, replay, told)
            if told["away"]:
                break
        return told

    def files(self) -> list[Path]:
        """All that has messages which wait."""
        return sorted(path for kind in (_TAKEN, _WAITING) for path in self._folder.glob(f"*.{kind}"))

    async def waiting(self) -> tuple[int, int]:
        """How many messages wait, and how many were refused. Raises OSError."""
        waiting = [await asyncio.to_thread(_count, path) for path in await asyncio.to_thread(self.files)]
        return sum(waiting), await asyncio.to_thread(_count, self._folder / REFUSED)

    def _append(self, path: Path, line: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with _locked(path, wait=True, make=True) as file:
            if file is None:
                raise FileNotFoundError(str(path))
            file.append(line)
            if path.suffix == f".{_WAITING}" and os.fstat(file.descriptor).st_size > self._most_bytes:
                path.rename(self._aside(path))

    def _take(self) -> Sequence[Path]:
        """Put aside what processes wrote until now, so that they begin new files; with what was put aside before."""
        for path in self._folder.glob(f"*.{_WAITING}"):
            with _locked(path, wait=True) as file:
                if file:
                    path.rename(self._aside(path))
        return sorted(self._folder.glob(f"*.{_TAKEN}"))

    @staticmethod
    def _aside(path: Path) -> Path:
        return path.with_name(f"{path.stem}.{secrets.token_hex(8)}.{_TAKEN}")

    async def _drain(self, file: _File, replay: Replay, told: Counter[Verdict]) -> None:
        lines = await _in_thread(file.lines)
        left: list[str] = []
        for number, line in enumerate(lines):
            verdict = await replay(line)
            told[verdict] += 1
            if verdict == "refused":
                await _in_thread(self._append, self._folder / REFUSED, line)
            elif verdict == "waits":
                left.append(line)
            elif verdict == "away":
                left += lines[number:]
                break
        if len(left) < len(lines) or not lines:
            await _in_thread(file.keep, left)


async def _in_thread[**P, T](work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """What `work` gives. Cancelled, it waits for it all the same: its lock would be in the way of the next round."""
    aside = Aside(asyncio.to_thread(work, *arguments, **named))
    try:
        return await aside.result()
    except asyncio.CancelledError:
        await asyncio.wait({aside.task})
        raise


@dataclass(frozen=True, slots=True)
class _File:
    """A file that nobody else writes to or drains."""

    path: Path
    descriptor: int

    def append(self, line: str) -> None:
        size = os.fstat(self.descriptor).st_size
        # A process may have died, or the disk been full, in the middle of a line.
        is_torn = size > 0 and os.pread(self.descriptor, 1, size - 1) != b"\n"
        data = ("\n" if is_torn else "").encode() + line.encode() + b"\n"
        while data:
            data = data[os.write(self.descriptor, data) :]
        os.fsync(self.descriptor)
        if size == 0:
            _sync(self.path.parent)

    def lines(self) -> list[str]:
        return [line for line in self.path.read_text(encoding="utf-8", errors="replace").split("\n") if line.strip()]

    def keep(self, lines: Sequence[str]) -> None:
        """Replace all by these lines, in one step."""
        if not lines:
            self.path.unlink()
            return
        new = self.path.with_suffix(".new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _PRIVATE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in lines))
            file.flush()
            os.fsync(descriptor)
        new.replace(self.path)
        _sync(self.path.parent)


@contextmanager
def _locked(path: Path, *, wait: bool, make: bool = False) -> Iterator[_File | None]:
    """The file with a lock on it; None if there is none, or if it is not to be waited for and somebody has it.

    Who waited may find that the name has come to stand for another file meanwhile: that is the one to lock.
    """
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND | (os.O_CREAT if make else 0), _PRIVATE)
        except FileNotFoundError:
            if make:
                raise
            yield None
            return
        try:
            if not _lock(descriptor, wait=wait):
                yield None
                return
            if _is_at(path, descriptor):
                yield _File(path, descriptor)
                return
        finally:
            os.close(descriptor)


def _count(path: Path) -> int:
    """The lines of a file; it may be drained, and be gone, meanwhile."""
    try:
        return sum(1 for line in path.read_bytes().split(b"\n") if line.strip())
    except FileNotFoundError:
        return 0


def _lock(descriptor: int, *, wait: bool) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    mine = os.fstat(descriptor)
    return (found.st_dev, found.st_ino) == (mine.st_dev, mine.st_ino)


def _sync(folder: Path) -> None:
    """What the folder lists is on the disk, too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
