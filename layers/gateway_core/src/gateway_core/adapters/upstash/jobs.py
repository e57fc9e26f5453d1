"""Jobs in Upstash: a hash each and three scripts; where there is no bucket, their input and answers as well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from gateway_core.adapters.upstash import layout
from gateway_core.adapters.upstash.part import Part
from gateway_core.store.jobs import JOB_LIFE_S, Claim, Job, JobName, JobProgress, JobState, pack_facts, pack_progress


class UpstashJobs(Part):
    """Implements the ports `JobBook` and `JobFiles`."""

    async def create_job(self, job: Job, *, most_open: int, listed: bool = True) -> Job | None:
        name = job.name
        named = layout.idempotency_key(name.project_id, job.idempotency)
        keys = [layout.job_key(name), named, layout.open_jobs_key(name.project_id), layout.OPEN_JOBS]
        arguments = [job.created_ms, job.until_ms, JOB_LIFE_S, most_open, name.token, name.id, pack_facts(job)]
        arguments += [int(bool(job.idempotency)), int(listed)]
        reply = str(await self._client.run(self._scripts.job_create, keys, [*map(str, arguments)]))
        match reply[0]:
            case "+":
                return job
            case "=":
                return await self.find_job(JobName(name.project_id, reply[1:]))
        return None

    async def find_job(self, name: JobName) -> Job | None:
        flat = cast("list[str]", await self._client.execute("HGETALL", layout.job_key(name)))
        return layout.parse_stored_job(name, dict(zip(flat[::2], flat[1::2], strict=True))) if flat else None

    async def claim_job(
        self, name: JobName, worker: str, *, lease_ms: int, now_ms: int, progress: JobProgress | None = None
    ) -> Claim:
        arguments = [str(now_ms), worker, str(now_ms + lease_ms), pack_progress(progress) if progress else ""]
        return cast("Claim", await self._client.run(self._scripts.job_claim, [layout.job_key(name)], arguments))

    async def end_job(
        self,
        name: JobName,
        state: JobState,
        *,
        now_ms: int,
        error_code: str = "",
        progress: JobProgress | None = None,
    ) -> JobState | None:
        keys = [layout.job_key(name), layout.open_jobs_key(name.project_id), layout.OPEN_JOBS]
        packed = pack_progress(progress) if progress else ""
        arguments = [state, error_code, str(now_ms), packed, name.token, name.id]
        return cast("JobState", await self._client.run(self._scripts.job_end, keys, arguments)) or None

    async def forget_job(self, job: Job) -> None:
        name = job.name
        named = layout.idempotency_key(name.project_id, job.idempotency)
        of_project = ("ZREM", layout.open_jobs_key(name.project_id), name.token)
        await self._client.pipeline(
            [
                ("DEL", layout.job_key(name), layout.job_input_key(name), layout.job_log_key(name), named),
                of_project,
                ("ZREM", layout.OPEN_JOBS, name.id),
            ]
        )

    async def open_jobs(self) -> list[JobName]:
        members = cast("list[str]", await self._client.execute("ZRANGE", layout.OPEN_JOBS, 0, -1))
        return [name for member in members if (name := JobName.parse(member))]

    async def put_input(self, name: JobName, text: str) -> None:
        await self._client.execute("SET", layout.job_input_key(name), text, "EX", JOB_LIFE_S)

    async def read_input(self, name: JobName) -> str | None:
        return cast("str | None", await self._client.execute("GET", layout.job_input_key(name)))

    async def drop_input(self, name: JobName) -> None:
        await self._client.execute("DEL", layout.job_input_key(name))

    async def append(self, name: JobName, start: int, lines: Sequence[str]) -> None:
        key = layout.job_log_key(name)
        fields = [text for place, line in enumerate(lines, start) for text in (str(place), line)]
        await self._client.pipeline([("HSET", key, *fields), ("EXPIRE", key, JOB_LIFE_S)])

    async def read(self, name: JobName, start: int, limit: int) -> list[str]:
        places = [str(place) for place in range(start, start + limit)]
        reply = await self._client.execute("HMGET", layout.job_log_key(name), *places)
        found = cast("list[str | None]", reply)
        return [line for line in found[: found.index(None) if None in found else limit] if line is not None]
