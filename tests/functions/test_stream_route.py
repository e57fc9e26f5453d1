"""POST /v1/stream and POST /v1/chat/completions."""

import asyncio
import hashlib
import json

import httpx
import openai
import pytest

from gateway_core.api.sse import HEARTBEAT, EventStream, event
from gateway_core.domain.answer import Chunk, ProviderAnswer, ToolCall, ToolCallDelta, Usage
from gateway_core.domain.provider_errors import ProviderUnavailable, RateLimitError

HELLO = {"messages": [{"role": "user", "content": "one two three"}]}
CHAT = {**HELLO, "model": "reasoning"}


def events(answer):
    """(name, data) of each event."""
    found = []
    for block in answer.text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in lines:
            data = lines["data"]
            found.append((lines.get("event"), data if data == "[DONE]" else json.loads(data)))
    return found


def cut(world, *chunks):
    """Let the first model break off after these chunks."""

    async def stream(call):
        for chunk in chunks:
            yield chunk
        raise ProviderUnavailable("cut", detail="sk-ant-secret", unconfirmed=True)

    world.provider.stream = stream


def failing(error):
    def behave(call):
        raise error

    return behave


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


async def test_openais_stream(client):
    """Role first, text, finish reason, usage if asked for, `[DONE]`."""
    body = {**CHAT, "stream": True, "stream_options": {"include_usage": True}}
    answer = await client.post("/v1/chat/completions", json=body)
    found = [data for _name, data in events(answer)]
    deltas = [data["choices"][0]["delta"] for data in found[:-2]]
    assert deltas == [{"role": "assistant", "content": "one "}, {"content": "two "}, {"content": "three"}, {}]
    assert found[-3]["choices"][0]["finish_reason"] == "stop"
    assert found[-2]["choices"] == []
    assert (found[-2]["usage"]["total_tokens"], found[-2]["usage"]["cost_usd"]) == (6, "0.000009")
    assert found[-1] == "[DONE]"
    assert {data["model"] for data in found[:-1]} == {"first"}


async def test_an_empty_answer_has_a_role(client, world):
    """SDKs take the role of the message that they put together from a chunk, and from nowhere else."""
    world.behave["first"] = lambda call: ProviderAnswer("", (), "stop", Usage(3, 0))
    answer = await client.post("/v1/chat/completions", json={**CHAT, "stream": True})
    choices = [data["choices"][0] for _name, data in events(answer)[:-1]]
    assert [(choice["delta"], choice["finish_reason"]) for choice in choices] == [
        ({"role": "assistant", "content": ""}, None),
        ({}, "stop"),
    ]


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


async def test_openais_whole_answer(client):
    """With our headers."""
    answer = await client.post("/v1/chat/completions", json={**CHAT, "max_completion_tokens": 50})
    body = answer.json()
    assert body["object"] == "chat.completion"
    assert body["choices"][0]["message"]["content"] == "one two three"
    assert body["usage"]["prompt_tokens"] == 3
    assert answer.headers["x-gateway-cost-usd"] == "0.000009"


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"n": 0}, "n"),
        ({"logit_bias": {"50256": 101}}, "logit_bias.50256"),
        ({"top_k_": 1}, "top_k_"),
        ({"max_tokens": 1, "max_completion_tokens": 1}, "max_completion_tokens"),
        ({"metadata": {"project_id": "Not A Project"}}, "project_id"),
        ({"stream_options": {"x": 1}}, "stream_options.x"),
    ],
)
async def test_fields_of_openais_wire(client, change, param):
    """What is not documented, or not in its form, is refused by name."""
    answer = await client.post("/v1/chat/completions", json={**CHAT, **change})
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, param)


async def test_search_by_providers_is_not_offered(client):
    """It has no bound: 400, and what to do instead; null says nothing."""
    answer = await client.post("/v1/chat/completions", json={**CHAT, "web_search_options": {}})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "web_search_options")
    assert "tool of your own" in answer.json()["error"]["message"]
    assert (await client.post("/v1/chat/completions", json={**CHAT, "web_search_options": None})).status_code == 200


