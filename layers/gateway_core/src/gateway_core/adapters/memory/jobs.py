"""Jobs of the memory store, their input and answers included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway_core.adapters.memory.state import Part, StoredJob
from gateway_core.store.jobs import Claim, Job, JobName, JobProgress, JobState


class MemoryJobs(Part):
    """Implements the ports `JobBook` and `JobFiles` over a `State`."""

    async def create_job(self, job: Job, *, most_open: int, listed: bool = True) -> Job | None:
        known = self._state.job_names.get((job.name.project_id, job.idempotency)) if job.idempotency else None
        if known and known != job.name:
            return await self.find_job(known)
        if job.name in self._state.jobs:
            return job
        open_ones = [stored.job for stored in self._open() if stored.job.name.project_id == job.name.project_id]
        if sum(other.until_ms > job.created_ms for other in open_ones) >= most_open:
            return None
        self._state.jobs[job.name] = StoredJob(job, listed)
        if job.idempotency:
            self._state.job_names[job.name.project_id, job.idempotency] = job.name
        return job

    async def find_job(self, name: JobName) -> Job | None:
        stored = self._state.jobs.get(name)
        return stored.job if stored else None

    async def claim_job(
        self, name: JobName, worker: str, *, lease_ms: int, now_ms: int, progress: JobProgress | None = None
    ) -> Claim:
        stored = self._state.jobs.get(name)
        if stored is None:
            return "gone"
        if stored.job.is_ended:
            return "ended"
        if stored.worker not in {"", worker} and stored.lease_ms > now_ms:
            return "taken"
        stored.job = replace(stored.job, state="running", progress=progress or stored.job.progress)
        stored.worker, stored.lease_ms = worker, now_ms + lease_ms
        return "ours"

    async def end_job(
        self,
        name: JobName,
        state: JobState,
        *,
        now_ms: int,
        error_code: str = "",
        progress: JobProgress | None = None,
    ) -> JobState | None:
        stored = self._state.jobs.get(name)
        if stored is None:
            return None
        stored.job = replace(stored.job, progress=progress or stored.job.progress)
        if not stored.job.is_ended:
            stored.job = replace(stored.job, state=state, error_code=error_code, ended_ms=now_ms)
        return stored.job.state

    async def forget_job(self, job: Job) -> None:
        self._state.jobs.pop(job.name, None)
        self._state.job_names.pop((job.name.project_id, job.idempotency), None)
        self._state.job_inputs.pop(job.name, None)
        self._state.job_logs.pop(job.name, None)

    async def open_jobs(self) -> list[JobName]:
        listed = [stored.job for stored in self._open() if stored.listed]
        return [job.name for job in sorted(listed, key=lambda job: (job.until_ms, job.name.id))]

    async def put_input(self, name: JobName, text: str) -> None:
        self._state.job_inputs[name] = text

    async def read_input(self, name: JobName) -> str | None:
        return self._state.job_inputs.get(name)

    async def drop_input(self, name: JobName) -> None:
        self._state.job_inputs.pop(name, None)

    async def append(self, name: JobName, start: int, lines: Sequence[str]) -> None:
        self._state.job_logs[name].update(enumerate(lines, start))

    async def read(self, name: JobName, start: int, limit: int) -> list[str]:
        log, lines = self._state.job_logs[name], []
        for place in range(start, start + limit):
            if place not in log:
                break
            lines.append(log[place])
        return lines

    def _open(self) -> list[StoredJob]:
        return [stored for stored in self._state.jobs.values() if not stored.job.is_ended]
