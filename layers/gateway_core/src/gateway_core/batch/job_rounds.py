"""The rounds of a job: ask all that can be asked, wait if that is worth it, and again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from gateway_core.batch.engine import LEAST_CALL_S, Engine
from gateway_core.batch.graph import Node
from gateway_core.batch.job_log import JobAnswers, Line
from gateway_core.batch.job_recorder import Pace, Recorder
from gateway_core.batch.patience import Patience, pause_s, was_called
from gateway_core.batch.progress import Progress
from gateway_core.batch.questions import Answer
from gateway_core.domain.caller import Caller
from gateway_core.domain.errors import Forbidden, Unauthenticated
from gateway_core.ports import Clock
from gateway_core.store.jobs import Job, JobState

type MakeEngine = Callable[[Job, Caller, float], Engine]
"""An engine for a job's questions, which asks nobody with less than so many seconds left."""
type FindCaller = Callable[[Job], Awaitable[Caller]]
"""Who brought the job, with the rights of now. Raises Unauthenticated, Forbidden, StoreUnavailable."""


@dataclass(frozen=True, slots=True)
class Stay:
    """How a worker left a job: `state` if it has ended, None if it is to be gone on with after `pause_s`.

    `error_code` is why it failed. `not_ours`: somebody else works on it, or there is no such job. `idle` is how many
    rounds in a row brought nothing, for whoever goes on to know.
    """

    state: JobState | None = None
    pause_s: float = 0.0
    error_code: str = ""
    not_ours: bool = False
    idle: int = 0


@dataclass(frozen=True, slots=True)
class Tools:
    """What a worker works with. `question_timeout_s` is how long a question may take."""

    make_engine: MakeEngine
    find_caller: FindCaller
    clock: Clock
    pace: Pace
    question_timeout_s: float


class Rounds:
    """Of one job, as far as it is known in `answers`; what is found goes to `recorder`."""

    def __init__(
        self,
        tools: Tools,
        job: Job,
        nodes: Sequence[Node],
        answers: JobAnswers,
        patience: Patience,
        recorder: Recorder,
        end_s: float,
        idle: int,
    ) -> None:
        self._tools = tools
        self._job = job
        self._nodes = nodes
        self._answers = answers
        self._patience = patience
        self._recorder = recorder
        self._end_s = end_s
        self._idle = idle
        self._numbers = {node.question.index: node.number for node in nodes}

    async def run(self) -> Stay:
        """Until there is a reason to leave, at `end_s` at the latest. Raises LeaseLost and LLMError."""
        while True:
            known = len(self._answers.known)
            if (stay := await self._round()) is not None:
                return stay
            self._idle = 0 if len(self._answers.known) > known else self._idle + 1
            pause = min(pause_s(self._patience.wait_s or 0.0, self._idle), max(0.0, self._job_left_s))
            pace = self._tools.pace
            if pause > min(pace.linger_s, self._left_s):
                return Stay(pause_s=max(pause, pace.least_pause_s), idle=self._idle)
            await self._tools.clock.sleep(pause)

    @property
    def _left_s(self) -> float:
        return self._end_s - self._tools.clock.monotonic_s()

    @property
    def _job_left_s(self) -> float:
        return (self._job.until_ms - self._tools.clock.now_ms()) / 1000

    async def _round(self) -> Stay | None:
        """Ask what can be asked now; None if what is left has to wait."""
        if self._job_left_s <= 0:
            return Stay("failed", error_code="deadline_exceeded")
        self._patience.begin_round()
        try:
            await self._ask(await self._tools.find_caller(self._job))
        except (Unauthenticated, Forbidden) as error:
            return Stay("failed", error_code=error.code)
        return self._judged()

    def _judged(self) -> Stay | None:
        if self._patience.is_revoked:
            return Stay("failed", error_code="unauthenticated")
        if self._patience.is_stopped:
            return Stay("cancelled")
        if len(self._answers.known) == len(self._nodes):
            return Stay("succeeded")
        if self._patience.wait_s is None:  # the worker's own time is over
            return Stay(pause_s=self._tools.pace.least_pause_s)
        return None

    async def _ask(self, caller: Caller) -> None:
        left_s, job_left_s = self._left_s, self._job_left_s
        # Who has to leave before the job is over leaves no question half asked.
        least_s = LEAST_CALL_S if job_left_s <= left_s else min(self._tools.question_timeout_s, left_s / 2)
        progress = Progress(self._nodes, self._answers.known.items())
        engine = self._tools.make_engine(self._job, caller, least_s)
        timeout_s = max(0.0, min(left_s, job_left_s))
        async with aclosing(engine.go_on(progress, self._patience, timeout_s=timeout_s)) as asking:
            async for answer in asking:
                self._recorder.check()
                self._note(answer, progress)

    def _note(self, answer: Answer, progress: Progress) -> None:
        """What is postponed is told only if it cost something, or may have."""
        number = self._numbers[answer.index]
        whole = self._answers.whole(number, answer)
        if progress.has_ended(number):
            self._recorder.add(Line(number, whole))
        elif was_called(answer):
            self._recorder.add(Line(number, whole, final=False))
