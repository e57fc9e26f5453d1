"""Jobs as executions of a durable function, by the engine's own test runner: waits take no time, deaths are real."""

import asyncio
import json
import logging
from collections import Counter
from contextlib import closing, contextmanager
from dataclasses import replace

import pytest
from aws_durable_execution_sdk_python_testing import DurableFunctionTestRunner

from gateway_core.adapters.echo import echo
from gateway_core.batch.job_log import JobAnswers, pack_questions, parse_line
from gateway_core.batch.questions import Question
from gateway_core.domain.caller import Attribution
from gateway_core.domain.provider_errors import RateLimitError
from gateway_core.domain.times import utc_date
from gateway_core.store.jobs import Job, JobName
from gateway_core.store.virtual_keys import digest_of
from gateway_core.triggers.durable import LEAST_PAUSE_S, PACE, LoopThread, durable_handler
from tests.patience import patience

MOST_OPERATIONS = 3000
"""The engine's limit of an execution."""
LOGGED = ("aws_durable_execution_sdk_python", "aws_durable_execution_sdk_python_testing")


@pytest.fixture(autouse=True)
def _quiet():
    """The engine logs each death that a test makes, with its traceback."""
    loggers = [logging.getLogger(name) for name in LOGGED]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


class KilledError(BaseException):
    """The process died: no handler of ours hears of it."""


class Mortal:
    """The store, which takes the process with it at some calls of `append`, before or after it has written."""

    def __init__(self, store, deaths=()):
        self._store = store
        self.deaths = list(deaths)
        self.dead = False
        self._appends = 0

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def append(self, name, start, lines):
        if self.dead:
            raise KilledError
        self._appends += 1
        due = bool(self.deaths) and self._appends >= self.deaths[0][0]
        if due and not self.deaths[0][1]:
            self._die()
        await self._store.append(name, start, lines)
        if due:
            self._die()

    def _die(self):
        self.deaths.pop(0)
        self.dead = True
        raise KilledError


async def accepted(world, questions, **fields):
    """A job of project `alpha`, and its name."""
    key = await world.key()
    now_ms = world.clock.now_ms()
    job = Job(
        name=JobName("alpha", "0f" * 16),
        key_home="alpha",
        digest=digest_of(key),
        attribution=Attribution("alpha", "", "ada"),
        created_ms=now_ms,
        until_ms=now_ms + 86_400_000,
        questions=len(questions),
        body_digest="b",
    )
    job = replace(job, **fields)
    await world.store.create_job(job, most_open=9)
    await world.store.put_input(job.name, pack_questions(questions))
    return job.name


@contextmanager
def engine(world, files):
    """The engine with our handler, whose process may die."""
    loop = LoopThread()
    real = durable_handler(world.services, files, loop, pace=replace(PACE, gather_s=0.0))

    def handler(event, context):
        world.clock.advance(LEAST_PAUSE_S)  # the engine's own time is another
        if isinstance(files, Mortal):
            files.dead = False
        try:
            return real(event, context)
        except KilledError:
            raise RuntimeError("killed") from None

    with closing(loop), DurableFunctionTestRunner(handler) as runner:
        runner._executor.RETRY_BACKOFF_SECONDS = 0  # in the time of the machine
        yield runner
    runner._scheduler._loop.close()  # which the runner leaves to the garbage collector


async def ended(world, files, name):
    """What the execution gave, once it is over."""

    def execute():
        with engine(world, files) as runner:
            arn = runner.run_async(json.dumps({"job": name.id}), execution_timeout=86_400)
            return runner.wait_for_result(arn, timeout=round(patience(60)))

    return await asyncio.to_thread(execute)


async def all_records(world):
    """Of the day, in pages."""
    day, after, records = utc_date(world.clock.now_ms()).strftime("%Y%m%d"), "", []
    while True:
        page = await world.store.usage_records("alpha", day=day, after=after)
        records += page.records
        if not page.cursor:
            return records
        after = page.cursor


async def answers_of(world, name):
    answers, ends = JobAnswers(), Counter()
    for line in map(parse_line, await world.store.read(name, 0, 10_000)):
        ends[line.number] += line.final
        answers.add(line)
    assert set(ends.values()) <= {0, 1}
    return answers


