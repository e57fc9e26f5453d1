"""The tool `litellm_batch_ask`: progress for each question, and all results at the end, also of a batch that breaks.

The function is played here, event by event, so that each test decides what comes when.
"""

import asyncio
import json
import threading
from dataclasses import dataclass, field

import pytest
from fastmcp.exceptions import ToolError

from gateway_core.api.sse import HEARTBEAT, event
from tests.functions.mcp_front.conftest import fast, official
from tests.loop_time import ends_after
from tests.patience import patience

CONNECT = pytest.mark.parametrize("mode", ["auto", "legacy"])
COST = {"input_usd": "0.1", "output_usd": "0.2", "total_usd": "0.3", "price_source": "test"}
TOTALS = {"questions": 3, "succeeded": 2, "failed": 1, "cached": 0, "retries": 1, "cost": COST}
QUESTIONS = [{"index": index, "question": "my secret plan"} for index in (1, 2, 3)]
BATCH = {"questions": QUESTIONS}
SUM = "2 of 3 answered, 1 failed, 0 cached; 0.3 USD"


def answered(index, result="fine"):
    """The event of an answer."""
    return event({"index": index, "status": "success", "result": result, "error_message": None}, "result")


def refused(index, code="deadline_exceeded"):
    """The event of a question without one."""
    told = {"index": index, "status": "error", "result": None, "error_message": "Too late.", "error_code": code}
    return event(told, "result")


DONE = event({"totals": TOTALS, "request_id": "req_1"}, "done")
BROKEN = event({"error": {"code": "internal_error", "message": "The gateway failed.", "request_id": "req_1"}}, "error")
WHOLE = [answered(3, {"city": "Dublin"}), HEARTBEAT, refused(2), answered(1, "one"), DONE]


@dataclass
class Ask:
    """The function `ask`: sends its parts, waits at events of loops and of threads, and hangs at the end if `hangs`."""

    parts: list
    status: int = 200
    hangs: bool = False
    bodies: list = field(default_factory=list)
    hanging: asyncio.Event = field(default_factory=asyncio.Event)
    left: threading.Event = field(default_factory=threading.Event)
    """An event of asyncio, set by who serves in a thread of its own, would not wake who waits."""

    async def __call__(self, _scope, receive, send):
        self.bodies.append(json.loads((await receive())["body"]))
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        try:
            for part in self.parts:
                if isinstance(part, threading.Event):
                    assert await asyncio.to_thread(part.wait, patience(10))
                    continue
                if isinstance(part, asyncio.Event):
                    await part.wait()
                    continue
                await send({"type": "http.response.body", "body": part, "more_body": True})
            if self.hangs:
                self.hanging.set()
                await receive()
        finally:
            self.left.set()
        await send({"type": "http.response.body", "body": b"", "more_body": False})


@pytest.fixture
def ask(mcp):
    """Let the function do this."""

    def play(*parts, **options):
        mcp.apps["ask"] = Ask(list(parts), **options)
        return mcp.apps["ask"]

    return play


@CONNECT
@pytest.mark.parametrize("connect", ["official", "fast"])
async def test_each_finished_question_is_told_at_once(mcp, mcp_url, ask, mode, connect):
    """The first is told before the second is there; the result has all of them by index."""
    go, heard = threading.Event(), []
    first, *rest = WHOLE
    ask(first, go, *rest)

    async def progress(done, total, message):
        heard.append((done, total, message))
        go.set()

    listen = {"official": {"progress_callback": progress}, "fast": {"progress_handler": progress}}[connect]
    async with {"official": official, "fast": fast}[connect](mcp_url, await mcp.world.key(), mode) as client:
        answer = await client.call_tool("litellm_batch_ask", BATCH, **listen)
    assert heard == [
        (1, 3, "1/3: question 3 answered"),
        (2, 3, "2/3: question 2 failed: deadline_exceeded"),
        (3, 3, "3/3: question 1 answered"),
    ]
    told = answer.structured_content
    assert [result["index"] for result in told["results"]] == [1, 2, 3]
    assert (told["totals"], told["request_id"]) == (TOTALS, "req_1")
    (block,) = answer.content
    assert block.text == f'Q1: one\n\nQ2 failed: Too late.\n\nQ3: {{"city": "Dublin"}}\n\n{SUM}'


