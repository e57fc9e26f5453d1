"""OpenAI Chat Completions, with the official client as the judge of what parses."""

from __future__ import annotations

import json

import openai
import pytest

TOOL = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}
USER = [{"role": "user", "content": "hello world"}]
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": False}


@pytest.fixture
def client(sim):
    with openai.OpenAI(api_key="sk-test", base_url=sim.base("openai"), max_retries=0) as client:
        yield client


def chat(sim, **fields):
    return sim.post("openai", "/chat/completions", {"model": "gpt-5.1", "messages": USER} | fields)


def error(response, status=400):
    assert response.status_code == status, response.text
    return response.json()["error"]


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


@pytest.mark.parametrize(
    ("headers", "code", "text"),
    [
        ({}, None, "You didn't provide an API key."),
        ({"authorization": "Basic abc"}, None, "You didn't provide an API key."),
        (
            {"authorization": "Bearer sk-proj-invalid-key"},
            "invalid_api_key",
            "Incorrect API key provided: sk-proj-************-key.",
        ),
    ],
)
def test_credentials_are_checked(sim, headers, code, text):
    """A key is required, and a wrong one is shown masked."""
    path, body = sim.request("openai")
    answer = error(sim.http.post(sim.base("openai") + path, json=body, headers=headers), 401)
    assert answer["message"].startswith(text)
    assert (answer["type"], answer["param"], answer["code"]) == ("invalid_request_error", None, code)


def test_the_official_client_types_the_errors(client, sim):
    """The SDK recognises key, model and parameter errors."""
    with pytest.raises(openai.NotFoundError, match="does not exist"):
        client.chat.completions.create(model="claude-opus-4-5", messages=USER)
    with pytest.raises(openai.BadRequestError, match="max_completion_tokens"):
        client.chat.completions.create(model="gpt-5.1", messages=USER, max_tokens=5)
    bad = openai.OpenAI(api_key="invalid", base_url=sim.base("openai"), max_retries=0)
    with bad, pytest.raises(openai.AuthenticationError):
        bad.models.list()


@pytest.mark.parametrize(
    ("fields", "param", "code", "text"),
    [
        ({"model": None}, None, None, "you must provide a model parameter"),
        ({"foo": 1}, None, None, "Unrecognized request argument supplied: foo"),
        ({"messages": None}, "messages", "missing_required_parameter", "Missing required parameter: 'messages'."),
        ({"messages": "x"}, "messages", "invalid_type", "Invalid type for 'messages'"),
        ({"messages": []}, "messages", "empty_array", "Invalid 'messages': empty array."),
        ({"messages": ["x"]}, "messages[0]", "invalid_type", "Invalid type for 'messages[0]'"),
        (
            {"messages": [{"content": "x"}]},
            "messages[0].role",
            "missing_required_parameter",
            "Missing required parameter",
        ),
        (
            {"messages": [{"role": "model", "content": "x"}]},
            "messages[0].role",
            "invalid_value",
            "Invalid value: 'model'. Supported values are: 'system',",
        ),
        (
            {"messages": [{"role": "user", "content": None}]},
            "messages[0].content",
            None,
            "Invalid value for 'content': expected a string, got null.",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image"}]}]},
            "messages[0].content[0].type",
            "invalid_value",
            "Invalid value: 'image'.",
        ),
        (
            {"temperature": 3},
            "temperature",
            "decimal_above_max_value",
            "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 3 instead.",
        ),
        ({"temperature": "hot"}, "temperature", "invalid_type", "Invalid type for 'temperature'"),
        (
            {"model": "gpt-5-mini", "temperature": 0.2},
            "temperature",
            "unsupported_value",
            "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is",
        ),
        ({"reasoning_effort": "low", "temperature": 0.2}, "temperature", "unsupported_value", "Unsupported value"),
        (
            {"max_tokens": 5},
            "max_tokens",
            "unsupported_parameter",
            "Unsupported parameter: 'max_tokens' is not supported with this model.",
        ),
        (
            {"max_completion_tokens": 0},
            "max_completion_tokens",
            "integer_below_min_value",
            "Invalid 'max_completion_tokens': integer below minimum value.",
        ),
        ({"n": 129}, "n", "integer_above_max_value", "Invalid 'n'"),
        ({"response_format": {"type": "json_object"}}, "messages", None, "'messages' must contain the word 'json'"),
        (
            {"response_format": {"type": "json_schema"}},
            "response_format.json_schema",
            "missing_required_parameter",
            "Missing",
        ),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "x", "strict": True, "schema": {"type": "object"}},
                }
            },
            "response_format",
            None,
            "Invalid schema for response_format 'x'",
        ),
        (
            {"tools": [{"type": "function"}]},
            "tools[0].function",
            "missing_required_parameter",
            "Missing required parameter: 'tools[0].function'.",
        ),
        ({"tools": 5}, None, None, "Invalid request."),
    ],
)
def test_bodies_are_checked(sim, fields, param, code, text):
    """Odd bodies get OpenAI's own words, parameter and code."""
    answer = error(chat(sim, **fields))
    assert answer["message"].startswith(text)
    assert (answer["type"], answer["param"], answer["code"]) == ("invalid_request_error", param, code)


def test_codex_is_not_a_chat_model(sim):
    """Responses-only models say where to find them."""
    answer = error(chat(sim, model="gpt-5.3-codex"), 404)
    assert answer["message"] == "This model is only supported in v1/responses and not in v1/chat/completions."
    assert answer["param"] == "model"


def test_a_body_that_is_no_json_object(sim):
    """Garbage and lists are refused as such."""
    url = sim.base("openai") + "/chat/completions"
    for content in (b"{", b"[]", b""):
        answer = error(sim.http.post(url, content=content, headers={"authorization": "Bearer k"}))
        assert answer["message"].startswith("We could not parse the JSON body of your request.")


def test_models_are_listed(client):
    """The SDK lists models."""
    models = list(client.models.list())
    assert {"gpt-5.1", "text-embedding-3-large"} <= {model.id for model in models}
    assert models[0].object == "model"


def test_an_unknown_path_is_not_found(sim):
    """A path that does not exist is refused in the provider's shape."""
    answer = error(sim.http.post(sim.base("openai") + "/images", json={}), 404)
    assert answer["message"] == "Invalid URL (POST /v1/images)"
