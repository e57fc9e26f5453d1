"""Jobs in Upstash: a hash each and three scripts; where there is no bucket, their input and answers as well."""

from __future__ import annotations

from collections.abc import Sequence

from gateway_core.adapters.upstash import layout
from gateway_core.adapters.upstash.part import Part
from gateway_core.adapters.upstash.reading import done, one_of, pairs, read, text, text_or_none, texts, values
from gateway_core.store.jobs import JOB_LIFE_S, Claim, Job, JobName, JobProgress, JobState, pack_facts, pack_progress

_CLAIMS: dict[str, Claim] = {"ours": "ours", "taken": "taken", "ended": "ended", "gone": "gone"}
_ENDS: dict[str, JobState | None] = {**layout.JOB_STATES, "": None}


class UpstashJobs(Part):
    """Implements the ports `JobBook` and `JobFiles`."""

    async def create_job(self, job: Job, *, most_open: int, listed: bool = True) -> Job | None:
        name = job.name
        named = layout.idempotency_key(name.project_id, job.idempotency)
        keys = [layout.job_key(name), named, layout.open_jobs_key(name.project_id), layout.OPEN_JOBS]
        arguments = [job.created_ms, job.until_ms, JOB_LIFE_S, most_open, name.token, name.id, pack_facts(job)]
        arguments += [int(bool(job.idempotency)), int(listed)]
        asked = self._client.run(self._scripts.job_create, keys, [*map(str, arguments)])
        token = await read("answer of job_create", asked, lambda reply: _accepted(job, text(reply)))
        if token is None or token == name.token:
            return job if token else None
        return await self.find_job(JobName(name.project_id, token))

    async def find_job(self, name: JobName) -> Job | None:
        stored = await read(f"job {name.id}", self._client.execute("HGETALL", layout.job_key(name)), pairs)
        return layout.parse_stored_job(name, stored) if stored else None

    async def claim_job(
        self, name: JobName, worker: str, *, lease_ms: int, now_ms: int, progress: JobProgress | None = None
    ) -> Claim:
        arguments = [str(now_ms), worker, str(now_ms + lease_ms), pack_progress(progress) if progress else ""]
        asked = self._client.run(self._scripts.job_claim, [layout.job_key(name)], arguments)
        return await read("answer of job_claim", asked, lambda reply: one_of(_CLAIMS, text(reply)))

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
        asked = self._client.run(self._scripts.job_end, keys, arguments)
        return await read("answer of job_end", asked, lambda reply: one_of(_ENDS, text(reply)))

    async def forget_job(self, job: Job) -> None:
        name = job.name
        named = layout.idempotency_key(name.project_id, job.idempotency)
        of_project = ("ZREM", layout.open_jobs_key(name.project_id), name.token)
        keys = (layout.job_key(name), layout.job_input_key(name), layout.job_log_key(name), named)
        of_all = ("ZREM", layout.OPEN_JOBS, name.id)
        await done("answer of forget_job", self._client.pipeline([("DEL", *keys), of_project, of_all]))

    async def open_jobs(self) -> list[JobName]:
        members = await read(layout.OPEN_JOBS, self._client.execute("ZRANGE", layout.OPEN_JOBS, 0, -1), texts)
        return [name for member in members if (name := JobName.parse(member))]

    async def put_input(self, name: JobName, text: str) -> None:
        asked = self._client.execute("SET", layout.job_input_key(name), text, "EX", JOB_LIFE_S)
        await done("answer of put_input", asked)

    async def read_input(self, name: JobName) -> str | None:
        return await read(f"input of {name.id}", self._client.execute("GET", layout.job_input_key(name)), text_or_none)

    async def drop_input(self, name: JobName) -> None:
        await done("answer of drop_input", self._client.execute("DEL", layout.job_input_key(name)))

    async def append(self, name: JobName, start: int, lines: Sequence[str]) -> None:
        key = layout.job_log_key(name)
        fields = [part for place, line in enumerate(lines, start) for part in (str(place), line)]
        asked = self._client.pipeline([("HSET", key, *fields), ("EXPIRE", key, JOB_LIFE_S)])
        await done("answer of append", asked)

    async def read(self, name: JobName, start: int, limit: int) -> list[str]:
        places = [str(place) for place in range(start, start + limit)]
        asked = self._client.execute("HMGET", layout.job_log_key(name), *places)
        found = await read(f"answers of {name.id}", asked, lambda reply: values(reply, limit))
        return [line for line in found[: found.index(None) if None in found else limit] if line is not None]


def _accepted(job: Job, reply: str) -> str | None:
    """The token of the job that was accepted, now or before; None if too many are open."""
    match reply[:1], reply[1:]:
        case "+", "":
            return job.name.token
        case "=", token if JobName.parse(JobName(job.name.project_id, token).id):
            return token
        case "-", "":
            return None
    raise ValueError
