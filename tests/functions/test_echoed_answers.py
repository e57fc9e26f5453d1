"""Clients that send an answer back as they got it, which is how SDKs run a conversation with tools."""

import json

import pytest

from gateway_core.domain.chat import Chunk, ProviderAnswer, ToolCall, ToolCallDelta, Usage

QUESTION = {"role": "user", "content": "What is the weather?"}
CALLS = [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "Sunny."}


async def sent_on(client, world, answer):
    """The assistant's message as the provider gets it, when a client gives `answer` back with a tool's result."""
    asked = await client.post(
        "/v1/chat/completions", json={"model": "reasoning", "messages": [QUESTION, answer, RESULT]}
    )
    assert asked.status_code == 200, asked.text
    return world.provider.calls[-1].messages[1]


async def test_our_own_answer_comes_back_unchanged(client, world):
    """With all fields that it has."""
    called = ProviderAnswer("", (ToolCall("c1", "f", "{}"),), "tool_calls", Usage(1, 1), (), "hm")
    world.behave["first"] = lambda call: called
    answer = await client.post("/v1/chat/completions", json={"model": "reasoning", "messages": [QUESTION]})
    message = answer.json()["choices"][0]["message"]
    assert message == {
        "role": "assistant",
        "content": None,
        "refusal": None,
        "tool_calls": CALLS,
        "reasoning_content": "hm",
    }
    assert await sent_on(client, world, message) == {
        "role": "assistant",
        "tool_calls": CALLS,
        "reasoning_content": "hm",
    }


async def test_empty_text_beside_tool_calls_is_no_text(client, world):
    """As accumulators of streams leave it; some providers refuse it."""
    message = await sent_on(client, world, {"role": "assistant", "content": "", "tool_calls": CALLS})
    assert "content" not in message


async def test_what_an_sdk_adds_goes_no_further(client, world):
    """Arguments and texts that it has parsed, indices, and the fields of features that the answer does not use."""
    function = {**CALLS[0]["function"], "parsed_arguments": {}}
    additions = {"annotations": None, "audio": None, "function_call": None, "parsed": {"a": 1}}
    answer = {"role": "assistant", "content": "hm", "tool_calls": [{**CALLS[0], "index": 0, "function": function}]}
    message = await sent_on(client, world, answer | additions)
    assert message == {"role": "assistant", "content": "hm", "tool_calls": CALLS}


async def test_a_refusal_is_something_that_was_said(client, world):
    """Only one provider has a field for it."""
    message = await sent_on(client, world, {"role": "assistant", "content": None, "refusal": "I must not."})
    assert message == {"role": "assistant", "content": "I must not."}


@pytest.mark.parametrize("nothing", [{}, {"content": ""}, {"content": None}, {"content": "", "refusal": ""}])
async def test_an_answer_of_nothing_is_refused(client, world, nothing):
    """422 that says where; nobody is called."""
    body = {"model": "reasoning", "messages": [QUESTION, {"role": "assistant", **nothing}]}
    answer = await client.post("/v1/chat/completions", json=body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, "messages.1")
    assert world.provider.calls == []


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
