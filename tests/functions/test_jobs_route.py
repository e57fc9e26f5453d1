"""The routes of jobs: what is accepted, what is told, who may look."""

import httpx
import pytest

from gateway_core.api import ask
from gateway_core.api.app import create_app
from gateway_core.api.jobs import MOST_PAGE_CHARS, MOST_RESULTS
from gateway_core.batch.job_recorder import Pace
from gateway_core.domain.errors import StoreUnavailable
from gateway_core.invocation import FunctionUnavailable
from gateway_core.services import Jobs
from gateway_core.store.jobs import JOB_LIFE_S, LATE_MS, MOST_JOB_S, JobName
from gateway_core.store.virtual_keys import KeyRecord, digest_of
from gateway_core.triggers.job_loop import STAY_S
from gateway_core.triggers.jobs import worker_of
from tests.conftest import World, settings_for

QUESTIONS = {"questions": [{"index": 1, "question": "one", "model": "first"}]}


class Starter:
    """Implements `JobStarter`: remembers, and fails if it is told to."""

    def __init__(self):
        self.started = []
        self.fails = False

    async def start(self, name):
        if self.fails:
            raise FunctionUnavailable("TooManyRequestsException", retry_after_s=5)
        self.started.append(name)


class Desk:
    """A client of the routes, whose jobs are worked on when it says so."""

    def __init__(self, world, http, starter):
        self.world, self.http, self.starter = world, http, starter

    async def accept(self, body=None, key=None, **headers):
        sent = {**headers, **({"authorization": f"Bearer {key}"} if key else {})}
        named = {name.replace("_", "-"): value for name, value in sent.items()}
        return await self.http.post("/ask?mode=job", json=body or QUESTIONS, headers=named)

    async def accepted(self, *args, **kwargs):
        answer = await self.accept(*args, **kwargs)
        assert answer.status_code == 202, answer.text
        return answer.json()["id"]

    async def look(self, job_id, key=None, **query):
        headers = {"authorization": f"Bearer {key}"} if key else {}
        return await self.http.get(f"/ask/{job_id}", params=query, headers=headers)

    async def work(self, job_id):
        worker = worker_of(self.world.services, self.world.store, "w", Pace())
        return await worker.work(JobName.parse(job_id), time_s=STAY_S)


def error_of(answer):
    return answer.status_code, answer.json()["error"]["code"], answer.json()["error"]["param"]


def app_of(world, jobs):
    return create_app(world.services, lambda source: ask.router(source, jobs))


