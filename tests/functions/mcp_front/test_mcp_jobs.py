"""A job through MCP: `litellm_batch_ask` begins it, `batch_status` looks at it, `batch_cancel` ends it.

The routes and the worker are the real ones, over the memory store; each test says when the worker works.
"""

import json
from functools import partial

import pytest
from fastmcp.exceptions import ToolError

from gateway_core.adapters.job_bell import JobBell
from gateway_core.api import ask
from gateway_core.api.app import create_app
from gateway_core.batch.job_recorder import Pace
from gateway_core.invocation import HttpAnswer
from gateway_core.mcp_front.batch_ask import LONGEST_S
from gateway_core.services import Jobs
from gateway_core.store.jobs import JobName
from gateway_core.triggers.jobs import worker_of
from tests.functions.mcp_front.conftest import fast, official

TOOLS = ["litellm_batch_ask", "batch_status", "batch_cancel"]
QUESTIONS = [{"index": n, "question": f"my secret plan {n}", "model": "first", "cache": False} for n in (3, 1, 2)]
JOB = {"questions": QUESTIONS, "mode": "job"}
ABSENT = f"job_alpha_{'0' * 32}"
MODES = pytest.mark.parametrize("mode", ["auto", "legacy"])


@pytest.fixture
def jobs(mcp):
    """The function `ask` with jobs; call it with an id, and that job is worked on to its end."""
    services = mcp.world.services
    mcp.apps["ask"] = create_app(services, partial(ask.router, jobs=Jobs(services.store, JobBell())))

    async def work(job_id):
        return await worker_of(services, services.store, "worker", Pace()).work(JobName.parse(job_id), time_s=60)

    return work


@MODES
@pytest.mark.parametrize("connect", [official, fast])
async def test_a_job_to_its_end(mcp, mcp_url, jobs, mode, connect):
    """An id at once, then its state and results, page by page; whoever cancels it then learns that it has ended."""
    async with connect(mcp_url, await mcp.world.key(), mode) as client:
        begun = await client.call_tool("litellm_batch_ask", JOB)
        assert set(begun.structured_content) == {"id", "state"}
        job_id = begun.structured_content["id"]
        assert begun.content[0].text == f"Job {job_id} is queued. Call batch_status with this id."
        waiting = await client.call_tool("batch_status", {"id": job_id})
        assert (waiting.structured_content["state"], waiting.structured_content["results"]) == ("queued", [])
        await jobs(job_id)
        first = await client.call_tool("batch_status", {"id": job_id, "limit": 2})
        rest = await client.call_tool("batch_status", {"id": job_id, "cursor": first.structured_content["next"]})
        late = await client.call_tool("batch_cancel", {"id": job_id})
    assert (late.structured_content, rest.structured_content["next"]) == ({"id": job_id, "state": "succeeded"}, None)
    pages = [page.structured_content["results"] for page in (first, rest)]
    assert [len(page) for page in pages] == [2, 1]
    assert {result["index"]: result["result"] for page in pages for result in page} == {
        question["index"]: question["question"] for question in QUESTIONS
    }
    *answers, told = rest.content[0].text.split("\n\n")
    assert [line[:1] for line in answers] == ["Q"]
    assert told.startswith("succeeded: 3 of 3 answered, 0 failed, 0 cached; 0.0000")
    assert first.content[0].text.endswith(" For the results from here on: cursor 2")


async def test_the_route_is_asked(mcp, jobs):
    """With the caller's key and the mode in the query; nothing that is the tool's own is in the body."""
    key = await mcp.world.key()
    started = await mcp.call("litellm_batch_ask", key=key, **JOB, idempotency_key="once", timeout_s=7000)
    job_id = started["structuredContent"]["id"]
    await mcp.call("batch_status", key=key, id=job_id, cursor=0, limit=5)
    await mcp.call("batch_cancel", key=key, id=job_id)
    asked = [request for function, request in mcp.invoker.asked if function == "ask"]
    assert [(request.method, request.path, dict(request.query)) for request in asked] == [
        ("POST", "/ask", {"mode": "job"}),
        ("GET", f"/ask/{job_id}", {"cursor": "0", "limit": "5"}),
        ("DELETE", f"/ask/{job_id}", {}),
    ]
    assert {request.headers["authorization"] for request in asked} == {f"Bearer {key}"}
    assert json.loads(asked[0].body) == {"questions": QUESTIONS, "timeout_s": 7000}
    assert asked[0].headers["idempotency-key"] == "once"
    assert max(request.timeout_s for request in asked) < LONGEST_S


async def test_a_repeat_begins_no_second_job(mcp, jobs):
    """By its key; another batch under the same one is refused, and so is a key that no header can have."""
    key = await mcp.world.key()
    same = [await mcp.call("litellm_batch_ask", key=key, **JOB, idempotency_key="once") for _ in range(2)]
    assert len({begun["structuredContent"]["id"] for begun in same}) == 1
    other = {"questions": QUESTIONS[:1], "mode": "job", "idempotency_key": "once"}
    assert "was used for another batch" in await mcp.text("litellm_batch_ask", key=key, **other)
    for named in ("", "two words", "zwölf", "x" * 256):
        told = await mcp.text("litellm_batch_ask", key=key, **JOB, idempotency_key=named)
        assert told.startswith("invalid_request: idempotency_key: ")
    assert "mode 'job' only" in await mcp.text("litellm_batch_ask", questions=QUESTIONS, idempotency_key="once")


