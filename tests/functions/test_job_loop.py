"""What works on jobs in a process that lives on. In virtual time, over the in-memory world."""

import asyncio

import pytest

from gateway_core.adapters.echo import echo
from gateway_core.adapters.job_bell import JobBell
from gateway_core.batch.job_log import pack_questions
from gateway_core.batch.job_recorder import Pace
from gateway_core.batch.questions import Question
from gateway_core.crowd.limiter import Claim, CrowdLimits, Limiter
from gateway_core.crowd.slot import seated
from gateway_core.domain.caller import Attribution
from gateway_core.domain.errors import StoreUnavailable
from gateway_core.domain.provider_errors import RateLimitError
from gateway_core.store.jobs import Job, JobName
from gateway_core.store.virtual_keys import digest_of
from gateway_core.triggers.job_loop import JOBS_AT_ONCE, JobLoop
from local.working import working
from tests import virtual_time
from tests.loops import running


async def accepted(world, number=1, question="ask"):
    """A job with one question to the model `first`."""
    key, now_ms = await world.key(), world.clock.now_ms()
    job = Job(
        name=JobName("alpha", f"{number:032x}"),
        key_home="alpha",
        digest=digest_of(key),
        attribution=Attribution("alpha"),
        created_ms=now_ms,
        until_ms=now_ms + 3_600_000,
        questions=1,
        body_digest="b",
    )
    await world.store.create_job(job, most_open=99)
    await world.store.put_input(job.name, pack_questions([Question(1, question, model="first", cache=False)]))
    return job.name


async def state_of(world, name):
    found = await world.store.find_job(name)
    return found.state


def ended(world):
    return [line for line in world.lines() if line["message"] == "job ended"]


def test_jobs_that_others_left_are_gone_on_with(world):
    """Each is told of once it has ended."""

    async def main():
        names = [await accepted(world, number) for number in range(1, JOBS_AT_ONCE + 3)]
        async with running(JobLoop(world.services, world.store)):
            await asyncio.sleep(1)
        return [await state_of(world, name) for name in names]

    states = virtual_time.run(main())
    assert set(states) == {"succeeded"}
    assert len(ended(world)) == len(states)


def test_where_there_are_no_jobs_nobody_looks_often(world, monkeypatch):
    """A container that idles for a month sends some ten thousand commands, and not half a million."""
    real, looks = world.store.open_jobs, []

    async def open_jobs():
        looks.append(asyncio.get_running_loop().time())
        return await real()

    monkeypatch.setattr(world.store, "open_jobs", open_jobs)

    async def main():
        async with running(JobLoop(world.services, world.store)):
            await asyncio.sleep(3600)

    virtual_time.run(main())
    assert 55 <= len(looks) <= 61


def test_a_job_is_begun_when_the_bell_rings(world):
    """Long before anybody looks; ringing again changes nothing."""

    async def main():
        bell, loop = JobBell(), JobLoop(world.services, world.store, look_s=1000)
        bell.attach(loop.ring)
        await bell.start(JobName("alpha", "0" * 32))  # nobody works yet
        async with running(loop):
            await asyncio.sleep(1)
            name = await accepted(world)
            await bell.start(name)
            await bell.start(name)
            await asyncio.sleep(1)
            return await state_of(world, name)

    assert virtual_time.run(main()) == "succeeded"
    assert len(ended(world)) == 1


def test_a_job_has_no_part_in_the_slot_of_who_rings(world):
    """The request that brings it may have the only one, and be of another thread."""

    async def main():
        loop = JobLoop(world.services, world.store)
        async with running(loop):
            await asyncio.sleep(1)
            name = await accepted(world)
            with seated(Limiter(lambda _: None)) as slot:
                await slot.take(Claim("alpha"), CrowdLimits(working=1))
                loop.ring(name)
                await asyncio.sleep(1)
                return await state_of(world, name)

    assert virtual_time.run(main()) == "succeeded"


