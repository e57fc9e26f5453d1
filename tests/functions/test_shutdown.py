"""Requests that a shutdown cuts: each hears of it in the form of its wire, and what it has cost is settled."""

import asyncio
import json

import pytest

from gateway_core.api import ask, chat, complete, stream
from gateway_core.api.anthropic import messages
from gateway_core.api.app import create_app
from gateway_core.api.openai_responses import responses
from gateway_core.domain.answer import Chunk
from gateway_core.waiting import stop
from tests.functions.mcp_front.conftest import MODERN, McpWorld, message

HELLO = {"messages": [{"role": "user", "content": "one two three"}]}
TALK = {**HELLO, "model": "first", "max_tokens": 50}
ASKED = {"questions": [{"index": 0, "question": "one two three", "model": "first"}]}
STREAMS = [
    (stream, "/v1/stream", HELLO, "error"),
    (chat, "/v1/chat/completions", {**TALK, "stream": True}, None),
    (messages, "/v1/messages", {**TALK, "stream": True}, "error"),
    (responses, "/v1/responses", {"input": "one two three", "model": "first", "stream": True}, "error"),
    (ask, "/ask", {**ASKED, "stream": True}, "error"),
]
WHOLE = [
    (complete, "/v1/complete", HELLO),
    (chat, "/v1/chat/completions", TALK),
    (messages, "/v1/messages", TALK),
    (responses, "/v1/responses", {"input": "one two three", "model": "first"}),
    (ask, "/ask", ASKED),
    (stream, "/v1/stream", HELLO),
]
TOOLS = [("complete", HELLO), ("stream_complete", HELLO)]


class Stuck:
    """Models that say `said`, if they stream, and then nothing more."""

    def __init__(self, world, said=""):
        self.silent, self._said = asyncio.Event(), said
        world.provider.complete, world.provider.stream = self.complete, self.stream

    async def complete(self, _call):
        self.silent.set()
        await asyncio.get_running_loop().create_future()

    async def stream(self, call):
        if self._said:
            yield Chunk(text=self._said)
        await self.complete(call)


async def stopped(app, path, body, headers, silent):
    """Status, headers and body of a request that is stopped once no model says anything more."""
    sent, answers = [{"type": "http.request", "body": body, "more_body": False}], []

    async def receive():
        return sent.pop() if sent else await asyncio.get_running_loop().create_future()

    async def send(message):
        answers.append(message)

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "POST", "path": path, "headers": raw, "query_string": b"", "state": {}}
    task = asyncio.create_task(app(scope, receive, send))
    await silent.wait()
    for _ in range(50):  # what was said is on its way
        await asyncio.sleep(0)
    stop(task)
    await task
    start, *parts = answers
    told = {name.decode(): value.decode() for name, value in start["headers"]}
    assert not parts[-1].get("more_body")
    return start["status"], told, b"".join(part["body"] for part in parts).decode()


async def ask_for(world, part, path, body, silent):
    headers = {"authorization": f"Bearer {await world.key()}"}
    return await stopped(create_app(world.services, part.router), path, json.dumps(body).encode(), headers, silent)


@pytest.mark.parametrize(("part", "path", "body", "name"), STREAMS)
async def test_a_stream_says_so(world, part, path, body, name):
    """By its last event, which has what it cost, as it stands in the books; nothing stays held."""
    stuck = Stuck(world, "one ")
    status, _headers, text = await ask_for(world, part, path, body, stuck.silent)
    event = dict(line.split(": ", 1) for line in text.strip().split("\n\n")[-1].splitlines())
    told = json.loads(event["data"])["error"]
    assert (status, event.get("event"), told["code"], told["retryable"]) == (200, name, "shutting_down", True)
    (record,) = await world.records()
    assert record.error_code == "cancelled"
    if part is not ask:
        assert record.cost_nano > 0
        assert float(told["cost"]["total_usd"]) * 10**9 == pytest.approx(record.cost_nano)
        assert await world.spent() == (record.cost_nano, 0)


@pytest.mark.parametrize(("part", "path", "body"), WHOLE)
async def test_an_answer_that_has_not_begun_is_503(world, part, path, body):
    """With the time after which another process answers; in the books it stands as what may be billed."""
    status, headers, text = await ask_for(world, part, path, body, Stuck(world).silent)
    assert (headers["retry-after"], headers["x-should-retry"]) == ("5", "true")
    assert (status, json.loads(text)["error"]["code"]) == (503, "shutting_down")
    (record,) = await world.records()
    assert record.error_code == "cancelled"


@pytest.mark.parametrize(("tool", "arguments"), TOOLS)
async def test_a_tool_fails_with_it(world, tool, arguments):
    """The function that it called says so, and the client gets that as the call's result."""
    stuck, mcp = Stuck(world, "one "), McpWorld(world)
    named, body = message("tools/call", MODERN, {"name": tool, "arguments": arguments})
    headers = {name.replace("_", "-"): value for name, value in named.items()}
    headers |= {"content-type": "application/json", "accept": "application/json, text/event-stream"}
    headers |= {"x-api-key": await world.key(), "host": "localhost"}
    _status, _headers, text = await stopped(mcp.app, "/mcp", body, headers, stuck.silent)
    answer = json.loads(text.rpartition("data: ")[2])
    assert answer["result"]["isError"] is True
    assert answer["result"]["content"][0]["text"].startswith("shutting_down: ")
    assert len(await world.records()) == 1
