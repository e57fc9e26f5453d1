"""Batches through the engine, in virtual time."""

import asyncio

from gateway_core.batch.engine import BatchLimits, Engine
from gateway_core.batch.graph import build
from gateway_core.batch.questions import Question
from tests.virtual_time import LoopClock, run

FOREVER_S = 1e6


def engine(answerer, crashes=None, concurrency=16, question_timeout_s=FOREVER_S, prompt_bytes=10_000):
    limits = BatchLimits(concurrency, question_timeout_s, prompt_bytes)
    return Engine(answerer, LoopClock(), limits, [].append if crashes is None else crashes.append)


def answers_to(questions, answerer, timeout_s=FOREVER_S, **limits):
    """All answers in the order in which they were given, and when the last one was."""

    async def collect():
        given_answers = [
            answer async for answer in engine(answerer, **limits).run(build(questions), timeout_s=timeout_s)
        ]
        return given_answers, asyncio.get_running_loop().time()

    return run(collect())


def chain(*texts, method="sequential"):
    return [Question(index, text, method) for index, text in enumerate(texts, 1)]


def told(answers):
    return {answer.index: answer.error_code or answer.result for answer in answers}
