"""A process that works on jobs of one project: a store may be others' as well."""

import asyncio

from gateway_core.batch.job_log import pack_questions
from gateway_core.batch.questions import Question
from gateway_core.domain.caller import Attribution
from gateway_core.store.jobs import Job, JobName
from gateway_core.store.virtual_keys import digest_of
from gateway_core.triggers.job_loop import JobLoop
from tests.patience import patience


async def accepted(world, project):
    """A job of a question, which nobody rang for."""
    store, key = world.services.store, await world.key(project)
    now_ms = world.clock.now_ms()
    who = Attribution(project, "", "")
    job = Job(JobName.new(project), project, digest_of(key), who, now_ms, now_ms + 60_000, 1, "body")
    await store.create_job(job, most_open=9)
    await store.put_input(job.name, pack_questions([Question(1, "Why?", model="first", model_group=None)]))
    return job.name


async def ended(world, name):
    """The job's state, once it has one that stays."""
    async with asyncio.timeout(patience(20)):
        while True:
            job = await world.services.store.find_job(name)
            if job.is_ended:
                return job.state
            await asyncio.sleep(0.01)


async def test_jobs_of_others_are_left_alone(world):
    """Though they are found first; what was rung for is worked on, whosever it is."""
    other = await accepted(world, "beta")
    own = await accepted(world, "alpha")
    loop = JobLoop(world.services, world.services.store, project_id="alpha")
    running = asyncio.create_task(loop.run())
    assert await ended(world, own) == "succeeded"
    assert (await world.services.store.find_job(other)).state == "queued"
    loop.ring(other)
    assert await ended(world, other) == "succeeded"
    running.cancel()
    await asyncio.wait([running])
