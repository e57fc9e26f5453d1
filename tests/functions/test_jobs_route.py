"""The routes of jobs: what is accepted, started, told and cancelled."""

from gateway_core.api.jobs import MOST_PAGE_CHARS
from gateway_core.domain.errors import StoreUnavailable
from gateway_core.store.jobs import JOB_LIFE_S, LATE_MS, MOST_JOB_S, JobName
from tests.functions.job_desk import QUESTIONS, error_of


async def test_a_job_is_accepted_and_started(desk):
    """And nothing is asked before somebody works on it."""
    answer = await desk.accept()
    job_id = answer.json()["id"]
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    assert answer.headers["location"] == f"/ask/{job_id}"
    assert desk.starter.started == [JobName.parse(job_id)]
    told = (await desk.look(job_id)).json()
    assert (told["state"], told["questions"], told["answered"], told["results"]) == ("queued", 1, 0, [])
    assert (told["next"], told["ended_at"], told["error_code"]) == (0, None, None)


async def test_a_job_tells_what_it_came_to(desk):
    """In the shapes of a batch."""
    job_id = await desk.accepted()
    assert (await desk.work(job_id)).state == "succeeded"
    told = (await desk.look(job_id)).json()
    whole = (await desk.http.post("/ask", json=QUESTIONS)).json()
    assert told["results"][0].keys() == whole["results"][0].keys()
    assert (told["state"], told["answered"], told["succeeded"], told["failed"], told["next"]) == (
        "succeeded", 1, 1, 0, None,
    )  # fmt: skip
    assert told["cost"].keys() == whole["totals"]["cost"].keys()
    assert told["usage"].keys() == whole["totals"]["usage"].keys()
    assert told["cost"]["total_usd"] == told["results"][0]["cost"]["total_usd"] != "0"
    assert told["created_at"] < told["expires_at"]


async def test_results_come_in_pages(desk):
    """Each once, and the last page says that it is the last."""
    questions = [{"index": n, "question": f"{n}", "model": "first"} for n in range(1, 8)]
    job_id = await desk.accepted({"questions": questions})
    await desk.work(job_id)
    seen, cursor, pages = [], 0, 0
    while cursor is not None:
        page = (await desk.look(job_id, cursor=cursor, limit=3)).json()
        seen, cursor, pages = [*seen, *(result["index"] for result in page["results"])], page["next"], pages + 1
    assert sorted(seen) == list(range(1, 8))
    assert pages == 3


async def test_a_page_has_a_size(desk):
    """Long results make short pages, one alone is a page whatever its size, and none is passed over."""
    length = MOST_PAGE_CHARS * 2 // 5
    questions = [{"index": n, "question": "x" * length, "model": "first", "cache": False} for n in range(3)]
    questions.append({"index": 3, "question": "{Q0_result}{Q1_result}{Q2_result}", "model": "first"})
    job_id = await desk.accepted({"questions": questions})
    assert (await desk.work(job_id)).state == "succeeded"
    pages, cursor = [], 0
    while cursor is not None:
        page = (await desk.look(job_id, cursor=cursor)).json()
        pages.append([result["index"] for result in page["results"]])
        cursor = page["next"]
    assert [len(page) for page in pages] == [2, 1, 1]
    assert sorted(index for page in pages for index in page) == [0, 1, 2, 3]


async def test_a_copy_of_a_request_gives_the_same_job(desk):
    """It is started again while it is queued, which does nothing to a job that runs."""
    first = await desk.accepted(idempotency_key="k1")
    assert await desk.accepted(idempotency_key="k1") == first
    assert desk.starter.started == [JobName.parse(first)] * 2
    await desk.work(first)
    copy = await desk.accept(idempotency_key="k1")
    assert copy.json() == {"id": first, "state": "succeeded"}
    assert len(desk.starter.started) == 2
    assert await desk.accepted(idempotency_key="k2") != first
    assert await desk.accepted() != await desk.accepted()


async def test_a_job_that_cannot_be_started_is_as_if_it_had_never_been(desk):
    """Nobody else was told of it."""
    desk.starter.fails = True
    refused = await desk.accept()
    assert error_of(refused) == (503, "function_unavailable", None)
    assert "TooMany" not in refused.text
    assert await desk.world.store.open_jobs() == []


async def test_a_job_with_a_key_of_idempotency_that_cannot_be_started_waits_for_the_repeat(desk):
    """A copy that was on its way may have started it."""
    desk.starter.fails = True
    assert (await desk.accept(idempotency_key="k1")).status_code == 503
    (name,) = await desk.world.store.open_jobs()
    desk.starter.fails = False
    assert await desk.accepted(idempotency_key="k1") == name.id
    assert desk.starter.started == [name]


async def test_a_copy_that_cannot_be_started_leaves_the_job_to_those_who_were_told_of_it(desk):
    """It was accepted before."""
    job_id = await desk.accepted(idempotency_key="k1")
    desk.starter.fails = True
    assert (await desk.accept(idempotency_key="k1")).status_code == 503
    assert (await desk.look(job_id)).json()["state"] == "queued"


async def test_a_job_is_cancelled_once(desk):
    """What has ended stays as it is."""
    job_id = await desk.accepted()
    cancelled = await desk.http.delete(f"/ask/{job_id}")
    assert (cancelled.status_code, cancelled.json()) == (202, {"id": job_id, "state": "cancelled"})
    told = (await desk.look(job_id)).json()
    assert (told["state"], told["next"]) == ("cancelled", None)
    assert (await desk.work(job_id)).not_ours
    done = await desk.accepted()
    await desk.work(done)
    assert (await desk.http.delete(f"/ask/{done}")).json()["state"] == "succeeded"


async def test_a_job_that_nobody_works_on_has_failed_at_last(desk):
    """Instead of running for ever."""
    job_id = await desk.accepted({**QUESTIONS, "timeout_s": 60})
    desk.world.clock.advance(60 + LATE_MS / 1000)
    told = (await desk.look(job_id)).json()
    assert (told["state"], told["error_code"]) == ("failed", "deadline_exceeded")
    assert JOB_LIFE_S > MOST_JOB_S + LATE_MS / 1000


async def test_files_that_are_away_are_told_as_the_store_is(desk, monkeypatch):
    """To be tried again."""
    job_id = await desk.accepted()

    async def away(*_args):
        raise StoreUnavailable("away", retry_after_s=5)

    monkeypatch.setattr(desk.world.store, "read", away)
    assert error_of(await desk.look(job_id))[:2] == (503, "store_unavailable")
