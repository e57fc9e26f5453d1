"""Jobs on the whole stack: accepted at once, worked on beside all else, looked at page by page."""

import re
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from local.providers import base_urls
from tests.e2e.conftest import KEY, PROVIDER_KEYS, fork
from tests.e2e.jobs import begin, begun, ended, look, until
from tests.e2e.test_ask import fault, q
from tests.e2e.test_complete import calls
from tests.functions.mcp_front.conftest import official
from tests.patience import patience

pytestmark = pytest.mark.xdist_group("e2e")

SECTION = (Path(__file__).parents[2] / "docs/ask.md").read_text().partition("\n## Jobs\n")[2].partition("\n## ")[0]
((_, SHELL), (_, PROGRAM)) = re.findall(r"```(sh|python)\n(.*?)```", SECTION, re.DOTALL)


@pytest.fixture
def key_of(run_gateway):
    """A new key of a project."""

    def make(project, *options):
        return run_gateway("keys", "create", "--project", project, *options)

    return make


def test_a_job_to_its_end(gateway, providers, key_of):
    """Results come in pages as they are ready, by a cursor that goes on; sums and books agree with them."""
    key = str(key_of("jobs-pages")["key"])
    fault(providers, "slow", delay_ms=200)
    job_id = begun(gateway, [q(n, f"ask {n}") for n in range(40)], key)
    assert re.fullmatch(r"job_jobs-pages_[0-9a-f]{32}", job_id)
    results, cursor, states = [], 0, []
    end = time.monotonic() + patience(60)
    while cursor is not None and time.monotonic() < end:
        page = look(gateway, job_id, key, cursor=cursor, limit=7).json()
        assert len(page["results"]) <= 7
        results += page["results"]
        states.append(page["state"])
        cursor = page["next"]
    assert cursor is None
    assert states[-1] == "succeeded"
    assert sorted(result["index"] for result in results) == list(range(40))
    assert all(result["result"].endswith(f" heard: ask {result['index']}") for result in results)
    facts = {name: page[name] for name in ("questions", "answered", "succeeded", "failed", "cached", "error_code")}
    assert facts == {
        "questions": 40,
        "answered": 40,
        "succeeded": 40,
        "failed": 0,
        "cached": 0,
        "error_code": None,
    }
    assert page["created_at"] < page["ended_at"] < page["expires_at"]
    assert calls(providers, "openai") == 40
    paid = sum(Decimal(result["cost"]["total_usd"]) for result in results)
    assert Decimal(page["cost"]["total_usd"]) == paid > 0
    assert page["usage"]["total_tokens"] == sum(result["usage"]["total_tokens"] for result in results)
    report = gateway.get("/v1/usage", headers={"authorization": f"Bearer {key}"}).json()["totals"]
    assert (report["requests"], Decimal(report["cost_usd"])) == (40, paid)


def test_answers_go_into_later_questions(gateway):
    """Sequential ones wait for each other; one whose citation failed is not asked."""
    questions = [
        q(1, "Name a city", method="sequential"),
        q(2, "What lies near {Q1_result}?", method="sequential"),
        q(3, "Why?", model="no-such-model"),
        q(4, "And {Q3_result}?"),
    ]
    job = ended(gateway, begun(gateway, questions))
    first, second, third, fourth = job["results"]
    assert first["result"] in second["result"]
    assert (third["error_code"], fourth["error_code"]) == ("unknown_model", "dependency_failed")
    assert (job["state"], job["succeeded"], job["failed"]) == ("succeeded", 2, 2)


def test_a_repeat_is_the_same_job(gateway, providers):
    """By its idempotency key: one job, asked once. Another batch under that key is refused."""
    questions = [q(n, f"ask {n}") for n in range(3)]
    first, *repeats = [begin(gateway, questions, idempotency="e2e-once") for _ in range(3)]
    job_id = first.json()["id"]
    assert {(answer.status_code, answer.json()["id"]) for answer in repeats} == {(202, job_id)}
    assert ended(gateway, job_id)["state"] == "succeeded"
    late = begin(gateway, questions, idempotency="e2e-once").json()
    assert late == {"id": job_id, "state": "succeeded"}
    assert calls(providers, "openai") == 3
    other = begin(gateway, questions[:2], idempotency="e2e-once")
    assert (other.status_code, other.json()["error"]["param"]) == (422, "Idempotency-Key")
    assert begin(gateway, questions, idempotency="two words").status_code == 400
    others = [begun(gateway, questions) for _ in range(2)]
    assert len({job_id, *others}) == 3
    assert [ended(gateway, other)["state"] for other in others] == ["succeeded"] * 2