async def test_the_route_is_asked_for_a_stream(mcp, ask):
    """With what the client gave, and a deadline a little behind the function's own."""
    played = ask(*WHOLE)
    await mcp.call("litellm_batch_ask", **BATCH, agent_id="writer", timeout_s=600)
    assert played.bodies == [{**BATCH, "agent_id": "writer", "timeout_s": 600, "stream": True}]


async def test_an_agent_may_not_turn_the_stream_off(mcp, ask):
    """There is no such argument; and questions have to be a list of objects."""
    ask()
    assert (await mcp.text("litellm_batch_ask", **BATCH, stream=False)).startswith("invalid_request: stream")
    assert (await mcp.text("litellm_batch_ask", questions="secret")).startswith("invalid_request: questions")
    assert (await mcp.text("litellm_batch_ask")).startswith("invalid_request: questions: field required")


async def test_a_batch_that_is_refused_says_why(mcp, ask):
    """The route's own words, before any question is asked."""
    error = {"code": "invalid_request", "message": "questions.1.index: 1 occurs twice.", "request_id": "req_1"}
    ask(json.dumps({"error": error}).encode(), status=422)
    told = await mcp.text("litellm_batch_ask", **BATCH)
    assert told == "invalid_request: questions.1.index: 1 occurs twice. Correct the arguments and call again."


@pytest.mark.parametrize(
    ("end", "code"), [([BROKEN], "internal_error"), ([], "function_unavailable"), ([b"data: 7\n\n"], "function_un")]
)
async def test_what_was_answered_survives_a_broken_batch(mcp, ask, end, code):
    """An error, with the results that were finished, as text and as structure."""
    ask(answered(2, "two"), *end)
    result = await mcp.call("litellm_batch_ask", **BATCH)
    assert result["isError"] is True
    text = result["content"][0]["text"]
    assert text.startswith(f"{code}")
    assert text.endswith("1 of 3 questions were finished:\n\nQ2: two")
    assert [found["index"] for found in result["structuredContent"]["results"]] == [2]


@pytest.mark.parametrize(("end", "code"), [([BROKEN], "internal_error"), ([], "function_unavailable")])
async def test_a_batch_that_breaks_at_once_is_an_error(mcp, ask, end, code):
    """Nothing to keep."""
    ask(*end)
    result = await mcp.call("litellm_batch_ask", **BATCH)
    assert result["isError"] is True
    assert result["content"][0]["text"].startswith(f"{code}: ")
    assert "structuredContent" not in result


async def test_a_deadline_keeps_what_was_answered(mcp, ask):
    """The front's own, two seconds later, should the function miss its."""
    played = ask(answered(1), hangs=True)
    text = await ends_after(30 + 2, mcp.text("litellm_batch_ask", **BATCH, timeout_s=30), played.hanging.wait())
    assert text.startswith("deadline_exceeded: ")
    assert "1 of 3 questions were finished" in text
    assert played.left.is_set()


async def test_cancelling_ends_the_function(mcp, mcp_url, ask):
    """A client that leaves pays for no further question."""
    played, heard = ask(answered(1), hangs=True), asyncio.Event()

    async def progress(_done, _total, _message):
        heard.set()

    async with official(mcp_url, await mcp.world.key(), "auto") as client:
        call = asyncio.create_task(client.call_tool("litellm_batch_ask", BATCH, progress_callback=progress))
        await heard.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert await asyncio.to_thread(played.left.wait, patience(10))


async def test_a_key_without_the_tool(mcp, mcp_url, ask):
    """It is not listed, and refused when called all the same."""
    played, key = ask(*WHOLE), await mcp.world.key(tools=("complete",))
    async with fast(mcp_url, key, "auto") as client:
        assert [tool.name for tool in await client.list_tools()] == ["complete"]
        with pytest.raises(ToolError, match=r"^forbidden: "):
            await client.call_tool("litellm_batch_ask", BATCH)
    assert played.bodies == []


async def test_questions_and_answers_reach_no_log(mcp, ask, caplog):
    """Whether it ends well or breaks."""
    caplog.set_level("DEBUG")
    for end in (DONE, BROKEN, b""):
        ask(answered(1, "my secret answer"), end)
        await mcp.call("litellm_batch_ask", **BATCH)
    assert "secret" not in mcp.world.log.getvalue() + caplog.text
