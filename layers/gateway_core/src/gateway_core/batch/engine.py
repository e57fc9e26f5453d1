"""Runs a batch: so many questions at once, each when its turn comes, all of it before a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from gateway_core.batch.graph import Node
from gateway_core.batch.patience import Patience
from gateway_core.batch.progress import Progress
from gateway_core.batch.questions import Answer, Answerer
from gateway_core.ports import Clock
from gateway_core.waiting import leave, was_left

LEAST_CALL_S = 0.05
"""With less time left nobody is asked: it would be billed, and answer too late."""
SETTLE_S = 1.0
"""Kept back of a batch's time, half of it for calls that end late by themselves, half for those that have to be cut."""
SETTLE_SHARE = 0.1
"""The most of a short batch's time that is kept back."""


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """How many questions are asked at once, how long each may take, and how large its prompt may be with answers.

    With less than `least_call_s` left nobody is asked.
    """

    concurrency: int
    question_timeout_s: float
    prompt_bytes: int
    least_call_s: float = LEAST_CALL_S


@dataclass(frozen=True, slots=True)
class _Moments:
    """Of a batch, on the monotonic clock: calls end, those that do not are cut, whatever is known is given."""

    calls_end_s: float
    cut_s: float
    given_s: float

    @classmethod
    def of(cls, now_s: float, timeout_s: float) -> _Moments:
        kept_s = min(SETTLE_S, timeout_s * SETTLE_SHARE)
        given_s = now_s + timeout_s
        return cls(given_s - kept_s, given_s - kept_s / 2, given_s)


class Engine:
    """Runs batches. `on_crash` hears of exceptions that an answerer should not have raised."""

    def __init__(
        self, answerer: Answerer, clock: Clock, limits: BatchLimits, on_crash: Callable[[BaseException], None]
    ) -> None:
        self._answerer = answerer
        self._clock = clock
        self._limits = limits
        self._on_crash = on_crash

    async def run(self, nodes: Sequence[Node], *, timeout_s: float) -> AsyncGenerator[Answer]:
        """One answer for each question, as they get ready, all of them within `timeout_s`.

        What has not ended by then ends as `deadline_exceeded`. Close it early, and what runs is cancelled and settled;
        if its caller left (`waiting.leave`), what models are asked is read to its end first.
        """
        progress = Progress(nodes)
        async with aclosing(self.go_on(progress, None, timeout_s=timeout_s)) as answers:
            async for answer in answers:
                yield answer
        for node in progress.unended:
            yield _late(node)

    async def go_on(self, progress: Progress, patience: Patience | None, *, timeout_s: float) -> AsyncGenerator[Answer]:
        """As `run`, from where `progress` is, until nothing can be asked that `patience` does not hold.

        What has not ended by then has no answer; one that is postponed is given, and has not ended either.
        """
        moments = _Moments.of(self._clock.monotonic_s(), timeout_s)
        running = dict[asyncio.Task[Answer], Node]()
        try:
            for answer in progress.end_lacking():
                yield answer
            while True:
                for answer in self._start(progress, patience, running, moments):
                    yield answer
                ended = await self._first_ended(running, moments.cut_s)
                if not ended:
                    break
                for task in ended:
                    for answer in _ended(progress, patience, running.pop(task), task.result()):
                        yield answer
            for answer in await self._cut(progress, patience, running, moments):
                yield answer
        except asyncio.CancelledError as cancelled:
            if was_left(cancelled):
                await _hear_out(running)
            raise
        finally:
            await _cancel(running)

    def _start(
        self,
        progress: Progress,
        patience: Patience | None,
        running: dict[asyncio.Task[Answer], Node],
        moments: _Moments,
    ) -> Iterator[Answer]:
        """Ask as many as may run; gives the answers of those that cannot be asked."""
        least_s = self._limits.least_call_s
        while len(running) < self._limits.concurrency and self._left_s(moments.calls_end_s) >= least_s:
            node = progress.next_due()
            if node is None:
                return
            if patience and patience.holds(node.question):
                continue
            prompt = progress.prompt(node, self._limits.prompt_bytes)
            if prompt is None:
                yield from progress.end(node.number, self._too_long(node))
            else:
                running[asyncio.create_task(self._ask(node, prompt, moments.calls_end_s))] = node

    async def _ask(self, node: Node, prompt: str, end_s: float) -> Answer:
        timeout_s = min(self._left_s(end_s), self._limits.question_timeout_s)
        try:
            return await self._answerer.answer(node.question, prompt, node.number, timeout_s=timeout_s)
        except BaseException as error:  # a fault of ours in one question must not take the others away
            if not isinstance(error, Exception | asyncio.CancelledError) or _is_cancelled():
                raise
            self._on_crash(error)
            why = "The gateway failed. Quote the request_id to its operator."
            return Answer(node.question.index, "error", error_message=why, error_code="internal_error")

    async def _first_ended(
        self, running: dict[asyncio.Task[Answer], Node], until_s: float
    ) -> list[asyncio.Task[Answer]]:
        """Those that have ended, in list order, as soon as there are any; none if nothing runs, or ends in time."""
        if not running:
            return []
        ended, _ = await asyncio.wait(
            running, timeout=max(0.0, self._left_s(until_s)), return_when=asyncio.FIRST_COMPLETED
        )
        return sorted(ended, key=lambda task: running[task].number)

    async def _cut(
        self,
        progress: Progress,
        patience: Patience | None,
        running: dict[asyncio.Task[Answer], Node],
        moments: _Moments,
    ) -> list[Answer]:
        """End what has not ended. Waits for what was running to be settled, but not beyond the batch's own time."""
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=max(0.0, self._left_s(moments.given_s)))
        told: list[Answer] = []
        for task, node in running.items():
            if task.done() and not task.cancelled():
                told += _ended(progress, patience, node, task.result())
        running.clear()
        return told

    def _left_s(self, until_s: float) -> float:
        return until_s - self._clock.monotonic_s()

    def _too_long(self, node: Node) -> Answer:
        why = f"Not asked: with the answers that it names it is longer than {self._limits.prompt_bytes} bytes."
        return Answer(node.question.index, "error", error_message=why, error_code="invalid_request")


def _ended(progress: Progress, patience: Patience | None, node: Node, answer: Answer) -> Iterable[Answer]:
    """All answers that are known by this one, which may be none yet."""
    if patience and patience.postpones(node.number, node.question, answer):
        return [answer]
    return progress.end(node.number, answer)


def _late(node: Node) -> Answer:
    why = "The time of the batch was over before this question had an answer. Ask fewer at once, or raise timeout_s."
    return Answer(node.question.index, "error", error_message=why, error_code="deadline_exceeded")


def _is_cancelled() -> bool:
    """Whether somebody wants this task to end; a library may raise the same error by itself."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _hear_out(running: dict[asyncio.Task[Answer], Node]) -> None:
    """Nobody waits for the answers any more, but what is being asked is billed: it is read to its end."""
    for task in running:
        leave(task)
    if running:
        await asyncio.wait(running)


async def _cancel(running: dict[asyncio.Task[Answer], Node]) -> None:
    """End what runs, and wait until it is settled."""
    for task in running:
        task.cancel()
    if running:
        await asyncio.wait(running)
