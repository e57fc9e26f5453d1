"""The routes of jobs: what is wrong with a request, and how much may be asked."""

import httpx
import pytest

from gateway_core.api.jobs import MOST_RESULTS
from gateway_core.services import Jobs
from gateway_core.store.jobs import MOST_JOB_S
from tests.conftest import World, settings_for
from tests.functions.job_desk import QUESTIONS, Starter, app_of, error_of


async def test_a_key_of_idempotency_is_for_one_batch(desk):
    """Also of the same project, but not of another key."""
    await desk.accepted(idempotency_key="k1")
    other = {"questions": [{"index": 1, "question": "two", "model": "first"}]}
    assert error_of(await desk.accept(other, idempotency_key="k1")) == (422, "invalid_request", "Idempotency-Key")
    timed = {**QUESTIONS, "timeout_s": 60}
    assert error_of(await desk.accept(timed, idempotency_key="k1")) == (422, "invalid_request", "Idempotency-Key")
    assert (await desk.accept(other, await desk.world.key(), idempotency_key="k1")).status_code == 202


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "two words"])
async def test_a_key_of_idempotency_has_a_form(desk, key):
    """Which the message tells."""
    answer = await desk.accept(idempotency_key=key)
    assert error_of(answer) == (400, "invalid_request", "Idempotency-Key")
    assert "1 to 255 printable ASCII characters without a blank" in answer.json()["error"]["message"]


async def test_two_keys_of_idempotency_are_refused(desk):
    """Another order of them would be another job."""
    headers = [("idempotency-key", "one"), ("idempotency-key", "two")]
    answer = await desk.http.post("/ask?mode=job", json=QUESTIONS, headers=headers)
    assert error_of(answer) == (400, "invalid_request", "Idempotency-Key")


@pytest.mark.parametrize(
    ("query", "body", "param"),
    [
        ("mode=jobs", QUESTIONS, "mode"),
        ("mode=", QUESTIONS, "mode"),
        ("mode=job", {**QUESTIONS, "stream": True}, "stream"),
        ("mode=job", {**QUESTIONS, "timeout_s": MOST_JOB_S + 1}, "timeout_s"),
        ("mode=job", {"questions": []}, "questions"),
        ("mode=job", {"questions": [{"index": 1, "question": "{Q2_result}"}]}, "questions.0.question"),
    ],
)
async def test_what_is_wrong_is_told_before_anything_is_kept(desk, query, body, param):
    """As for a batch."""
    answer = await desk.http.post(f"/ask?{query}", json=body)
    assert error_of(answer) == (422, "invalid_request", param)
    assert await desk.world.store.open_jobs() == []


async def test_a_job_may_have_more_questions_than_a_batch(world):
    """The refusal of a batch says so."""
    small = World(world.catalog, settings_for(world.catalog, batch_max_questions=1, batch_max_job_questions=2))
    starter = Starter()
    transport = httpx.ASGITransport(app_of(small, Jobs(small.store, starter)))
    headers = {"authorization": f"Bearer {await small.key()}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as http:
        body = {"questions": [{"index": n, "question": "a", "model": "first"} for n in range(2)]}
        refused = await http.post("/ask", json=body)
        assert error_of(refused) == (422, "invalid_request", "questions")
        assert "mode=job" in refused.json()["error"]["message"]
        assert (await http.post("/ask?mode=job", json=body)).status_code == 202
        body["questions"].append({"index": 3, "question": "a", "model": "first"})
        assert error_of(await http.post("/ask?mode=job", json=body)) == (422, "invalid_request", "questions")


async def test_a_project_has_so_many_open_jobs(world):
    """Beyond them it is told to come again."""
    small = World(world.catalog, settings_for(world.catalog, batch_max_open_jobs=1))
    transport = httpx.ASGITransport(app_of(small, Jobs(small.store, Starter())))
    headers = {"authorization": f"Bearer {await small.key()}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as http:
        assert (await http.post("/ask?mode=job", json=QUESTIONS)).status_code == 202
        refused = await http.post("/ask?mode=job", json=QUESTIONS)
    assert error_of(refused) == (429, "rate_limited", None)
    assert int(refused.headers["retry-after"]) > 0


@pytest.mark.parametrize("job_id", ["x", "job_alpha_1", "job_alpha_" + "0" * 32, "job_alpha_" + "Z" * 32])
async def test_what_is_no_job_is_unknown(desk, job_id):
    """Whatever it looks like."""
    assert error_of(await desk.look(job_id)) == (404, "unknown_job", "id")


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": MOST_RESULTS + 1},
        {"cursor": -1},
        {"cursor": "x"},
        {"page": 1},
        {"limit": "²"},
        {"cursor": "9" * 5000},
    ],
)
async def test_a_page_has_a_form(desk, query):
    """The field is named."""
    job_id = await desk.accepted()
    assert error_of(await desk.look(job_id, **query)) == (422, "invalid_request", next(iter(query)))


async def test_a_cursor_below_zero_is_told_so(desk):
    """It is a number, so the message must not say that it should be one."""
    answer = await desk.look(await desk.accepted(), cursor=-1)
    assert "greater than or equal to 0" in answer.json()["error"]["message"]


async def test_without_jobs_a_batch_is_served_and_a_job_refused(world):
    """In a deployment that has none."""
    transport = httpx.ASGITransport(app_of(world, None))
    headers = {"authorization": f"Bearer {await world.key()}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as http:
        assert (await http.post("/ask", json=QUESTIONS)).status_code == 200
        assert error_of(await http.post("/ask?mode=job", json=QUESTIONS)) == (400, "invalid_request", "mode")
