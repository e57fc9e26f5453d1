"""Works on a job, for as long as it is let: the same wherever it runs.

A worker asks what can be asked, in rounds, until all has ended, its time is over, or everything that is left has to
wait for longer than it is worth to stay. What it knows is written by then: another worker, or a later one, goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence

from gateway_core.batch.graph import Node, build
from gateway_core.batch.job_log import JobAnswers, Line, parse_line, parse_questions
from gateway_core.batch.job_recorder import LeaseLost, Recorder, Shift
from gateway_core.batch.job_rounds import Rounds, Stay, Tools
from gateway_core.batch.patience import Patience
from gateway_core.batch.questions import Answer
from gateway_core.domain.errors import LLMError
from gateway_core.ports import JobBook, JobFiles
from gateway_core.store.jobs import Claim, Job, JobName

PAGE = 500
"""How many lines of the log are read at once."""
LOST = "questions_lost"
WHY_NOT: Mapping[str, str] = {
    "unauthenticated": "Not asked: the key that brought this job was revoked.",
    "forbidden": "Not asked: the key that brought this job may not use the tool litellm_batch_ask any more.",
    "deadline_exceeded": "The time of the job was over before this question had an answer.",
}
"""By why a job failed, what its unanswered questions are told."""


class JobWorker:
    """Works on jobs under the name `worker`, which no other has. Raises LLMError while store or files are away."""

    def __init__(self, worker: str, book: JobBook, files: JobFiles, tools: Tools) -> None:
        self._worker = worker
        self._book = book
        self._files = files
        self._tools = tools

    async def work(self, name: JobName, *, time_s: float, idle: int = 0) -> Stay:
        """Work on a job for at most `time_s`; `idle` is what the last stay there ended with."""
        lease_ms, now_ms = self._tools.pace.lease_ms, self._tools.clock.now_ms()
        shift = Shift(self._worker, self._tools.clock.monotonic_s() + time_s, now_ms + lease_ms)
        claim = await self._claim(name, now_ms)
        try:
            return await self._claimed(name, claim, shift, idle)
        except LeaseLost:
            return Stay(not_ours=True)
        finally:
            if claim == "ours":
                await self._let_go(name)

    async def _claim(self, name: JobName, now_ms: int) -> Claim:
        lease_ms = self._tools.pace.lease_ms
        try:
            return await self._book.claim_job(name, self._worker, lease_ms=lease_ms, now_ms=now_ms)
        except asyncio.CancelledError:
            await self._let_go(name)  # the store may have heard of it
            raise

    async def _claimed(self, name: JobName, claim: Claim, shift: Shift, idle: int) -> Stay:
        job = await self._book.find_job(name)
        if claim == "gone" or job is None:
            await self._book.end_job(name, "failed", now_ms=self._tools.clock.now_ms())  # so that it is listed no more
            return Stay(not_ours=True)
        if claim != "ours":
            return Stay(job.state if job.is_ended else None, not_ours=True)
        text = await self._files.read_input(name)
        if text is None:
            return await self._end(job, await self._answers(name), Stay("failed", error_code=LOST))
        return await self._work(job, build(parse_questions(text)), shift, idle)

    async def _work(self, job: Job, nodes: Sequence[Node], shift: Shift, idle: int) -> Stay:
        answers = await self._answers(job.name)
        patience, tools = Patience(answers.tries), self._tools
        recorder = Recorder(job.name, shift, answers, self._book, self._files, tools.clock, tools.pace, patience.stop)
        async with recorder:
            stay = await Rounds(tools, job, nodes, answers, patience, recorder, shift.end_s, idle).run()
            if stay.error_code:
                _end_rest(nodes, answers, recorder, stay.error_code)
        return await self._end(job, answers, stay) if stay.state else stay

    async def _answers(self, name: JobName) -> JobAnswers:
        answers = JobAnswers()
        while lines := await self._files.read(name, answers.lines, PAGE):
            for line in lines:
                answers.add(parse_line(line))
        return answers

    async def _let_go(self, name: JobName) -> None:
        """Another worker need not wait until the lease is over; if it has to, it can."""
        with contextlib.suppress(LLMError):
            await self._book.claim_job(name, self._worker, lease_ms=0, now_ms=self._tools.clock.now_ms())

    async def _end(self, job: Job, answers: JobAnswers, stay: Stay) -> Stay:
        """Write how it ended. Who cancelled it meanwhile was first."""
        state = await self._book.end_job(
            job.name,
            stay.state or "failed",
            now_ms=self._tools.clock.now_ms(),
            error_code=stay.error_code,
            progress=answers.progress,
        )
        await self._files.drop_input(job.name)
        return Stay(state or stay.state, error_code=stay.error_code)


def _end_rest(nodes: Sequence[Node], answers: JobAnswers, recorder: Recorder, code: str) -> None:
    for node in nodes:
        if node.number not in answers.known:
            unasked = Answer(node.question.index, "error", error_message=WHY_NOT[code], error_code=code)
            recorder.add(Line(node.number, answers.whole(node.number, unasked)))