@pytest.mark.parametrize(
    ("change", "param", "why"),
    [
        ({"n": 2}, "n", "gives one answer to a request"),
        ({"logprobs": True, "top_logprobs": 2}, "logprobs", "gives no log probabilities"),
        ({"logit_bias": {"50256": -100}}, "logit_bias", "cannot bias single tokens"),
        ({"modalities": ["text", "audio"], "audio": {"voice": "ash", "format": "wav"}}, "modalities", "with sound"),
        ({"functions": [{"name": "f"}]}, "functions", "send tools"),
        ({"tools": [{"type": "custom", "custom": {"name": "f"}}]}, "tools", "has no custom tools"),
    ],
)
async def test_what_nobody_of_those_asked_can_do(client, world, change, param, why):
    """400 that names the field and the reason, as none of them is on OpenAI's wire; nobody is called."""
    answer = await client.post("/v1/chat/completions", json={**CHAT, **change})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, "invalid_request", param)
    assert all(f"{name} " in error["message"] for name in ("first", "second", "third"))
    assert why in error["message"]
    assert world.provider.calls == []


async def test_documented_fields_that_say_nothing(client, world):
    """Null, and what is the default: whoever is asked can do that."""
    names = (
        "audio",
        "frequency_penalty",
        "function_call",
        "functions",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "metadata",
        "modalities",
        "moderation",
        "n",
        "parallel_tool_calls",
        "prediction",
        "prompt_cache_options",
        "prompt_cache_retention",
        "response_format",
        "safety_identifier",
        "service_tier",
        "stop",
        "store",
        "stream",
        "stream_options",
        "tool_choice",
        "tools",
        "top_logprobs",
        "user",
        "verbosity",
        "web_search_options",
    )
    nulls = await client.post("/v1/chat/completions", json={**CHAT, **dict.fromkeys(names)})
    assert nulls.status_code == 200, nulls.text
    assert world.provider.calls[-1].params == {}
    plain = {"n": 1, "logprobs": False, "logit_bias": {}, "modalities": ["text"], "store": False}
    answer = await client.post("/v1/chat/completions", json={**CHAT, **plain})
    assert answer.status_code == 200, answer.text


async def test_a_member_that_comes_twice(client, world):
    """400 that names it: what we read must be what a provider reads."""
    for body in (
        '{"model": "first", "model": "second", "messages": []}',
        '{"model": "first", "messages": [{"role": "user", "content": "a", "model": 1, "model": 2}]}',
    ):
        answer = await client.post("/v1/chat/completions", content=body)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["param"]) == (400, "invalid_request", "body")
        assert "'model' twice" in error["message"]
    assert world.provider.calls == []


@pytest.mark.parametrize("user", ["a" * 129, "a" * 5000, "line\nbreak", "del\x7f"])
async def test_a_user_that_is_no_name_counts_under_its_digest(client, world, user):
    """OpenAI sets no limits; one and the same stays one and the same."""
    digest = f"u-{hashlib.sha256(user.encode()).hexdigest()[:32]}"
    for path, body in (("/v1/chat/completions", CHAT), ("/v1/chat/completions", {**CHAT, "stream": True})):
        assert (await client.post(path, json={**body, "user": user})).status_code == 200
    assert {record.user_id for record in await world.records()} == {digest}


@pytest.mark.parametrize(
    ("user", "counted"), [("a" * 128, "a" * 128), ("", ""), (None, ""), ("\N{OTTER}", "\N{OTTER}")]
)
async def test_a_user_counts_under_its_name(client, world, user, counted):
    """The longest name that there is here is one."""
    assert (await client.post("/v1/chat/completions", json={**CHAT, "user": user})).status_code == 200
    assert [record.user_id for record in await world.records()] == [counted]


async def test_metadata_has_names_alone(client):
    """They are the gateway's own fields: one that is no name is refused."""
    answer = await client.post("/v1/chat/completions", json={**CHAT, "metadata": {"user_id": "a" * 129}})
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, "user_id")


async def test_metadata_and_headers_say_whom_it_counts_for(client, world):
    """Each names what the others leave out; what two of them name they name alike."""
    metadata = {"agent_id": "bot", "topic": "else"}
    headers = {"x-agent-id": "bot", "x-project-id": "alpha"}
    body = {**CHAT, "metadata": metadata, "user": "ada"}
    assert (await client.post("/v1/chat/completions", json=body, headers=headers)).status_code == 200
    (record,) = await world.records()
    assert (record.agent_id, record.user_id) == ("bot", "ada")
    foreign = await client.post("/v1/chat/completions", json=CHAT, headers={"x-project-id": "beta"})
    assert foreign.status_code == 403


async def test_tools_rights(client, world):
    """Streaming is a right of its own."""
    headers = {"authorization": f"Bearer {await world.key(tools=('complete',))}"}
    assert (await client.post("/v1/stream", json=HELLO, headers=headers)).status_code == 403
    assert (
        await client.post("/v1/chat/completions", json={**CHAT, "stream": True}, headers=headers)
    ).status_code == 403
    assert (await client.post("/v1/chat/completions", json=CHAT, headers=headers)).status_code == 200


