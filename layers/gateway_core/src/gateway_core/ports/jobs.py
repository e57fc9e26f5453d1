"""Where jobs are kept, and who has them worked on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway_core.store.jobs import Claim, Job, JobName, JobProgress, JobState


class JobBook(Protocol):
    """Which jobs there are, what has come of them, and who works on them. All of it may be called twice."""

    async def create_job(self, job: Job, *, most_open: int, listed: bool = True) -> Job | None:
        """Accept a job: gives it back, or the one that was made by its idempotency key before.

        None if the project has `most_open` jobs already that have not ended. One that is not `listed` is among those,
        but not among `open_jobs`.
        """
        ...

    async def find_job(self, name: JobName) -> Job | None: ...

    async def claim_job(
        self, name: JobName, worker: str, *, lease_ms: int, now_ms: int, progress: JobProgress | None = None
    ) -> Claim:
        """Take or renew the lease of a job, which then runs, and note its progress. One worker has it at a time."""
        ...

    async def end_job(
        self,
        name: JobName,
        state: JobState,
        *,
        now_ms: int,
        error_code: str = "",
        progress: JobProgress | None = None,
    ) -> JobState | None:
        """End it, unless it has ended; gives the state that it ended with, None if there is no such job."""
        ...

    async def forget_job(self, job: Job) -> None:
        """As if it had never been made: it could not be started."""
        ...

    async def open_jobs(self) -> list[JobName]:
        """All that are listed and have not ended, of all projects, those first that are to end first."""
        ...


class JobFiles(Protocol):
    """What is too large to be looked up with a job: its questions, and the log of what became of them.

    Each line of the log has a place, from 0 on without a gap. All of it may be called twice.
    """

    async def put_input(self, name: JobName, text: str) -> None: ...

    async def read_input(self, name: JobName) -> str | None:
        """None where there is none, or no more."""
        ...

    async def drop_input(self, name: JobName) -> None:
        """Nobody needs it any more."""
        ...

    async def append(self, name: JobName, start: int, lines: Sequence[str]) -> None:
        """Write lines at the places from `start` on."""
        ...

    async def read(self, name: JobName, start: int, limit: int) -> list[str]:
        """The lines from `start` on, `limit` at most."""
        ...


class JobStarter(Protocol):
    """Has accepted jobs worked on."""

    async def start(self, name: JobName) -> None:
        """Begin, or go on. Does nothing for a job that is worked on; returns at once. Raises LLMError."""
        ...