def test_a_job_that_is_cancelled(gateway, providers):
    """Nothing more is asked; what was under way is paid, and cancelling again changes nothing."""
    fault(providers, "slow", delay_ms=500)
    job_id = begun(gateway, [q(n, f"ask {n}") for n in range(200)])
    until(lambda: look(gateway, job_id).json()["results"], "an answer")
    for _ in range(2):
        answer = gateway.delete(f"/ask/{job_id}")
        assert (answer.status_code, answer.json()) == (202, {"id": job_id, "state": "cancelled"})

    def whole():
        job = look(gateway, job_id, limit=500).json()
        return len(job["results"]) == job["answered"] == calls(providers, "openai")

    until(whole, "the answers that were under way")
    asked = calls(providers, "openai")
    assert asked < 200
    job = ended(gateway, job_id)
    assert (job["state"], job["error_code"], job["ended_at"] is not None) == ("cancelled", None, True)
    assert job["answered"] == asked


def test_whose_job_it_is(gateway, key_of):
    """The project's alone; for a key that is bound to a user, that user's; an unknown one is 404 for all."""
    own, foreign = str(key_of("jobs-own")["key"]), str(key_of("jobs-foreign")["key"])
    user, limited = (
        str(key_of("jobs-own", "--user", "u1")["key"]),
        str(key_of("jobs-own", "--tools", "complete")["key"]),
    )
    job_id = begun(gateway, [q(1, "Why?")], own)
    absent = f"{job_id[:-32]}{'0' * 32}"
    for call in (lambda key, job: look(gateway, job, key), lambda key, job: cancel(gateway, job, key)):
        seen = [
            (answer.status_code, answer.json()["error"]["code"])
            for answer in (
                call(foreign, job_id),
                call(limited, job_id),
                call(user, job_id),
                call(own, absent),
                call(own, "job_1"),
                call("gk_jobs-own_wrong", job_id),
            )
        ]
        assert seen == [
            (403, "forbidden"),
            (403, "forbidden"),
            (404, "unknown_job"),
            (404, "unknown_job"),
            (404, "unknown_job"),
            (401, "unauthenticated"),
        ]
    assert ended(gateway, job_id, own)["state"] == ended(gateway, job_id)["state"] == "succeeded"
    bound = begun(gateway, [q(1, "Why?")], user)
    assert ended(gateway, bound, user) == ended(gateway, bound, own)


def cancel(gateway, job_id, key):
    return gateway.delete(f"/ask/{job_id}", headers={"authorization": f"Bearer {key}"})


def test_a_key_that_is_revoked(gateway, providers, key_of, run_gateway):
    """Its job fails; what was not answered says why, and was not asked."""
    made = key_of("jobs-revoked")
    fault(providers, "slow", delay_ms=300)
    job_id = begun(gateway, [q(n, f"ask {n}") for n in range(100)], str(made["key"]))
    until(lambda: look(gateway, job_id).json()["results"], "an answer")
    run_gateway("keys", "revoke", str(made["id"]))
    job = ended(gateway, job_id)
    assert (job["state"], job["error_code"], job["answered"]) == ("failed", "unauthenticated", 100)
    codes = [result["error_code"] for result in job["results"]]
    assert set(codes) == {None, "unauthenticated"}
    assert codes.count(None) == job["succeeded"] == calls(providers, "openai")
    unasked = [result for result in job["results"] if result["error_code"]]
    assert {result["error_message"] for result in unasked} == {"Not asked: the key that brought this job was revoked."}


def test_a_budget_that_ends_in_the_middle(gateway, providers, key_of, run_gateway):
    """What was asked is paid; what was not says why, and was not asked."""
    key = str(key_of("jobs-budget")["key"])
    run_gateway("budgets", "set", "--project", "jobs-budget", "--day-usd", "0.002")
    questions = [q(n, f"[[words=200]] {n}", method="sequential", max_tokens=300) for n in range(20)]
    job = ended(gateway, begun(gateway, questions, key), key)
    codes = [result["error_code"] for result in job["results"]]
    asked = codes.count(None)
    assert 0 < asked < 20
    assert codes == [None] * asked + ["budget_exceeded"] * (20 - asked)
    assert (job["state"], job["succeeded"], job["failed"]) == ("succeeded", asked, 20 - asked)
    assert calls(providers, "openai") == asked
    spent = gateway.get("/v1/budgets", headers={"authorization": f"Bearer {key}"}).text
    assert job["cost"]["total_usd"] in spent


def test_a_provider_that_limits_us_is_waited_for(gateway, providers):
    """Whoever waits is asked when the provider's limit is over; nothing of it is an error of the job."""
    fault(providers, "rate_limit", retry_after=2, times=1)
    job = ended(gateway, begun(gateway, [q(n, f"ask {n}") for n in range(5)]))
    assert (job["state"], job["succeeded"]) == ("succeeded", 5)


