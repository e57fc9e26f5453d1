"""Jobs that are worked on elsewhere: processes that look for jobs in the store do not find them."""

from gateway_core.bootstrap.jobs import jobs_for
from gateway_core.domain.caller import Attribution
from gateway_core.store.jobs import Job, JobName

NOW_MS = 1_795_000_000_000


def job():
    return Job(
        JobName.new("alpha"), "alpha", "digest", Attribution("alpha", "", ""), NOW_MS, NOW_MS + 60_000, 1, "body"
    )


async def test_a_job_that_is_not_listed(store):
    """It can be looked up and ended, and counts as one of its project's, but nobody comes upon it."""
    elsewhere, here = job(), job()
    assert await store.create_job(elsewhere, most_open=2, listed=False) == elsewhere
    assert await store.create_job(here, most_open=2) == here
    assert await store.open_jobs() == [here.name]
    assert await store.find_job(elsewhere.name) == elsewhere
    assert await store.create_job(job(), most_open=2) is None
    assert await store.end_job(elsewhere.name, "cancelled", now_ms=NOW_MS) == "cancelled"
    assert await store.create_job(job(), most_open=2) is not None


def test_jobs_of_lambda_are_not_listed():
    """Its questions are not in the store, so a container over the same store would find them lost, and end it."""
    environ = {
        "AWS_LAMBDA_FUNCTION_NAME": "ask",
        "GATEWAY_FUNCTION_JOBS": "jobs:live",
        "GATEWAY_JOBS_BUCKET": "bucket",
    }
    jobs = jobs_for(environ, None)
    assert jobs
    assert not jobs.listed
