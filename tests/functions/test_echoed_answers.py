"""Clients that send an answer back as they got it, which is how SDKs run a conversation with tools."""

import json

import pytest

from gateway_core.domain.answer import Chunk, ProviderAnswer, ToolCall, ToolCallDelta, Usage

QUESTION = {"role": "user", "content": "What is the weather?"}
CALLS = [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "Sunny."}
PATHS = pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/complete"])


async def sent_on(client, world, *messages, path="/v1/chat/completions"):
    """These messages as a wire gets them, when a client sends them after its question."""
    name = "model" if "chat" in path else "model_group"
    asked = await client.post(path, json={name: "reasoning", "messages": [QUESTION, *messages]})
    assert asked.status_code == 200, asked.text
    return list(world.provider.calls[-1].messages[1:])


async def answered(client, world, answer):
    """The assistant's message that a client gets for an answer of the provider's."""
    world.behave["first"] = lambda call: answer
    told = await client.post("/v1/chat/completions", json={"model": "reasoning", "messages": [QUESTION]})
    return told.json()["choices"][0]["message"]


async def test_our_own_answer_comes_back_unchanged(client, world):
    """With all fields that it has; what of it goes further, the wires know."""
    called = ProviderAnswer("", (ToolCall("c1", "f", "{}"),), "tool_calls", Usage(1, 1), (), "hm")
    message = await answered(client, world, called)
    assert message == {
        "role": "assistant",
        "content": None,
        "refusal": None,
        "tool_calls": CALLS,
        "reasoning_content": "hm",
    }
    assert await sent_on(client, world, message, RESULT) == [message, RESULT]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (ProviderAnswer("", (), "stop", Usage(1)), {"content": "", "refusal": None}),
        (ProviderAnswer("", (), "length", Usage(1, 9), reasoning="hm"), {"content": "", "reasoning_content": "hm"}),
        (ProviderAnswer("", (), "stop", Usage(1, 1), refusal="No."), {"content": None, "refusal": "No."}),
    ],
    ids=["nothing", "thoughts alone", "refusal"],
)
async def test_whatever_we_answer_is_taken_back(client, world, answer, message):
    """Also where the model said nothing, thought until its limit, or declined."""
    told = await answered(client, world, answer)
    assert told == {"role": "assistant", "refusal": None, **message}
    assert await sent_on(client, world, told, QUESTION) == [told, QUESTION]


@PATHS
@pytest.mark.parametrize(
    "turn",
    [
        {"role": "assistant"},
        {"role": "assistant", "content": ""},
        {"role": "assistant", "content": None},
        {"role": "assistant", "content": "", "refusal": ""},
        {"role": "assistant", "content": [], "tool_calls": []},
        {"role": "assistant", "content": "", "tool_calls": None, "function_call": None, "audio": None},
        {"role": "user", "content": ""},
        {"role": "user", "content": [{"type": "text", "text": ""}]},
        {"role": "system", "content": ""},
        {"role": "tool", "tool_call_id": "c1", "content": []},
        {"role": "tool", "tool_call_id": "c1", "content": None, "name": "f"},
    ],
)
async def test_a_turn_of_nothing_is_taken(client, world, turn, path):
    """OpenAI sets no least length: histories hold such turns for ever."""
    assert await sent_on(client, world, turn, QUESTION, path=path) == [turn, QUESTION]


@PATHS
async def test_what_an_sdk_adds_is_taken(client, world, path):
    """Parsed arguments and texts, indices, names, and what other gateways leave in a history."""
    function = {**CALLS[0]["function"], "parsed_arguments": {}}
    call = {**CALLS[0], "index": 0, "function": function, "extra_content": {}, "provider_specific_fields": None}
    message = {
        "role": "assistant",
        "content": "hm",
        "tool_calls": [call],
        "annotations": [],
        "audio": None,
        "function_call": None,
        "id": "msg_1",
        "parsed": {"a": 1},
        "provider_specific_fields": {"x": 1},
        "reasoning": "hm",
        "reasoning_details": [{"type": "reasoning.text"}],
        "thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "s"}],
    }
    result = {**RESULT, "name": "f", "id": "msg_2"}
    assert await sent_on(client, world, message, result, path=path) == [message, result]


@PATHS
async def test_a_refusal_is_part_of_a_turn(client, world, path):
    """As a field, and as a part of the content."""
    field = {"role": "assistant", "content": None, "refusal": "I must not."}
    part = {"role": "assistant", "content": [{"type": "refusal", "refusal": "I must not."}]}
    assert await sent_on(client, world, field, QUESTION, part, path=path) == [field, QUESTION, part]


async def test_our_own_routes_tell_a_refusal_as_text(client, world):
    """They have no field for it; whole and streamed."""
    world.behave["first"] = lambda call: ProviderAnswer("", (), "stop", Usage(1, 1), refusal="I must not.")

    async def stream(call):
        yield Chunk(refusal="I must ")
        yield Chunk(refusal="not.")
        yield Chunk(finish_reason="stop", usage=Usage(1, 1))

    whole = await client.post("/v1/complete", json={"messages": [QUESTION]})
    world.provider.stream = stream
    streamed = await client.post("/v1/stream", json={"messages": [QUESTION]})
    *chunks, done = [json.loads(line[6:]) for line in streamed.text.splitlines() if line.startswith("data: ")]
    assert whole.json()["content"] == done["content"] == "I must not."
    assert [chunk["delta"] for chunk in chunks] == ["I must ", "not."]


async def test_a_stream_tells_a_refusal_apart(client, world):
    """Null for content, as OpenAI has it."""

    async def stream(call):
        yield Chunk(refusal="I must not.")
        yield Chunk(finish_reason="stop", usage=Usage(1, 1))

    world.provider.stream = stream
    body = {"model": "reasoning", "messages": [QUESTION], "stream": True}
    text = (await client.post("/v1/chat/completions", json=body)).text
    first, last = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": None, "refusal": "I must not."}
    assert last["choices"][0] == {"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}


async def test_a_stream_of_nothing_has_a_role(client, world):
    """An accumulator would have none otherwise."""

    async def stream(call):
        yield Chunk(finish_reason="stop", usage=Usage(1))

    world.provider.stream = stream
    body = {"model": "reasoning", "messages": [QUESTION], "stream": True}
    text = (await client.post("/v1/chat/completions", json=body)).text
    first, last = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert (last["choices"][0]["delta"], last["choices"][0]["finish_reason"]) == ({}, "stop")


async def test_a_stream_that_begins_with_a_tool_call_has_no_text(client, world):
    """Null as OpenAI sends it: an accumulator keeps an empty text and would send it back."""

    async def stream(call):
        yield Chunk(tool_calls=(ToolCallDelta(0, "c1", "f", "{}"),))
        yield Chunk(finish_reason="tool_calls", usage=Usage(1, 1))

    world.provider.stream = stream
    body = {"model": "reasoning", "messages": [QUESTION], "stream": True}
    answer = await client.post("/v1/chat/completions", json=body)
    first = json.loads(answer.text.partition("\n\n")[0].removeprefix("data: "))
    (choice,) = first["choices"]
    assert choice["delta"] == {"role": "assistant", "content": None, "tool_calls": [{"index": 0, **CALLS[0]}]}