def test_a_process_that_is_killed(stack, gateway, providers, providers_url, key_of):
    """Another one goes on when the lease is over: each question has one answer, and was asked twice at most."""
    key = str(key_of("jobs-killed")["key"])
    fault(providers, "slow", delay_ms=300)
    store = {"UPSTASH_REDIS_REST_URL": stack.urls["Store"], "UPSTASH_REDIS_REST_TOKEN": "local"}
    doomed = fork(**PROVIDER_KEYS, **base_urls(providers_url), **store, GATEWAY_DEV_KEY=KEY)
    with httpx.Client(base_url=doomed.urls["Gateway"], timeout=patience(60)) as other:
        job_id = begun(other, [q(n, f"ask {n}") for n in range(60)], key)
        until(lambda: look(other, job_id, key).json()["results"], "an answer")
        doomed.process.kill()
        doomed.process.wait()
    left = look(gateway, job_id, key).json()
    assert (left["state"], left["next"] is None) == ("running", False)
    job = ended(gateway, job_id, key)
    assert (job["state"], job["succeeded"]) == ("succeeded", 60)
    assert [result["index"] for result in job["results"]] == list(range(60))
    # Asked again is what was under way, and what had been answered and was not written yet.
    assert 60 <= calls(providers, "openai") <= 60 + 16 + 15
    records = gateway.get("/v1/usage/records", params={"project_id": "jobs-killed", "limit": 500}).json()["records"]
    assert len(records) >= 60


REFUSED = {
    "mode": ("/ask?mode=later", {"questions": [q(1, "a")]}, 422, "mode"),
    "streamed": ("/ask?mode=job", {"questions": [q(1, "a")], "stream": True}, 422, "stream"),
    "too long": ("/ask?mode=job", {"questions": [q(1, "a")], "timeout_s": 86_401}, 422, "timeout_s"),
    "too many": ("/ask?mode=job", {"questions": [q(n, "a") for n in range(10_001)]}, 422, "questions"),
    "wrong": ("/ask?mode=job", {"questions": [q(1, "{Q2_result}"), q(2, "b")]}, 422, "questions.0.question"),
}


@pytest.mark.parametrize(("path", "body", "status", "param"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_is_told_at_once(gateway, path, body, status, param):
    """There is no job then."""
    answer = gateway.post(path, json=body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param)


def test_too_many_for_an_answer_now(gateway):
    """The remedy is named."""
    answer = gateway.post("/ask", json={"questions": [q(n, "x") for n in range(1001)]})
    assert answer.status_code == 422
    assert "or a job: POST /ask?mode=job" in answer.json()["error"]["message"]


@pytest.mark.parametrize(("page", "param"), [({"cursor": -1}, "cursor"), ({"limit": 501}, "limit"), ({"x": 1}, "x")])
def test_wrong_pages(gateway, page, param):
    """Are named."""
    job_id = begun(gateway, [q(1, "Why?")])
    assert ended(gateway, job_id)["state"] == "succeeded"
    answer = look(gateway, job_id, **page)
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, param)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_job_through_mcp(gateway, mode):
    """Begun by the batch tool, looked at with the other; HTTP sees the same job."""
    url = f"{gateway.base_url}/mcp".replace("//mcp", "/mcp")
    questions = [q(1, "Name a city"), q(2, "What lies near {Q1_result}?")]
    async with official(url, KEY, mode) as client:
        started = await client.call_tool("litellm_batch_ask", {"questions": questions, "mode": "job"})
        assert not started.is_error, started.content
        job = ended(gateway, started.structured_content["id"])
        shown = await client.call_tool("batch_status", {"id": job["id"]})
        stopped = await client.call_tool("batch_cancel", {"id": job["id"]})
    told = shown.structured_content
    assert {**told, "results": sorted(told["results"], key=lambda result: result["index"])} == job
    assert stopped.structured_content == {"id": job["id"], "state": "succeeded"}


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        (["/bin/sh", "-ec"], SHELL, r'"answered":2,"succeeded":2,.*\{"id":"job_dev_\w+","state":"succeeded"\}'),
        ([sys.executable, "-c"], PROGRAM, r"29 .*succeeded 0\S* USD"),
    ],
    ids=["shell", "python"],
)
def test_the_documented_calls(gateway, command, code, said):
    """Each waits for its job's end, and has all answers."""
    place = code.replace("http://127.0.0.1:8787", str(gateway.base_url).rstrip("/"))
    done = subprocess.run([*command, place], capture_output=True, text=True, timeout=50, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(said, done.stdout, re.DOTALL), done.stdout