async def test_the_openai_sdk_works_unchanged(client, world):
    """Base URL and key, nothing else: whole, streamed, with tools, embeddings apart."""
    key = client.headers["authorization"].removeprefix("Bearer ")
    http = httpx.AsyncClient(transport=client._transport)
    sdk = openai.AsyncOpenAI(base_url="http://gateway/v1", api_key=key, http_client=http, max_retries=0)
    whole = await sdk.chat.completions.create(model="reasoning", messages=HELLO["messages"])
    assert whole.choices[0].message.content == "one two three"
    calls = (ToolCall("c1", "f", '{"a": 1}'),)
    world.behave["first"] = lambda call: ProviderAnswer("", calls, "tool_calls", Usage(1, 1))
    stream = await sdk.chat.completions.create(
        model="first", messages=HELLO["messages"], stream=True, stream_options={"include_usage": True}
    )
    seen = [chunk async for chunk in stream]
    assert seen[0].choices[0].delta.tool_calls[0].function.name == "f"
    assert seen[-2].choices[0].finish_reason == "tool_calls"
    assert seen[-1].usage.total_tokens == 2
    assert [model.id async for model in sdk.models.list()] == ["first", "second", "third", "reasoning"]
    assert (await sdk.models.retrieve("reasoning")).owned_by == "gateway"
    with pytest.raises(openai.NotFoundError, match="/v1/chat/completions"):
        await sdk.completions.create(model="first", prompt="hello")
    with pytest.raises(openai.NotFoundError):
        await sdk.chat.completions.create(model="nope", messages=HELLO["messages"])


async def silent_forever():
    """A client that stays."""
    await asyncio.Event().wait()


async def test_silence_is_filled_with_comments():
    """A heartbeat for each interval without an event; the source is closed at the end, and nothing comes after it."""
    go, closed, sent = asyncio.Event(), [], []

    async def source():
        try:
            yield event("a")
            await go.wait()
            yield event("b")
        finally:
            closed.append(True)

    async def send(message):
        sent.append(message)
        if [one.get("body") for one in sent].count(HEARTBEAT) == 2:
            go.set()

    await EventStream(source(), {}, heartbeat_s=0.01)({"type": "http"}, silent_forever, send)
    parts = [one["body"] for one in sent[1:]]
    assert parts[0] == b"data: a\n\n"
    assert parts[1:3] == [HEARTBEAT, HEARTBEAT]
    assert [part for part in parts if part not in (HEARTBEAT, b"")] == [b"data: a\n\n", b"data: b\n\n"]
    assert not sent[-1]["more_body"]
    assert all(one["more_body"] for one in sent[1:-1])
    assert closed == [True]


async def test_a_heartbeat_waits_for_the_event_that_is_being_sent():
    """One message at a time: a client that takes an event slowly is not silent meanwhile."""
    taking, sent = 0, []

    async def source():
        yield event("a")

    async def send(message):
        nonlocal taking
        taking += 1
        assert taking == 1
        await asyncio.sleep(0.05 if message.get("body") else 0)
        sent.append(message.get("body"))
        taking -= 1

    await EventStream(source(), {}, heartbeat_s=0.01)({"type": "http"}, silent_forever, send)
    assert sent == [None, b"data: a\n\n", b""]


async def test_a_client_that_broke_in_silence_ends_the_source():
    """The heartbeat finds out."""
    closed = []

    async def source():
        try:
            yield event("a")
            await asyncio.Event().wait()
        finally:
            closed.append(True)

    async def send(message):
        if message.get("body") == HEARTBEAT:
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await EventStream(source(), {}, heartbeat_s=0.01)({"type": "http"}, silent_forever, send)
    assert closed == [True]


async def test_a_client_who_leaves_ends_the_source():
    """Also while the source is silent."""
    closed = asyncio.Event()
    left = asyncio.Event()

    async def source():
        try:
            yield event("a")
            await asyncio.Event().wait()
        finally:
            closed.set()

    sent = []

    async def receive():
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)
        if message.get("body"):
            left.set()

    await EventStream(source(), {})({"type": "http"}, receive, send)
    assert closed.is_set()
    assert sent[-1]["more_body"] is True


async def test_a_client_that_broke_ends_the_source():
    """A send that fails closes the source too."""
    closed = []

    async def source():
        try:
            yield event("a")
            yield event("b")
        finally:
            closed.append(True)

    async def receive():
        await asyncio.Event().wait()

    async def send(message):
        if message.get("body"):
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await EventStream(source(), {})({"type": "http"}, receive, send)
    assert closed == [True]
