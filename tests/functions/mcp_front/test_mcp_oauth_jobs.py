"""A job that was begun with a token: it goes on when the token is over, with no more rights than that left."""

from functools import partial

import pytest

from gateway_core.adapters.job_bell import JobBell
from gateway_core.api import ask
from gateway_core.api.app import create_app
from gateway_core.batch.job_recorder import Pace
from gateway_core.domain.oauth import ClaimNames
from gateway_core.services import Jobs
from gateway_core.store.jobs import JobName
from gateway_core.triggers.jobs import worker_of
from tests.functions.mcp_front.oauth_world import OAuthWorld
from tests.oauth_issuer import SUBJECT, policy_of

JOB = {
    "questions": [
        {"index": 1, "question": "one", "model": "first", "cache": False},
        {"index": 2, "question": "two", "model": "second", "cache": False},
    ],
    "mode": "job",
}


@pytest.fixture
def world():
    world = OAuthWorld()
    services = world.world.services
    world.apps["ask"] = create_app(services, partial(ask.router, jobs=Jobs(services.store, JobBell())))
    return world


async def work(world, job_id):
    services = world.world.services
    await worker_of(services, services.store, "worker", Pace()).work(JobName.parse(job_id), time_s=60)


async def begun(world, token):
    return (await world.use("litellm_batch_ask", token, **JOB))["structuredContent"]["id"]


async def test_a_job_outlives_its_token(world):
    """It counts for the same user; another token of his looks at it, one of somebody else does not."""
    job_id = await begun(world, world.issuer.token())
    world.world.clock.advance(3600)
    world.issuer.now_s += 3600
    await work(world, job_id)
    status = await world.use("batch_status", world.issuer.token(), id=job_id)
    assert status["structuredContent"]["state"] == "succeeded"
    assert {record.user_id for record in await world.world.records()} == {SUBJECT}
    other = await world.use("batch_status", world.issuer.token(sub="auth0|bob"), id=job_id)
    assert "unknown_job" in other["content"][0]["text"]


async def test_a_job_has_the_rights_that_its_token_left(world):
    """What the token did not allow is not asked, though the user's record would allow it."""
    world.configure(policy_of(claims=ClaimNames(groups="g")))
    narrow, wide = world.issuer.token(g=["fast"]), world.issuer.token(g=["fast", "reasoning"])
    for token, succeeded in ((narrow, 1), (wide, 2)):
        job_id = await begun(world, token)
        await work(world, job_id)
        results = (await world.use("batch_status", wide, id=job_id))["structuredContent"]["results"]
        assert sum(bool(result.get("result")) for result in results) == succeeded


async def test_a_user_who_is_revoked_ends_his_jobs(world):
    """As a key that is revoked does."""
    job_id = await begun(world, world.issuer.token())
    (record,) = await world.world.store.list_keys("alpha")
    await world.world.store.revoke_key(record.id, now_ms=1)
    world.world.clock.advance(31)
    await work(world, job_id)
    name = JobName.parse(job_id)
    assert name
    job = await world.world.store.find_job(name)
    assert (job.state, job.error_code) == ("failed", "unauthenticated")
