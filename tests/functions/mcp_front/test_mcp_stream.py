"""The tool `stream_complete`: progress while the answer is made, the whole at the end, and the truth when it breaks."""

import asyncio

import pytest
from fastmcp.exceptions import ToolError

from gateway_core.domain.answer import Chunk, Usage
from gateway_core.domain.provider_errors import ProviderUnavailable, RateLimitError
from tests.functions.mcp_front.conftest import MODERN, fast, message, official
from tests.loop_time import loop_time

HELLO = {"messages": [{"role": "user", "content": "hello there"}]}
ERAS = pytest.mark.parametrize("mode", ["auto", "legacy"])


def says(world, *script):
    """Let every provider send these chunks, raise these errors, or wait for these events."""

    async def stream(call):
        for step in script:
            if isinstance(step, Exception):
                raise step
            if isinstance(step, asyncio.Event):
                await step.wait()
                continue
            yield step

    world.provider.stream = stream


@ERAS
async def test_progress_comes_while_the_answer_is_made(mcp, mcp_url, mode):
    """The first piece is told before the provider goes on; the result has the whole."""
    go, heard = asyncio.Event(), []
    done = Chunk(finish_reason="stop", usage=Usage(2, 2))
    says(mcp.world, Chunk(text="hello "), go, Chunk(text="there"), done)

    async def progress(_progress, _total, message):
        heard.append(message)
        go.set()

    async with official(mcp_url, await mcp.world.key(), mode) as client:
        answer = await client.call_tool("stream_complete", HELLO, progress_callback=progress)
    assert heard[0] == "hello "
    assert "".join(heard) == "hello there"
    assert [block.text for block in answer.content] == ["hello there"]
    told = answer.structured_content
    assert (told["content"], told["finish_reason"], told["usage"]["total_tokens"]) == ("hello there", "stop", 4)


@ERAS
async def test_without_a_progress_token_the_result_is_the_same(mcp, mcp_url, mode):
    """And nothing else is sent."""
    async with fast(mcp_url, await mcp.world.key(), mode) as client:
        answer = await client.call_tool("stream_complete", HELLO)
    assert answer.structured_content["content"] == "hello there"


async def test_a_cut_stream_is_an_error_with_its_usage(mcp, mcp_url):
    """Never a result; the pieces that came stay told."""
    heard = []
    says(mcp.world, Chunk(text="half "), ProviderUnavailable("cut", detail="sk-ant-secret", unconfirmed=True))

    async def progress(_progress, _total, message):
        heard.append(message)

    async with fast(mcp_url, await mcp.world.key(), "auto") as client:
        with pytest.raises(
            ToolError, match=r"^provider_error: .*incomplete; used so far: about 505 tokens, [0-9.]+ USD"
        ):
            await client.call_tool("stream_complete", HELLO, progress_handler=progress)
    assert heard == ["half "]
    assert [(record.error_code, record.output_tokens) for record in await mcp.world.records()] == [
        ("provider_error", 502)
    ]


async def test_errors_before_the_stream(mcp):
    """As from complete, with the wait."""

    def busy(call):
        raise RateLimitError("busy", retry_after_s=7)

    for name in ("first", "second", "third"):
        mcp.world.behave[name] = busy
    assert (await mcp.text("stream_complete", **HELLO)).startswith("rate_limited: ")
    assert "Retry after 7 s" in await mcp.text("stream_complete", **HELLO)
    assert (await mcp.text("stream_complete", messages=[])).startswith("invalid_request: messages")
    assert (await mcp.text("stream_complete", **HELLO, cache=True)).startswith("invalid_request: cache")


async def test_a_key_without_the_tool(mcp):
    """Streaming is a right of its own."""
    key = await mcp.world.key(tools=("complete",))
    result = await mcp.call("stream_complete", key=key, **HELLO)
    assert result["isError"] is True


async def test_a_call_whose_caller_left_is_open_until_its_model_has_answered(mcp):
    """So that a drain waits for it: it is billed as it was, and nothing stays held."""
    asked, go, complete = asyncio.Event(), asyncio.Event(), mcp.world.provider.complete

    async def held(call):
        asked.set()
        await go.wait()
        return await complete(call)

    mcp.world.provider.complete = held
    arguments = {"messages": [{"role": "user", "content": "one two three"}]}
    headers, body = message("tools/call", MODERN, {"name": "complete", "arguments": arguments})
    sent = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive():
        if sent:
            return sent.pop()
        await asked.wait()
        return {"type": "http.disconnect"}

    async def send(_message):
        pass

    given = {**headers, "content-type": "application/json", "accept": "application/json, text/event-stream"}
    given |= {"x-api-key": await mcp.world.key(), "host": "localhost"}
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in given.items()]
    scope = {"type": "http", "method": "POST", "path": "/mcp", "headers": raw, "query_string": b""}
    with loop_time() as time:
        call = asyncio.create_task(mcp.app(scope, receive, send))
        await asked.wait()
        await time.passes(60, steps=4)
        assert not call.done()
        go.set()
        await call
    (record,) = await mcp.world.records()
    assert (record.error_code, record.estimated_nano) == ("cancelled", 0)