@pytest.fixture
async def desk(world):
    starter = Starter()
    transport = httpx.ASGITransport(app_of(world, Jobs(world.store, starter)), raise_app_exceptions=False)
    headers = {"authorization": f"Bearer {await world.key()}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as http:
        yield Desk(world, http, starter)


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


async def test_a_job_is_its_projects(desk):
    """Others learn nothing of it; an admin may look at any."""
    job_id = await desk.accepted()
    stranger, admin = await desk.world.key("beta"), await desk.world.key("ops", admin=True)
    assert error_of(await desk.look(job_id, stranger)) == (403, "forbidden", None)
    forbidden = await desk.http.delete(f"/ask/{job_id}", headers={"authorization": f"Bearer {stranger}"})
    assert error_of(forbidden) == (403, "forbidden", None)
    assert (await desk.look(job_id, admin)).status_code == 200
    assert (await desk.look(job_id, await desk.world.key())).status_code == 200


async def test_who_is_admin_no_more_spends_no_other_projects_money(desk):
    """Not by a job of before either."""
    admin = await desk.world.key("ops", admin=True)
    job_id = await desk.accepted({**QUESTIONS, "project_id": "beta"}, admin)
    await desk.world.store.put_key(KeyRecord(project_id="ops", digest=digest_of(admin)))
    await desk.work(job_id)
    (result,) = (await desk.look(job_id, await desk.world.key("beta"))).json()["results"]
    assert result["error_code"] == "forbidden"
    assert await desk.world.spent("beta") == (0, 0)


async def test_an_admin_brings_jobs_for_other_projects(desk):
    """They are of that project."""
    admin = await desk.world.key("ops", admin=True)
    job_id = await desk.accepted({**QUESTIONS, "project_id": "beta"}, admin)
    assert job_id.startswith("job_beta_")
    assert (await desk.work(job_id)).state == "succeeded"
    assert [record.project_id for record in await desk.world.records("beta")] == ["beta"]
    stranger = await desk.accept({**QUESTIONS, "project_id": "beta"})
    assert error_of(stranger) == (403, "forbidden", "project_id")


async def test_a_key_that_is_bound_to_a_user_sees_that_users_jobs(desk):
    """As if there were no others."""
    ada, bob = await desk.world.key(user_id="ada"), await desk.world.key(user_id="bob")
    job_id = await desk.accepted(key=ada)
    assert (await desk.look(job_id, ada)).status_code == 200
    assert error_of(await desk.look(job_id, bob)) == (404, "unknown_job", "id")
    assert (await desk.look(job_id)).status_code == 200


async def test_a_key_needs_the_right(desk):
    """That of the tool."""
    narrow = await desk.world.key(tools=("complete",))
    job_id = await desk.accepted()
    assert error_of(await desk.accept(key=narrow))[:2] == (403, "forbidden")
    assert error_of(await desk.look(job_id, narrow))[:2] == (403, "forbidden")


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


async def test_a_key_that_loses_the_tool_ends_its_job(desk):
    """Looked up anew, as a key that is revoked."""
    key = await desk.world.key()
    job_id = await desk.accepted(key=key)
    await desk.world.store.put_key(KeyRecord("alpha", digest_of(key), tools=("complete",)))
    desk.world.clock.advance(31)  # for as long a key is remembered
    stay = await desk.work(job_id)
    assert (stay.state, stay.error_code) == ("failed", "forbidden")
    told = (await desk.look(job_id)).json()
    assert [result["error_code"] for result in told["results"]] == ["forbidden"]
    assert desk.world.provider.calls == []


async def test_a_key_that_was_bound_to_a_user_meanwhile_spends_in_that_users_name(desk):
    """As a batch would, that it brings now."""
    key = await desk.world.key()
    job_id = await desk.accepted(key=key)
    await desk.world.store.put_key(KeyRecord("alpha", digest_of(key), user_id="ada"))
    assert (await desk.work(job_id)).state == "succeeded"
    assert [record.user_id for record in await desk.world.records()] == ["ada"]


async def test_a_key_is_needed(desk):
    """As everywhere."""
    assert (await desk.look("x", "gk_alpha_unknown")).status_code == 401


async def test_a_job_that_nobody_works_on_has_failed_at_last(desk):
    """Instead of running for ever."""
    job_id = await desk.accepted({**QUESTIONS, "timeout_s": 60})
    desk.world.clock.advance(60 + LATE_MS / 1000)
    told = (await desk.look(job_id)).json()
    assert (told["state"], told["error_code"]) == ("failed", "deadline_exceeded")
    assert JOB_LIFE_S > MOST_JOB_S + LATE_MS / 1000


async def test_without_jobs_a_batch_is_served_and_a_job_refused(world):
    """In a deployment that has none."""
    transport = httpx.ASGITransport(app_of(world, None))
    headers = {"authorization": f"Bearer {await world.key()}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as http:
        assert (await http.post("/ask", json=QUESTIONS)).status_code == 200
        assert error_of(await http.post("/ask?mode=job", json=QUESTIONS)) == (400, "invalid_request", "mode")


async def test_files_that_are_away_are_told_as_the_store_is(desk, monkeypatch):
    """To be tried again."""
    job_id = await desk.accepted()

    async def away(*_args):
        raise StoreUnavailable("away", retry_after_s=5)

    monkeypatch.setattr(desk.world.store, "read", away)
    assert error_of(await desk.look(job_id))[:2] == (503, "store_unavailable")