def asked(count):
    return [Question(index, f"ask {index}", model="first", cache=False) for index in range(1, count + 1)]


async def test_a_job_runs_to_its_end(world):
    """Its result is a pointer: what was asked and answered is never the engine's."""
    name = await accepted(world, [*asked(20), Question(21, "and {Q3_result}", model="first")])
    result = await ended(world, world.store, name)
    assert json.loads(result.result) == {"job": name.id, "state": "succeeded"}
    job = await world.store.find_job(name)
    assert (job.state, job.progress.succeeded) == ("succeeded", 21)
    assert len(await world.records()) == 21
    assert {record.user_id for record in await world.records()} == {"ada"}
    told = json.dumps([str(operation) for operation in result.get_all_operations()])
    assert "ask " not in told
    assert any(line["message"] == "job ended" for line in world.lines())


async def test_a_wait_is_the_engines(world):
    """The function is not running meanwhile; a limit that lasts for hours stays below the limit of operations."""
    limited = {"left": 40}

    def behave(call):
        if limited["left"]:
            limited["left"] -= 1
            raise RateLimitError("busy", retry_after_s=30)
        return echo(call)

    world.behave["first"] = behave
    name = await accepted(world, asked(2))
    result = await ended(world, world.store, name)
    assert json.loads(result.result)["state"] == "succeeded"
    operations = result.get_all_operations()
    waits = [operation for operation in operations if operation.operation_type.name == "WAIT"]
    assert waits
    spans = [(wait.scheduled_end_timestamp - wait.start_timestamp).total_seconds() for wait in waits]
    assert min(spans) >= LEAST_PAUSE_S - 1
    assert 2 * 86_400 / LEAST_PAUSE_S < MOST_OPERATIONS


@pytest.mark.long
async def test_two_hundred_questions_outlive_three_deaths(world):
    """One answer each, and the books know of every call: what a death took was asked and paid once more."""
    calls = Counter()

    def behave(call):
        calls[call.messages[-1]["content"]] += 1
        return echo(call)

    world.behave["first"] = behave
    name = await accepted(world, asked(200))
    files = Mortal(world.store, deaths=[(2, False), (5, True), (10, False)])
    result = await ended(world, files, name)
    assert json.loads(result.result)["state"] == "succeeded"
    assert not files.deaths
    answers = await answers_of(world, name)
    assert sorted(answers.known) == list(range(1, 201))
    assert all(answer.status == "success" for answer in answers.known.values())
    assert calls.total() > 200
    records = await all_records(world)
    assert len(records) == calls.total()
    spent, held = await world.spent()
    assert (spent, held) == (sum(record.cost_nano for record in records), 0)


async def test_a_death_after_the_checkpoint_costs_nothing(world):
    """Each question was asked once."""
    calls = Counter()

    def behave(call):
        calls[call.messages[-1]["content"]] += 1
        return echo(call)

    world.behave["first"] = behave
    questions = [Question(index, f"ask {index}", "sequential", model="first", cache=False) for index in range(30)]
    name = await accepted(world, questions)
    result = await ended(world, Mortal(world.store, deaths=[(3, True), (9, True)]), name)
    assert json.loads(result.result)["state"] == "succeeded"
    assert len(await world.records()) == calls.total()
    assert calls.total() <= 30 + 2


async def test_a_job_that_was_cancelled_ends_without_a_call(world):
    """Whenever the engine comes to it."""
    name = await accepted(world, asked(5))
    await world.store.end_job(name, "cancelled", now_ms=world.clock.now_ms())
    result = await ended(world, world.store, name)
    assert json.loads(result.result) == {"job": name.id, "state": "cancelled"}
    assert await world.records() == []


@pytest.mark.parametrize("event", [{"job": "job_alpha_1"}, {"job": None}, {}])
async def test_what_names_no_job_is_answered_and_not_repeated(world, event):
    """Nothing runs for it."""

    def execute():
        with engine(world, world.store) as runner:
            return runner.run(json.dumps(event), execution_timeout=60)

    result = await asyncio.to_thread(execute)
    assert json.loads(result.result) == {"error": "invalid_request"}


async def test_a_job_that_is_gone_ends(world):
    """It was never accepted, or its week is over."""
    result = await ended(world, world.store, JobName("alpha", "ab" * 16))
    assert json.loads(result.result)["state"] is None
