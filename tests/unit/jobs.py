"""Jobs in virtual time: a worker over the memory store, an answerer that does as it is told, and processes that die."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gateway_core.adapters.memory import MemoryStore
from gateway_core.batch.engine import BatchLimits, Engine
from gateway_core.batch.graph import build
from gateway_core.batch.job_log import JobAnswers, pack_questions, parse_line
from gateway_core.batch.job_recorder import Pace
from gateway_core.batch.job_rounds import Stay, Tools
from gateway_core.batch.job_worker import JobWorker
from gateway_core.batch.questions import Answer, Question
from gateway_core.domain.answer import Cost, Usage
from gateway_core.domain.caller import Attribution, Caller
from gateway_core.domain.errors import StoreUnavailable, Unauthenticated
from gateway_core.domain.result import Attempt
from gateway_core.store.jobs import Job, JobName
from tests.virtual_time import LoopClock

CALL_COST = 7
QUESTION_TIMEOUT_S = 120.0
DIGEST = "d" * 64


@dataclass(frozen=True)
class Turn:
    """What becomes of a question that is asked: `ok`, `limited`, `failed`, `fatal`, `poor`, `revoked` or `crash`."""

    kind: str = "ok"
    takes_s: float = 1.0
    retry_after_s: float = 0.0


@dataclass
class Provider:
    """Implements `Answerer`. What it was called for is its own books: `calls` counts by question."""

    turns: dict[int, list[Turn]] = field(default_factory=dict)
    calls: Counter[int] = field(default_factory=Counter)
    asked: list[tuple[float, int]] = field(default_factory=list)
    prompts: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))

    async def answer(self, question: Question, prompt: str, number: int, *, timeout_s: float) -> Answer:
        turns = self.turns.get(number, [])
        turn = turns.pop(0) if turns else Turn()
        self.asked.append((asyncio.get_running_loop().time(), number))
        self.prompts[number].append(prompt)
        if turn.kind in {"ok", "failed", "fatal"}:
            self.calls[number] += 1
        await asyncio.sleep(turn.takes_s)
        return _outcome(question, number, turn)


def _outcome(question: Question, number: int, turn: Turn) -> Answer:
    spent: dict[str, Any] = {"usage": Usage(3, 4), "cost": Cost(CALL_COST, 0, "list")}
    failed = Answer(question.index, "error", error_message=turn.kind, error_code=turn.kind)
    match turn.kind:
        case "ok":
            return Answer(question.index, "success", f"<{number}>", attempts=(Attempt("m", "p", "ok"),), **spent)
        case "failed":
            attempts = (Attempt("m", "p", "failed", "timeout"),)
            return replace(failed, attempts=attempts, retry_after_s=turn.retry_after_s, **spent)
        case "fatal":
            return replace(failed, attempts=(Attempt("m", "p", "failed", "invalid_request"),), **spent)
        case "limited":
            return replace(
                failed,
                error_code="rate_limited",
                attempts=(Attempt("m", "p", "skipped"),),
                retry_after_s=turn.retry_after_s,
            )
        case "poor":
            return replace(failed, error_code="budget_exceeded")
        case "revoked":
            return replace(failed, error_code="unauthenticated")
    raise ZeroDivisionError("prompt text")


class Mortal:
    """The store as a process sees it that may die, and that may not reach it for a while."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.dead = False
        self.away = False

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._store, name)

        async def call(*args: Any, **kwargs: Any) -> Any:
            await asyncio.sleep(0.01)
            if self.dead or self.away:
                raise StoreUnavailable("away")
            return await real(*args, **kwargs)

        return call


@dataclass
class Bench:
    """One job, and whoever works on it."""

    questions: Sequence[Question]
    provider: Provider = field(default_factory=Provider)
    concurrency: int = 4
    job_s: float = 86_400.0
    pace: Pace = field(default_factory=Pace)
    store: MemoryStore = field(default_factory=MemoryStore)
    name: JobName = field(default_factory=lambda: JobName("alpha", "0" * 32))
    known_key: bool = True
    crashes: list[BaseException] = field(default_factory=list)

    async def accept(self) -> Job:
        now_ms = LoopClock().now_ms()
        job = Job(
            name=self.name,
            key_home="alpha",
            digest=DIGEST,
            attribution=Attribution("alpha"),
            created_ms=now_ms,
            until_ms=now_ms + round(self.job_s * 1000),
            questions=len(self.questions),
            body_digest="b",
        )
        accepted = await self.store.create_job(job, most_open=10)
        assert accepted == job
        await self.store.put_input(self.name, pack_questions(self.questions))
        return job

    def worker(self, name: str = "w1", store: Any = None) -> JobWorker:
        """A worker that sees the store as `store` does."""
        seen = store or self.store
        tools = Tools(self._engine, self._find, LoopClock(), self.pace, QUESTION_TIMEOUT_S)
        return JobWorker(name, seen, seen, tools)

    async def work(self, *, time_s: float = 3600.0, most_stays: int = 1000) -> Stay:
        """As a process does that lives: stay, pause, and stay again until the job has ended."""
        stay = Stay()
        for _ in range(most_stays):
            stay = await self.worker().work(self.name, time_s=time_s, idle=stay.idle)
            if stay.state or stay.not_ours:
                return stay
            await asyncio.sleep(stay.pause_s)
        raise AssertionError("the job does not end")

    async def job(self) -> Job:
        found = await self.store.find_job(self.name)
        assert found
        return found

    async def answers(self) -> JobAnswers:
        """What a reader of the log knows, having checked that no question has two ends."""
        answers, ends = JobAnswers(), Counter[int]()
        for line in map(parse_line, await self.store.read(self.name, 0, 100_000)):
            ends[line.number] += line.final
            answers.add(line)
        assert all(count == 1 for number, count in ends.items() if number in answers.known)
        return answers

    async def told(self) -> dict[int, str]:
        """By question: its result, or its error code."""
        known = (await self.answers()).known
        return {number: str(answer.error_code or answer.result) for number, answer in known.items()}

    def _engine(self, job: Job, caller: Caller, least_call_s: float) -> Engine:
        limits = BatchLimits(self.concurrency, QUESTION_TIMEOUT_S, 10_000, least_call_s)
        return Engine(self.provider, LoopClock(), limits, self.crashes.append)

    async def _find(self, job: Job) -> Caller:
        assert (job.key_home, job.digest) == ("alpha", DIGEST)
        if not self.known_key:
            raise Unauthenticated("gone")
        return Caller("alpha", "key", job.digest, "tag")


def asked(count: int, **fields: Any) -> list[Question]:
    """Independent questions with the indexes 1 to `count`."""
    return [Question(index, f"ask {index}", **fields) for index in range(1, count + 1)]


def numbers_of(questions: Sequence[Question]) -> list[int]:
    return [node.number for node in build(questions)]
