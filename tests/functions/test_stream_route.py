"""POST /v1/stream: its events, and streams of either wire that fail or break off."""

import json

import pytest

from gateway_core.domain.answer import Chunk, ProviderAnswer, ToolCallDelta, Usage
from gateway_core.domain.provider_errors import RateLimitError
from tests.functions.completions import CHAT, HELLO, cut, events, failing


async def test_our_own_stream(client):
    """Chunks with an index, then `done` with the whole result, and the headers."""
    answer = await client.post("/v1/stream", json=HELLO)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert (answer.headers["x-accel-buffering"], answer.headers["x-gateway-model"]) == ("no", "first")
    *chunks, (name, done) = events(answer)
    assert chunks == [
        ("chunk", {"delta": "one ", "index": 0}),
        ("chunk", {"delta": "two ", "index": 1}),
        ("chunk", {"delta": "three", "index": 2}),
    ]
    assert (name, done["content"], done["cost"]["total_usd"]) == ("done", "one two three", "0.000009")
    assert done["usage"]["total_tokens"] == 6
    assert done["id"] == answer.headers["x-gateway-request-id"]


async def test_a_stream_explains_itself_at_its_end(client):
    """The event `done` has the explanation that `/v1/complete` would give."""
    answer = await client.post("/v1/stream", json={**HELLO, "explain": True})
    _name, done = events(answer)[-1]
    assert [line["model"] for line in done["explanation"]["candidates"]] == ["first", "second", "third"]


async def test_words(client, world):
    """`buffer` holds text back until its words are whole."""

    async def stream(call):
        for text in ("He", "llo wo", "rld"):
            yield Chunk(text=text)
        yield Chunk(finish_reason="stop", usage=Usage(1, 1))

    world.provider.stream = stream
    answer = await client.post("/v1/stream", json={**HELLO, "buffer": "word"})
    assert [data["delta"] for name, data in events(answer) if name == "chunk"] == ["Hello ", "world"]


async def test_tool_calls_and_reasoning(client, world):
    """Deltas on OpenAI's wire."""

    async def stream(call):
        yield Chunk(reasoning="hm")
        yield Chunk(tool_calls=(ToolCallDelta(0, "c1", "f", '{"a":'),))
        yield Chunk(tool_calls=(ToolCallDelta(0, arguments="1}"),))
        yield Chunk(finish_reason="tool_calls", usage=Usage(1, 1))

    world.provider.stream = stream
    found = events(await client.post("/v1/stream", json=HELLO))
    assert found[0][1] == {"delta": "", "index": 0, "reasoning": "hm"}
    assert found[1][1]["tool_calls"] == [
        {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":'}}
    ]
    assert found[2][1]["tool_calls"] == [{"index": 0, "function": {"arguments": "1}"}}]
    assert found[3][1]["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"a":1}'}


async def test_errors_before_the_first_piece_have_a_status(client, world):
    """A stream that never began is an ordinary error."""
    for name in ("first", "second", "third"):
        world.behave[name] = failing(RateLimitError("busy", retry_after_s=7))
    answer = await client.post("/v1/stream", json=HELLO)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    assert (await client.post("/v1/stream", json={**HELLO, "model": "nope"})).status_code == 404
    assert (await client.post("/v1/chat/completions", json={**CHAT, "stream": True, "model": "x"})).status_code == 404


async def test_a_cut_stream_is_never_ended_as_if_it_were_complete(client, world):
    """On our wire: an `error` event with the usage so far, and no `done`."""
    cut(world, Chunk(text="one "), Chunk(text="two"))
    found = events(await client.post("/v1/stream", json=HELLO))
    assert [name for name, _data in found] == ["chunk", "chunk", "error"]
    error = found[-1][1]["error"]
    assert (error["code"], error["usage"]["output_tokens"]) == ("provider_error", 503)
    assert error["attempts"][0]["outcome"] == "failed"
    assert error["usage"]["estimated"] is True
    assert error["cost"]["total_usd"] == error["cost"]["estimated_usd"] == "0.001011"


async def test_a_cut_chat_stream_has_no_done(client, world):
    """On OpenAI's wire: an error object, no finish reason, no `[DONE]`."""
    cut(world, Chunk(text="one "))
    answer = await client.post("/v1/chat/completions", json={**CHAT, "stream": True})
    found = events(answer)
    assert "[DONE]" not in answer.text
    assert "secret" not in answer.text
    assert all(not data.get("choices") or data["choices"][0]["finish_reason"] is None for _name, data in found)
    assert found[-1][1]["error"]["code"] == "provider_error"
    assert found[-1][1]["error"]["usage"]["output_tokens"] == 502
    assert found[-1][1]["error"]["usage"]["estimated"] is True


async def test_a_crash_in_the_stream_is_an_error_event(client, world, monkeypatch):
    """Without its text."""

    async def broken(*args, **kwargs):
        yield Chunk(text="a")
        raise ZeroDivisionError("prompt text")

    world.services.gateway.stream = broken
    found = events(await client.post("/v1/stream", json=HELLO))
    assert found[-1][1]["error"]["code"] == "internal_error"
    assert "prompt text" not in world.log.getvalue()


@pytest.mark.parametrize("path", ["/v1/stream", "/v1/chat/completions"])
async def test_no_character_of_an_answer_ends_a_line(client, world, path):
    """For clients that split where Python does, at more than a line feed."""
    text = "one\u2028two\u2029three\x85four\x0bfive\x0csix\x1cseven\x1deight\x1enine\r\nten é \N{OTTER}"
    world.behave["first"] = lambda call: ProviderAnswer(text, (), "stop", Usage(3, 9))
    answer = await client.post(path, json={**CHAT, "stream": True} if "chat" in path else HELLO)
    lines = [line for line in answer.content.decode().splitlines() if line]
    assert all(line.startswith(("data: ", "event: ")) for line in lines)
    found = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
    chat = "".join(data["choices"][0]["delta"].get("content", "") for data in found if "choices" in data)
    assert (chat or "".join(data.get("delta", "") for data in found)) == text


async def test_tools_rights(client, world):
    """Streaming is a right of its own."""
    headers = {"authorization": f"Bearer {await world.key(tools=('complete',))}"}
    assert (await client.post("/v1/stream", json=HELLO, headers=headers)).status_code == 403
    assert (
        await client.post("/v1/chat/completions", json={**CHAT, "stream": True}, headers=headers)
    ).status_code == 403
    assert (await client.post("/v1/chat/completions", json=CHAT, headers=headers)).status_code == 200
