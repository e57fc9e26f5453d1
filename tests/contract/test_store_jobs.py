"""Jobs in a store: accepted once, worked on by one, ended once; the same in memory and in Upstash."""

import asyncio
from dataclasses import replace

import pytest

from gateway_core.domain.answer import Usage
from gateway_core.domain.caller import Attribution
from gateway_core.store.jobs import LATE_MS, Job, JobName, JobProgress

NOW = 1_795_190_400_000
PROGRESS = JobProgress(3, 2, 1, Usage(5, 7, 1, 2, 3), 10, 20, 30)


def job(number=1, project="alpha", **fields):
    """A job of an hour."""
    job = Job(
        name=JobName(project, f"{number:032x}"),
        key_home="home",
        digest="d" * 64,
        attribution=Attribution(project, "ägent|;", "u 1"),
        created_ms=NOW,
        until_ms=NOW + 3_600_000,
        questions=9,
        body_digest="b" * 64,
    )
    return replace(job, **fields)


async def accepted(store, number=1, most_open=10, **fields):
    return await store.create_job(job(number, **fields), most_open=most_open)


async def claim(store, worker, now_ms=NOW, number=1, **options):
    return await store.claim_job(job(number).name, worker, lease_ms=15_000, now_ms=now_ms, **options)


async def test_a_job_is_found_as_it_was_accepted(store):
    """And no other."""
    assert await accepted(store, idempotency="i" * 64) == job(idempotency="i" * 64)
    assert await store.find_job(job().name) == job(idempotency="i" * 64)
    assert await store.find_job(job(2).name) is None


async def test_a_copy_of_the_request_gives_the_same_job(store):
    """By its idempotency key within the project, whatever has become of the job."""
    await accepted(store, idempotency="i")
    assert (await accepted(store, 2, idempotency="i")).name == job(1).name
    assert await store.find_job(job(2).name) is None
    await store.end_job(job().name, "succeeded", now_ms=NOW + 1)
    again = await accepted(store, 3, idempotency="i")
    assert (again.name, again.state) == (job(1).name, "succeeded")
    assert (await accepted(store, 4, idempotency="j")).name == job(4).name
    other = await accepted(store, 5, project="beta", idempotency="i")
    assert other.name == job(5, "beta").name


async def test_a_call_that_arrives_twice_accepts_one_job(store):
    """Also where it takes the last place."""
    await accepted(store, most_open=1)
    assert await accepted(store, most_open=1) == job()
    assert await store.open_jobs() == [job().name]


async def test_a_project_has_so_many_open_jobs(store):
    """Those that ended, or should have, do not count; other projects' neither."""
    await accepted(store, 1, most_open=2)
    await accepted(store, 2, most_open=2, until_ms=NOW + 1000)
    assert await accepted(store, 3, most_open=2) is None
    assert await accepted(store, 3, most_open=2, project="beta")
    assert await accepted(store, 4, most_open=2, created_ms=NOW + 1000)
    assert await accepted(store, 5, most_open=2, created_ms=NOW + 1000) is None
    await store.end_job(job(1).name, "cancelled", now_ms=NOW + 1000)
    assert await accepted(store, 5, most_open=2, created_ms=NOW + 1000)


async def test_crowds_get_no_more_places_than_there_are(store):
    """At once."""
    found = await asyncio.gather(*(accepted(store, number, most_open=3) for number in range(10)))
    assert sum(each is not None for each in found) == 3


async def test_one_worker_has_a_job_at_a_time(store):
    """Until its lease is over; who has it renews it."""
    await accepted(store)
    assert await claim(store, "w1") == "ours"
    assert (await store.find_job(job().name)).state == "running"
    assert await claim(store, "w2") == "taken"
    assert await claim(store, "w1", NOW + 10_000) == "ours"
    assert await claim(store, "w2", NOW + 24_999) == "taken"
    assert await claim(store, "w2", NOW + 25_000) == "ours"
    assert await claim(store, "w1", NOW + 25_000) == "taken"


async def test_who_claims_may_note_how_far_the_job_is(store):
    """Without a note it stays as it was."""
    await accepted(store)
    await claim(store, "w1", progress=PROGRESS)
    await claim(store, "w1")
    assert (await store.find_job(job().name)).progress == PROGRESS
    assert await claim(store, "w2", progress=JobProgress()) == "taken"
    assert (await store.find_job(job().name)).progress == PROGRESS


