"""Jobs: batches that outlive the request that brought them. What the store keeps of each, and who may work on it.

A job has one state; the first end that is written stands. Who works on it holds a lease: when that is over, because the
worker died, another one may take it. Input and answers are elsewhere, see `ports.JobFiles`.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import asdict, dataclass, field, replace
from typing import Literal

from gateway_core.domain.answer import Cost, Usage
from gateway_core.domain.caller import Attribution
from gateway_core.domain.times import LATEST_MS
from gateway_core.store.soundness import check_types

JOB_LIFE_S = 7 * 86_400
"""How long a job can be looked up, from when it was accepted."""
MOST_JOB_S = 86_400
"""How long it may take, all waits included."""
LATE_MS = 3_600_000
"""So long after its time, nobody works on it any more who could write its end."""

type JobState = Literal["queued", "running", "succeeded", "failed", "cancelled"]
type Claim = Literal["ours", "taken", "ended", "gone"]

IDEMPOTENCY_KEY_FORM = re.compile(r"[\x21-\x7e]{1,255}")
_ID = re.compile(r"job_([a-z0-9-]{1,32})_([0-9a-f]{32})")


@dataclass(frozen=True, slots=True)
class JobName:
    """A job's project, and what tells it from the project's others; together its public id, `job_alpha_0f...`."""

    project_id: str
    token: str

    @property
    def id(self) -> str:
        return f"job_{self.project_id}_{self.token}"

    @classmethod
    def new(cls, project_id: str) -> JobName:
        return cls(project_id, secrets.token_hex(16))

    @classmethod
    def parse(cls, text: str) -> JobName | None:
        """None for what is not an id."""
        match = _ID.fullmatch(text)
        return cls(match[1], match[2]) if match else None


@dataclass(frozen=True, slots=True)
class JobProgress:
    """What has come of a job so far."""

    answered: int = 0
    succeeded: int = 0
    cached: int = 0
    usage: Usage = field(default_factory=Usage)
    input_nano: int = 0
    output_nano: int = 0
    saved_nano: int = 0

    @property
    def cost(self) -> Cost:
        """Of all answers; it has no price list of its own."""
        return Cost(self.input_nano, self.output_nano, "")


@dataclass(frozen=True, slots=True)
class Job:
    """A job as the store knows it. Times are milliseconds since the epoch.

    Attributes:
        name: Its id.
        key_home: The project of the key that brought it.
        digest: Of that key, which is looked up anew for each question; the key itself is nowhere.
        attribution: Whom its questions count for.
        created_ms: When it was accepted.
        until_ms: When it is to have ended.
        questions: How many it has.
        body_digest: Of what was asked, to tell a copy of a request from another one with the same idempotency key.
        idempotency: Digest of the caller's `Idempotency-Key`, empty without one.
        state: As it was written last; see `state_at`.
        error_code: Why it failed, by the wire's stable word.
        ended_ms: None before its end.
        progress: Answers so far.
        grant: What a token left of the rights behind `digest`, as `access.internal_identity` packs it.
    """

    name: JobName
    key_home: str
    digest: str
    attribution: Attribution
    created_ms: int
    until_ms: int
    questions: int
    body_digest: str
    idempotency: str = ""
    state: JobState = "queued"
    error_code: str = ""
    ended_ms: int | None = None
    progress: JobProgress = field(default_factory=JobProgress)
    grant: str = ""

    @property
    def is_ended(self) -> bool:
        return self.state not in {"queued", "running"}

    def at(self, now_ms: int) -> Job:
        """The same as it is now: one that nobody ended in time has failed."""
        if self.is_ended or now_ms < self.until_ms + LATE_MS:
            return self
        return replace(self, state="failed", error_code="deadline_exceeded", ended_ms=self.until_ms)


def pack_facts(job: Job) -> str:
    """What does not change of a job, as JSON."""
    facts = {
        "key_home": job.key_home,
        "digest": job.digest,
        "attribution": asdict(job.attribution),
        "created_ms": job.created_ms,
        "until_ms": job.until_ms,
        "questions": job.questions,
        "body_digest": job.body_digest,
        "idempotency": job.idempotency,
        **({"grant": job.grant} if job.grant else {}),  # earlier releases know no more than they wrote
    }
    return json.dumps(facts, separators=(",", ":"))


def pack_progress(progress: JobProgress) -> str:
    return json.dumps(asdict(progress), separators=(",", ":"))


def parse_job(
    name: JobName, facts: str, *, state: JobState, error_code: str, ended_ms: int | None, progress: str
) -> Job:
    """The job that these parts were packed from; an empty `progress` is none yet.

    Raises LookupError, TypeError, ValueError for what none were packed into.
    """
    known = json.loads(facts)
    known["attribution"] = Attribution(**known["attribution"])
    job = Job(
        name=name, **known, state=state, error_code=error_code, ended_ms=ended_ms, progress=parse_progress(progress)
    )
    check_types(job, job.attribution, job.progress, job.progress.usage)
    if not 0 <= max(job.created_ms, job.until_ms) <= LATEST_MS:
        raise ValueError(job.until_ms)
    return job


def parse_progress(text: str) -> JobProgress:
    if not text:
        return JobProgress()
    known = json.loads(text)
    return JobProgress(**{**known, "usage": Usage(**known["usage"])})