async def test_a_job_that_is_cancelled(mcp, jobs):
    """Nothing of it is asked; it says so from then on."""
    key = await mcp.world.key()
    job_id = (await mcp.call("litellm_batch_ask", key=key, **JOB))["structuredContent"]["id"]
    ended = await mcp.call("batch_cancel", key=key, id=job_id)
    assert ended["structuredContent"] == {"id": job_id, "state": "cancelled"}
    await jobs(job_id)
    shown = (await mcp.call("batch_status", key=key, id=job_id))["structuredContent"]
    assert (shown["state"], shown["results"], shown["next"]) == ("cancelled", [], None)


async def test_a_job_that_failed_says_why(mcp, jobs):
    """In its text as well."""
    key = await mcp.world.key()
    job_id = (await mcp.call("litellm_batch_ask", key=key, **JOB, timeout_s=5))["structuredContent"]["id"]
    mcp.world.clock.advance(6)
    await jobs(job_id)
    result = await mcp.call("batch_status", key=key, id=job_id)
    assert result["content"][0]["text"].splitlines()[-1].startswith("failed (deadline_exceeded): 0 of 3 answered, 3")


@pytest.mark.parametrize("tool", ["batch_status", "batch_cancel"])
async def test_whose_job_it_is(mcp, jobs, tool):
    """The function knows; what could be no id is not even asked for."""
    foreign, own = await mcp.world.key("beta"), await mcp.world.key()
    job_id = (await mcp.call("litellm_batch_ask", key=own, **JOB))["structuredContent"]["id"]
    assert (await mcp.text(tool, key=foreign, id=job_id)).startswith("forbidden: ")
    told = await mcp.text(tool, key=own, id=ABSENT)
    assert told.startswith("unknown_job: ")
    assert told.endswith("Give the id that litellm_batch_ask answered with.")
    before = len(mcp.invoker.asked)
    for wrong in ("", "job_alpha_1", "../v1/usage", f"{ABSENT}?limit=1", f"{ABSENT}/x"):
        assert (await mcp.text(tool, key=own, id=wrong)).startswith("unknown_job: ")
    assert (await mcp.text(tool, key=own)).startswith("invalid_request: id: ")
    assert len(mcp.invoker.asked) == before


async def test_wrong_pages_are_named(mcp, jobs):
    """Here or by the function."""
    for page, named in (({"cursor": -1}, "cursor"), ({"limit": 501}, "limit"), ({"limit": "many"}, "limit")):
        assert (await mcp.text("batch_status", id=ABSENT, **page)).startswith(f"invalid_request: {named}")


async def test_one_right_for_all_three(mcp, mcp_url, jobs):
    """Who may ask batches may look at jobs and cancel them; others see none of the three."""
    key, without = await mcp.world.key(tools=("litellm_batch_ask",)), await mcp.world.key(tools=("complete",))
    async with fast(mcp_url, key, "auto") as client:
        assert [tool.name for tool in await client.list_tools()] == TOOLS
        job_id = (await client.call_tool("litellm_batch_ask", JOB)).structured_content["id"]
        for tool in ("batch_status", "batch_cancel"):
            assert not (await client.call_tool(tool, {"id": job_id})).is_error
    async with fast(mcp_url, without, "auto") as client:
        assert [tool.name for tool in await client.list_tools()] == ["complete"]
        for tool in ("batch_status", "batch_cancel"):
            with pytest.raises(ToolError, match=r"^forbidden: This key may not use 'litellm_batch_ask'"):
                await client.call_tool(tool, {"id": job_id})


async def test_a_mode_that_there_is_not(mcp, jobs):
    """And where there are no jobs, the function's own words."""
    assert (await mcp.text("litellm_batch_ask", questions=QUESTIONS, mode="later")).startswith("invalid_request: mode")
    mcp.apps["ask"] = create_app(mcp.world.services, ask.router)
    assert "no jobs in this deployment" in await mcp.text("litellm_batch_ask", **JOB)


async def test_a_busy_project_is_told_when_to_come_back(mcp, jobs):
    """As with every limit."""
    error = {"code": "rate_limited", "message": "The project has too many jobs.", "request_id": "req_1"}
    mcp.invoker.instead["ask"] = HttpAnswer(429, {"retry-after": "60"}, json.dumps({"error": error}).encode())
    assert "Retry after 60 s." in await mcp.text("litellm_batch_ask", **JOB)


async def test_questions_and_answers_reach_no_log(mcp, jobs, caplog):
    """From its beginning to its end."""
    caplog.set_level("DEBUG")
    key = await mcp.world.key()
    job_id = (await mcp.call("litellm_batch_ask", key=key, **JOB))["structuredContent"]["id"]
    await jobs(job_id)
    assert "secret" in json.dumps(await mcp.call("batch_status", key=key, id=job_id))
    assert not [word for word in ("secret", key) if word in mcp.world.log.getvalue() + caplog.text]