async def test_a_job_ends_once(store):
    """The first end stands; what came of it meanwhile is noted all the same."""
    await accepted(store)
    assert await store.end_job(job().name, "cancelled", now_ms=NOW + 5) == "cancelled"
    late = await store.end_job(job().name, "failed", now_ms=NOW + 9, error_code="x", progress=PROGRESS)
    assert late == "cancelled"
    ended = await store.find_job(job().name)
    assert (ended.state, ended.error_code, ended.ended_ms) == ("cancelled", "", NOW + 5)
    assert ended.progress == PROGRESS
    assert await claim(store, "w1") == "ended"


async def test_a_job_fails_with_a_reason(store):
    """By the wire's word."""
    await accepted(store)
    assert await store.end_job(job().name, "failed", now_ms=NOW + 5, error_code="deadline_exceeded") == "failed"
    assert (await store.find_job(job().name)).error_code == "deadline_exceeded"


async def test_what_is_not_there_can_be_neither_claimed_nor_ended(store):
    """Nothing is made by it."""
    assert await claim(store, "w1") == "gone"
    assert await store.end_job(job().name, "failed", now_ms=NOW) is None
    assert await store.find_job(job().name) is None


async def test_open_jobs_are_listed_by_when_they_are_to_end(store):
    """Of all projects."""
    await accepted(store, 1)
    await accepted(store, 2, project="beta", until_ms=NOW + 1000)
    await accepted(store, 3, until_ms=NOW + 2000)
    await store.end_job(job(3).name, "succeeded", now_ms=NOW)
    assert await store.open_jobs() == [job(2, "beta").name, job(1).name]


async def test_a_job_that_could_not_be_started_is_as_if_it_had_never_been(store):
    """Its idempotency key may be used again, and its place is free."""
    made = await accepted(store, idempotency="i", most_open=1)
    await store.put_input(made.name, "text")
    await store.append(made.name, 0, ["line"])
    await store.forget_job(made)
    assert await store.find_job(made.name) is None
    assert await store.open_jobs() == []
    assert await store.read_input(made.name) is None
    assert await store.read(made.name, 0, 9) == []
    assert (await accepted(store, 2, idempotency="i", most_open=1)).name == job(2).name
    await store.forget_job(job(7))


async def test_an_input_that_nobody_needs_is_dropped(store):
    """Whether there is one or not."""
    await store.put_input(job().name, "text")
    await store.drop_input(job().name)
    await store.drop_input(job().name)
    assert await store.read_input(job().name) is None


async def test_redis_forgets_a_job_after_a_week(redis, upstash):
    """All of it, by itself."""
    await accepted(upstash, idempotency="i")
    await upstash.put_input(job().name, "text")
    await upstash.append(job().name, 0, ["line"])
    week = 7 * 86_400
    for key in redis.run("KEYS", "*"):
        assert key == "jobs" or week - 60 < redis.run("TTL", key) <= week, key
    assert len(redis.run("KEYS", "*")) == 6


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("job_alpha_" + "0f" * 16, JobName("alpha", "0f" * 16)),
        ("job_a-1_" + "0f" * 16, JobName("a-1", "0f" * 16)),
        ("job_Alpha_" + "0f" * 16, None),
        ("job_alpha_" + "0f" * 15, None),
        ("job_alpha_" + "0F" * 16, None),
        ("xjob_alpha_" + "0f" * 16, None),
        ("job_alpha_" + "0f" * 16 + "\n", None),
        ("", None),
    ],
)
def test_the_name_of_a_job_is_in_its_id(text, name):
    """And what is not an id is none."""
    assert JobName.parse(text) == name
    assert name is None or name.id == text


def test_new_names_differ():
    """Nobody guesses them."""
    assert len({JobName.new("alpha").token for _ in range(100)}) == 100
    assert JobName.parse(JobName.new("alpha").id)


@pytest.mark.parametrize(
    ("state", "after_ms", "then"),
    [
        ("running", LATE_MS - 1, "running"),
        ("running", LATE_MS, "failed"),
        ("queued", LATE_MS, "failed"),
        ("cancelled", LATE_MS, "cancelled"),
        ("succeeded", LATE_MS, "succeeded"),
    ],
)
def test_a_job_that_nobody_ended_in_time_has_failed(state, after_ms, then):
    """Whoever worked on it is gone for good."""
    seen = job(state=state).at(job().until_ms + after_ms)
    assert seen.state == then
    if then == "failed":
        assert (seen.error_code, seen.ended_ms) == ("deadline_exceeded", job().until_ms)


async def test_a_job_that_redis_forgot_is_listed_until_it_is_ended(redis, upstash):
    """By whoever finds that it is gone."""
    await accepted(upstash)
    redis.run("DEL", f"job:alpha:{job().name.token}")
    assert await upstash.open_jobs() == [job().name]
    assert await upstash.end_job(job().name, "failed", now_ms=NOW) is None
    assert await upstash.open_jobs() == []
