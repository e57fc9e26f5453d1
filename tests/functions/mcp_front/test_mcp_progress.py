"""What a client hears while it waits: enough that no timer of its own ends a call that is alive. Time is the loop's."""

import asyncio
import json
from itertools import pairwise

import pytest

from gateway_core.domain.answer import Chunk, ToolCallDelta, Usage
from tests.functions.mcp_front.conftest import MODERN, message
from tests.functions.mcp_front.test_mcp_batch import BATCH, DONE, Ask, answered
from tests.functions.mcp_front.test_mcp_stream import HELLO, says
from tests.loop_time import loop_time

DONE_CHUNK = Chunk(finish_reason="stop", usage=Usage(2, 2))
ERAS = pytest.mark.parametrize("era", [MODERN, "2025-11-25"])


class Exchange:
    """One POST whose answer is read as it comes, and which may be left."""

    def __init__(self, mcp, tool, arguments, era, token):
        headers, body = message("tools/call", era, {"name": tool, "arguments": arguments})
        if token is not None:
            parsed = json.loads(body)
            parsed["params"].setdefault("_meta", {})["progressToken"] = token
            body = json.dumps(parsed).encode()
        self._mcp, self._headers = mcp, headers
        self._sent = [{"type": "http.request", "body": body, "more_body": False}]
        self.left, self.body = asyncio.Event(), b""

    async def run(self):
        given = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
        given |= {**self._headers, "x-api-key": await self._mcp.world.key(), "host": "localhost"}
        raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in given.items()]
        scope = {"type": "http", "method": "POST", "path": "/mcp", "headers": raw, "query_string": b""}
        await self._mcp.app(scope, self._receive, self._send)

    async def _receive(self):
        if self._sent:
            return self._sent.pop()
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, part):
        self.body += part.get("body", b"")

    @property
    def messages(self):
        """All so far, in the order in which they came."""
        if self.body.startswith(b"{"):
            return [json.loads(self.body)]
        lines = self.body.decode().splitlines()
        return [json.loads(line[5:]) for line in lines if line.startswith("data:") and line[5:].strip()]

    @property
    def told(self):
        """The progress of its messages."""
        return [each["params"] for each in self.messages if each.get("method") == "notifications/progress"]

    @property
    def result(self):
        """Nothing comes after it."""
        return self.messages[-1]["result"]


def held(mcp):
    """Every model, and `ask`, wait for the second event; the first tells that somebody waits."""
    waiting, go = asyncio.Event(), asyncio.Event()
    provider = mcp.world.provider

    def late(work):
        async def wait(call):
            waiting.set()
            await go.wait()
            return await work(call)

        return wait

    async def ask(scope, receive, send):
        waiting.set()
        await Ask([go, answered(1), DONE])(scope, receive, send)

    async def stream(call):
        waiting.set()
        await go.wait()
        yield Chunk(text="hello there")
        yield DONE_CHUNK

    provider.complete, provider.embed, provider.stream = late(provider.complete), late(provider.embed), stream
    mcp.apps["ask"] = ask
    return waiting, go


@ERAS
@pytest.mark.parametrize("token", [0, None])
@pytest.mark.parametrize(
    ("tool", "arguments", "first", "last"),
    [
        ("complete", HELLO, {"progress": 4, "message": "4 s"}, 60),
        ("embed", {"input": "one"}, {"progress": 4, "message": "4 s"}, 60),
        ("stream_complete", HELLO, {"progress": 0.5}, 11),
        ("litellm_batch_ask", BATCH, {"progress": 0.5, "total": 3, "message": "0/3: 4 s"}, 1),
    ],
)
async def test_who_waits_hears_that_it_goes_on(mcp, tool, arguments, era, token, first, last):
    """Every few seconds, whichever tool it is; and nothing of it without a token."""
    exchange = Exchange(mcp, tool, arguments, era, token)
    waiting, go = held(mcp)
    with loop_time() as time:
        call = asyncio.create_task(exchange.run())
        await waiting.wait()
        counts = []
        for _ in range(6):
            await time.passes(10, steps=5)
            counts.append(len(exchange.told))
        go.set()
        await call
    assert exchange.result["isError"] is False
    if token is None:
        assert exchange.told == []
        return
    assert all(earlier < later for earlier, later in pairwise([0, *counts])), "ten seconds of silence"
    assert exchange.told[0] == {"progressToken": 0, **first}
    progress = [each["progress"] for each in exchange.told]
    assert progress == sorted(set(progress))
    assert progress[-1] == last


@ERAS
@pytest.mark.parametrize(
    "quiet",
    [
        Chunk(reasoning="hmm"),
        Chunk(tool_calls=(ToolCallDelta(0, "call_1", "look", "{}"),)),
    ],
    ids=["reasoning", "tool call"],
)
async def test_what_has_no_text_is_told_of(mcp, era, quiet):
    """At once and then every second at most, without a message: those put together are the text."""
    says(mcp.world, quiet, *[quiet] * 3, Chunk(text="hello "), Chunk(text="there"), DONE_CHUNK)
    exchange = Exchange(mcp, "stream_complete", HELLO, era, "mine")
    with loop_time():
        await exchange.run()
    told = [(each["progress"], each.get("message")) for each in exchange.told]
    assert told == [(0.5, None), (6, "hello "), (11, "there")]
    assert exchange.result["structuredContent"]["content"] == "hello there"


@ERAS
async def test_who_has_left_is_told_nothing(mcp, era):
    """The call is cancelled behind it, and there are no signs of it."""
    exchange = Exchange(mcp, "complete", HELLO, era, "mine")
    waiting, go = held(mcp)
    with loop_time() as time:
        call = asyncio.create_task(exchange.run())
        await waiting.wait()
        await time.passes(4)
        before = len(exchange.told)
        exchange.left.set()
        await time.passes(60, steps=6)
        go.set()
        await call
    assert before == len(exchange.told) == 1
    assert [record.error_code for record in await mcp.world.records()] == ["cancelled"]
