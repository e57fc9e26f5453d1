"""Writes what becomes of a job's questions while they are asked, and keeps the job's lease.

Answers that arrive while others are being written go together with the next ones: asking never waits for writing.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from gateway_core.batch.job_log import JobAnswers, Line, pack_line
from gateway_core.domain.errors import LLMError
from gateway_core.ports import Clock, JobBook, JobFiles
from gateway_core.store.jobs import JobName

RETRY_S = 0.5


class LeaseLost(Exception):
    """Another worker has the job, or there is none any more: nothing of it may be asked or written."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How a worker works.

    Attributes:
        lease_ms: For how long a job is the worker's, without a sign of life.
        gather_s: How long answers are gathered before they are written together.
        linger_s: The longest wait that is waited for; for a longer one the worker lets go of the job.
        least_pause_s: The shortest time for which it lets go.
    """

    lease_ms: int = 15_000
    gather_s: float = 0.0
    linger_s: float = 2.0
    least_pause_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Shift:
    """Which worker works, until when on the monotonic clock, and until when its lease holds as it begins."""

    worker: str
    end_s: float
    held_until_ms: int


class Recorder:
    """For one worker and job. Use it as a context: leaving it, all is written, or LLMError says that it is not.

    While the store is away that takes until the end of the shift: what is not written by then was paid for nothing.
    `on_ended` is called when somebody else ended the job: it was cancelled.
    """

    def __init__(
        self,
        name: JobName,
        shift: Shift,
        answers: JobAnswers,
        book: JobBook,
        files: JobFiles,
        clock: Clock,
        pace: Pace,
        on_ended: Callable[[], None],
    ) -> None:
        self._name = name
        self._shift = shift
        self._answers = answers
        self._book = book
        self._files = files
        self._clock = clock
        self._pace = pace
        self._on_ended = on_ended
        self._unwritten: list[str] = []
        self._written = answers.lines
        self._held_until_ms = shift.held_until_ms
        self._added = asyncio.Event()
        self._writing = asyncio.Lock()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._write_on())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None or issubclass(kind, LLMError):
                await self._drain()
        finally:
            self._task.cancel()
            await asyncio.wait([self._task])
        if not self._task.cancelled():
            self.check()
        await self.flush()

    def check(self) -> None:
        """Raises LeaseLost if the job is not this worker's any more, and what else ended the writing."""
        if self._task.done():
            self._task.result()

    def add(self, line: Line) -> None:
        """Note a line; it is written soon."""
        self._answers.add(line)
        self._unwritten.append(pack_line(line))
        self._added.set()

    async def flush(self) -> None:
        """Write all that is not written. Raises LLMError, and LeaseLost: another worker may have written there."""
        async with self._writing:
            if self._unwritten and self._clock.now_ms() >= self._held_until_ms:
                await self._renew()
            lines = self._unwritten[:]
            if lines:
                await self._files.append(self._name, self._written, lines)
                self._written += len(lines)
                del self._unwritten[: len(lines)]

    async def _drain(self) -> None:
        """Write all, or wait until the task that writes could do so, or must not."""
        with contextlib.suppress(LLMError):
            await self.flush()
        while self._unwritten and not self._task.done() and self._clock.monotonic_s() < self._shift.end_s:
            await self._clock.sleep(RETRY_S)

    async def _write_on(self) -> None:
        """Until cancelled. Raises LeaseLost."""
        while True:
            if await self._has_news():
                await self._clock.sleep(self._pace.gather_s)
            self._added.clear()
            try:
                await asyncio.shield(self.flush())
                await self._renew()
            except LLMError:  # told by whoever asked; what is not written waits
                await self._clock.sleep(RETRY_S)
                self._added.set()

    async def _has_news(self) -> bool:
        """Wait for a line, but no longer than the lease allows; whether there is one."""
        try:
            async with asyncio.timeout(self._pace.lease_ms / 3000):
                return await self._added.wait()
        except TimeoutError:
            return False

    async def _renew(self) -> None:
        now_ms = self._clock.now_ms()
        claim = await self._book.claim_job(
            self._name,
            self._shift.worker,
            lease_ms=self._pace.lease_ms,
            now_ms=now_ms,
            progress=self._answers.progress,
        )
        if claim in {"taken", "gone"}:
            raise LeaseLost
        self._held_until_ms = now_ms + self._pace.lease_ms
        if claim == "ended":
            self._on_ended()