def test_a_job_that_waits_takes_no_place(world):
    """Others are worked on meanwhile."""
    limited = {"left": JOBS_AT_ONCE}

    def behave(call):
        if call.messages[-1]["content"] == "busy" and limited["left"]:
            limited["left"] -= 1
            raise RateLimitError("busy", retry_after_s=300)
        return echo(call)

    world.behave["first"] = behave

    async def main():
        busy = [await accepted(world, number, "busy") for number in range(1, JOBS_AT_ONCE + 1)]
        async with running(JobLoop(world.services, world.store)):
            await asyncio.sleep(2)
            world.clock.advance(301)
            free = await accepted(world, 99)
            await asyncio.sleep(6)
            states = [await state_of(world, name) for name in busy], await state_of(world, free)
            await asyncio.sleep(300)
            return states, [await state_of(world, name) for name in busy]

    (waiting, free), last = virtual_time.run(main())
    assert free == "succeeded"
    assert set(waiting) == {"running"}
    assert set(last) == {"succeeded"}


@pytest.mark.parametrize("method", ["open_jobs", "claim_job", "read_input"])
def test_a_store_that_is_away_is_tried_again(world, monkeypatch, method):
    """Nothing is lost by it."""
    real, failures = getattr(world.store, method), [3]

    async def flaky(*args, **kwargs):
        if failures[0]:
            failures[0] -= 1
            raise StoreUnavailable("away")
        return await real(*args, **kwargs)

    monkeypatch.setattr(world.store, method, flaky)

    async def main():
        name = await accepted(world)
        async with running(JobLoop(world.services, world.store)):
            await asyncio.sleep(60)
        return await state_of(world, name)

    assert virtual_time.run(main()) == "succeeded"
    assert failures == [0]


def test_a_fault_of_ours_ends_neither_the_loop_nor_the_job(world, monkeypatch):
    """It is told without its text."""
    real, failures = world.store.read_input, [1]

    async def broken(*args):
        if failures[0]:
            failures[0] -= 1
            raise ZeroDivisionError("a prompt")
        return await real(*args)

    monkeypatch.setattr(world.store, "read_input", broken)

    async def main():
        name = await accepted(world)
        async with running(JobLoop(world.services, world.store)):
            await asyncio.sleep(60)
        return await state_of(world, name)

    assert virtual_time.run(main()) == "succeeded"
    assert "a prompt" not in world.log.getvalue()
    assert [line["where"] for line in world.lines() if line["message"] == "internal error"] == ["job"]


def test_a_job_at_which_we_always_fail_is_tried_more_and_more_seldom(world):
    """As one that another version has written: each try costs commands, and an error in the log."""

    async def main():
        name = await accepted(world)
        await world.store.put_input(name, "what nobody can read")
        async with running(JobLoop(world.services, world.store)):
            await asyncio.sleep(4 * 3600)

    virtual_time.run(main())
    assert len([line for line in world.lines() if line["message"] == "internal error"]) < 4 * 3600 / 600


def test_a_process_that_ends_leaves_its_jobs_to_the_next(world):
    """What is known of them is written."""

    async def main():
        name = await accepted(world)
        first = JobLoop(world.services, world.store, Pace(lease_ms=1000))
        world.behave["first"] = _limited
        async with running(first):
            await asyncio.sleep(1)
        world.clock.advance(400)
        del world.behave["first"]
        async with running(JobLoop(world.services, world.store)):
            await asyncio.sleep(1)
        return await state_of(world, name)

    assert virtual_time.run(main()) == "succeeded"


def _limited(_call):
    raise RateLimitError("busy", retry_after_s=300)


async def test_it_works_in_a_thread_of_its_own(world, monkeypatch):
    """As in the local stack; the bell rings in another thread."""
    here, ended, end = asyncio.get_running_loop(), asyncio.Event(), world.store.end_job

    async def end_job(*args, **kwargs):
        state = await end(*args, **kwargs)
        here.call_soon_threadsafe(ended.set)
        return state

    monkeypatch.setattr(world.store, "end_job", end_job)
    name, bell = await accepted(world), JobBell()
    loop = JobLoop(world.services, world.store)
    bell.attach(loop.ring)
    with working(loop):
        await bell.start(name)
        await ended.wait()
    assert await state_of(world, name) == "succeeded"
