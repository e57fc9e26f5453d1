"""OpenAI Chat Completions, with the official client as the judge of what parses."""

from __future__ import annotations

import json

from tests.local.providers.at_openai import USER, chat

TOOL = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": False}


def test_a_chat_is_answered(sim):
    """A whole answer has the documented fields; reasoning is counted and not shown."""
    body = chat(sim, messages=[{"role": "user", "content": "hello [[reasoning=2]] [[cached=1]]"}]).json()
    assert body.pop("id").startswith("chatcmpl-")
    assert body == {
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": "gpt-5.1",
        "service_tier": "default",
        "system_fingerprint": None,
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "gpt-5.1 heard: hello",
                    "refusal": None,
                    "annotations": [],
                },
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 8,
            "completion_tokens": 5,
            "total_tokens": 13,
            "prompt_tokens_details": {"cached_tokens": 1, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 2,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        },
    }


def test_answers_carry_rate_limit_headers(sim):
    """Room for requests and tokens, and an identifier."""
    headers = chat(sim).headers
    assert headers["x-request-id"].startswith("req_")
    assert headers["x-ratelimit-remaining-requests"] == "9999"
    assert headers["x-ratelimit-limit-tokens"] == "2000000"
    assert headers["x-ratelimit-reset-tokens"] == "1ms"


def test_the_official_client_reads_an_answer(client):
    """The SDK parses a whole answer."""
    answer = client.chat.completions.create(model="gpt-5.1", messages=USER)
    assert answer.choices[0].message.content == "gpt-5.1 heard: hello world"
    assert answer.usage.completion_tokens_details.reasoning_tokens == 0


def test_the_official_client_reads_a_stream(client):
    """The SDK gets every token, the finish reason, and usage in a last chunk without choices."""
    stream = client.chat.completions.create(
        model="gpt-5.1",
        messages=[{"role": "user", "content": "[[words=3]] [[reasoning=4]]"}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    assert [chunk.choices[0].delta.content for chunk in chunks[:-2]] == ["", "alpha", " beta", " gamma"]
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens == 7


def test_a_stream_ends_with_done_and_reports_no_usage_unasked(sim):
    """Without include_usage no chunk mentions usage."""
    events = sim.events("openai")
    assert events[-1].data == "[DONE]"
    assert all("usage" not in event.data for event in events[:-1])
    assert events[0].data["choices"][0] == {
        "index": 0,
        "delta": {"role": "assistant", "content": "", "refusal": None},
        "logprobs": None,
        "finish_reason": None,
    }


def test_a_stream_with_usage_says_null_until_the_end(sim):
    """With include_usage every chunk but the last has `usage: null`."""
    response = chat(sim, stream=True, stream_options={"include_usage": True})
    chunks = [json.loads(line[6:]) for line in response.text.splitlines() if line.startswith("data: {")]
    assert [chunk["usage"] is None for chunk in chunks] == [True] * (len(chunks) - 1) + [False]


def test_a_tool_is_called(client):
    """The SDK finds a call whose arguments fit the schema, and no content."""
    messages = [{"role": "user", "content": "[[tool]]"}]
    choice = client.chat.completions.create(model="gpt-5.1", messages=messages, tools=[TOOL]).choices[0]
    call = choice.message.tool_calls[0]
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", None)
    assert call.id.startswith("call_")
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "text"})


def test_a_streamed_tool_call_adds_up(client):
    """Fragments of the arguments make the whole."""
    stream = client.chat.completions.create(
        model="gpt-5.1", messages=USER, tools=[TOOL], tool_choice="required", stream=True
    )
    deltas = [chunk.choices[0].delta for chunk in stream]
    calls = [call for delta in deltas for call in delta.tool_calls or ()]
    assert (calls[0].function.name, calls[0].function.arguments) == ("get_weather", "")
    assert json.loads("".join(call.function.arguments for call in calls)) == {"city": "text"}
    assert deltas[0].content is None


def test_a_named_tool_choice_is_obeyed(sim):
    """A choice by name calls that function, `none` calls nothing."""
    other = {"type": "function", "function": {"name": "other"}}
    named = {"type": "function", "function": {"name": "other"}}
    answer = chat(sim, tools=[TOOL, other], tool_choice=named).json()["choices"][0]["message"]
    assert answer["tool_calls"][0]["function"] == {"name": "other", "arguments": "{}"}
    assert "tool_calls" not in chat(sim, tools=[TOOL], tool_choice="none").json()["choices"][0]["message"]


def test_a_tool_result_gets_an_answer_in_text(sim):
    """The history with call and result counts as input, and the model speaks."""
    call = {"id": "c", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "[[tool]]"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "sunny"},
    ]
    assert chat(sim, messages=messages, tools=[TOOL]).json()["choices"][0]["finish_reason"] == "stop"


def test_structured_output_fits_its_schema(client):
    """json_schema answers an instance, json_object an object."""
    wanted = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True}}
    answer = client.chat.completions.create(model="gpt-5.1", messages=USER, response_format=wanted)
    assert json.loads(answer.choices[0].message.content) == {"n": 1}
    messages = [{"role": "user", "content": "answer in json"}]
    free = client.chat.completions.create(model="gpt-5.1", messages=messages, response_format={"type": "json_object"})
    assert json.loads(free.choices[0].message.content) == {"answer": "answer in json"}


def test_limit_and_stop(sim):
    """The output limit ends with `length`, a stop sequence with `stop`."""
    short = chat(sim, max_completion_tokens=1).json()
    assert (short["choices"][0]["finish_reason"], short["usage"]["completion_tokens"]) == ("length", 1)
    stopped = chat(sim, stop="heard").json()["choices"][0]
    assert (stopped["finish_reason"], stopped["message"]["content"]) == ("stop", "gpt-5.1 ")
    assert (
        chat(sim, model="gpt-4o", stop=["4o", "o"], max_tokens=9).json()["choices"][0]["message"]["content"] == "gpt-"
    )


def test_images_count_as_input(sim):
    """An image counts 258 tokens, in Chat Completions and in Responses."""
    parts = [
        {"type": "text", "text": "what"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
    ]
    usage = chat(sim, messages=[{"role": "user", "content": parts}]).json()["usage"]
    assert usage["prompt_tokens"] == 1 + 258 + 3
    items = [{"role": "user", "content": [{"type": "input_image", "image_url": "data:image/png;base64,AA=="}]}]
    usage = sim.post("openai", "/responses", {"model": "gpt-5.3-codex", "input": items}).json()["usage"]
    assert usage["input_tokens"] == 258 + 3


def test_reasoning_effort_makes_reasoning(sim):
    """An effort above none gives reasoning tokens."""
    usage = chat(sim, reasoning_effort="high").json()["usage"]
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 12


def test_models_are_listed(client):
    """The SDK lists models."""
    models = list(client.models.list())
    assert {"gpt-5.1", "text-embedding-3-large"} <= {model.id for model in models}
    assert models[0].object == "model"
