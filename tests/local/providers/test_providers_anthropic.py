"""Anthropic's wire format, against expectations written by hand from its documentation."""

from __future__ import annotations

import pytest

TOOL = {"name": "get_weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": False}
USER = [{"role": "user", "content": "hello world"}]


def message(sim, **fields):
    body = {"model": "claude-opus-4-5", "max_tokens": 100, "messages": USER} | fields
    return sim.post("anthropic", "/v1/messages", body)


def problem(response):
    assert response.status_code == 400, response.text
    return response.json()["error"]["message"]


def test_a_message_is_answered(sim):
    """A whole answer has the documented fields, and input without cached tokens."""
    body = message(sim, messages=[{"role": "user", "content": "hello [[cached=2]] [[cache_write=1]]"}]).json()
    assert body.pop("id").startswith("msg_01")
    assert body == {
        "model": "claude-opus-4-5",
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": "claude-opus-4-5 heard: hello"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 6,
            "cache_creation_input_tokens": 1,
            "cache_read_input_tokens": 2,
            "cache_creation": {"ephemeral_5m_input_tokens": 1, "ephemeral_1h_input_tokens": 0},
            "output_tokens": 4,
            "service_tier": "standard",
        },
    }


def test_answers_carry_rate_limit_headers(sim):
    """Limits, what is left, and when it is whole again."""
    headers = message(sim).headers
    assert headers["request-id"].startswith("req_011C")
    assert headers["anthropic-ratelimit-requests-limit"] == "4000"
    assert headers["anthropic-ratelimit-input-tokens-remaining"] == "1999999"
    assert headers["anthropic-ratelimit-tokens-reset"] == "2026-09-21T14:13:20Z"


def test_a_stream_has_the_events_in_order(sim):
    """Text arrives between message_start and message_stop, usage in message_delta."""
    events = sim.events("anthropic", "[[words=2]]")
    assert [event.name for event in events] == [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert all(event.data["type"] == event.name for event in events)
    begun = events[0].data["message"]
    assert (begun["content"], begun["stop_reason"], begun["usage"]["output_tokens"]) == ([], None, 1)
    assert events[1].data == {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    assert events[3].data["delta"] == {"type": "text_delta", "text": "alpha"}
    assert events[6].data == {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {
            "input_tokens": 5,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 2,
        },
    }


def test_thinking_streams_before_text(sim):
    """Thinking is a block of its own that ends with a signature, and its tokens are output."""
    body = {"model": "claude-opus-4-5", "max_tokens": 4096, "stream": True}
    body |= {"messages": [{"role": "user", "content": "[[reasoning=1]] [[words=1]]"}]}
    body |= {"thinking": {"type": "enabled", "budget_tokens": 1024}}
    from_text = sim.post("anthropic", "/v1/messages", body).text
    order = ['"thinking_delta"', '"signature_delta"', '"index":0}', '"text_delta"', '"thinking_tokens":1}']
    positions = [from_text.index(mark) for mark in order]
    assert positions == sorted(positions)
    whole = sim.post("anthropic", "/v1/messages", body | {"stream": False}).json()
    assert [block["type"] for block in whole["content"]] == ["thinking", "text"]
    assert whole["content"][0]["signature"]
    assert whole["usage"]["output_tokens"] == 2


def test_a_tool_is_called(sim):
    """A marker gives a tool_use block whose input fits the schema."""
    body = message(sim, messages=[{"role": "user", "content": "[[tool]]"}], tools=[TOOL]).json()
    block = body["content"][0]
    assert block.pop("id").startswith("toolu_01")
    assert block == {"type": "tool_use", "name": "get_weather", "input": {"city": "text"}}
    assert body["stop_reason"] == "tool_use"


def test_a_streamed_tool_call_builds_its_input(sim):
    """Input arrives as partial JSON, the first part empty."""
    response = message(sim, tools=[TOOL], tool_choice={"type": "tool", "name": "get_weather"}, stream=True)
    parts = [line for line in response.text.splitlines() if "input_json_delta" in line]
    assert parts[0].endswith('"partial_json":""}}')
    assert '"input":{}' in response.text
    assert '"stop_reason":"tool_use"' in response.text


def test_tool_choice_none_calls_nothing(sim):
    """Tools that must not be used are not used."""
    assert message(sim, tools=[TOOL], tool_choice={"type": "none"}).json()["stop_reason"] == "end_turn"


def test_a_tool_result_gets_an_answer_in_text(sim):
    """After the tool's result the model speaks, though the marker still stands in the history."""
    messages = [
        {"role": "user", "content": "[[tool]]"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "get_weather", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "sunny"}]},
    ]
    assert message(sim, messages=messages, tools=[TOOL]).json()["content"][0]["type"] == "text"


@pytest.mark.parametrize(
    "asked",
    [
        {
            "output_format": {
                "type": "json_schema",
                "schema": SCHEMA,
            }
        },
        {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
    ],
)
def test_structured_output_fits_its_schema(sim, asked):
    """Both spellings of structured output are understood."""
    assert message(sim, **asked).json()["content"][0]["text"] == '{"n": 1}'


def test_the_output_limit_cuts(sim):
    """max_tokens ends the answer with its own stop reason."""
    body = message(sim, max_tokens=2).json()
    assert (body["stop_reason"], body["usage"]["output_tokens"]) == ("max_tokens", 2)


def test_a_stop_sequence_is_named(sim):
    """The sequence that ended the answer is told."""
    body = message(sim, stop_sequences=["heard"]).json()
    assert (body["stop_reason"], body["stop_sequence"]) == ("stop_sequence", "heard")


def test_images_and_system_count_as_input(sim):
    """An image counts 258 tokens, the system prompt its own."""
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}
    messages = [{"role": "user", "content": [image, {"type": "text", "text": "what"}]}]
    assert message(sim, messages=messages, system="be brief").json()["usage"]["input_tokens"] == 258 + 1 + 3 + 2


def test_tokens_are_counted_without_an_answer(sim):
    """count_tokens needs no output limit and agrees with the usage of the answer."""
    body = {"model": "claude-opus-4-5", "messages": USER, "tools": [TOOL]}
    counted = sim.post("anthropic", "/v1/messages/count_tokens", body).json()
    assert counted == {"input_tokens": message(sim, tools=[TOOL]).json()["usage"]["input_tokens"]}


def test_models_are_listed(sim):
    """The list has one page of models."""
    body = sim.http.get(
        sim.base("anthropic") + "/v1/models", headers={"x-api-key": "k", "anthropic-version": "2023-06-01"}
    ).json()
    assert body["has_more"] is False
    assert body["data"][0] == {
        "type": "model",
        "id": body["first_id"],
        "display_name": "Claude Opus 4.8",
        "created_at": "2025-11-24T00:00:00Z",
    }


@pytest.mark.parametrize(
    ("headers", "status", "kind", "text"),
    [
        ({}, 401, "authentication_error", "x-api-key header is required"),
        (
            {"x-api-key": "an-invalid-key", "anthropic-version": "2023-06-01"},
            401,
            "authentication_error",
            "invalid x-api-key",
        ),
        ({"x-api-key": "k"}, 400, "invalid_request_error", "anthropic-version: header is required"),
    ],
)
def test_credentials_are_checked(sim, headers, status, kind, text):
    """Key and version headers are required."""
    path, body = sim.request("anthropic")
    response = sim.http.post(sim.base("anthropic") + path, json=body, headers=headers)
    assert response.status_code == status
    answer = response.json()
    assert answer["type"] == "error"
    assert answer["error"] == {"type": kind, "message": text}
    assert answer["request_id"] == response.headers["request-id"]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"frequency_penalty": 1}, "frequency_penalty: Extra inputs are not permitted"),
        ({"max_tokens": None}, "max_tokens: Field required"),
        ({"max_tokens": 0}, "max_tokens: Input should be greater than or equal to 1"),
        ({"temperature": 1.5}, "temperature: range: 0..1"),
        ({"messages": "hi"}, "messages: Input should be a valid list"),
        ({"messages": []}, "messages: at least one message is required"),
        ({"messages": ["hi"]}, "messages.0: Input should be a valid dictionary or object to extract fields from"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role: Input should be 'user' or 'assistant'"),
        ({"messages": [{"role": "user"}]}, "messages.0.content: Field required"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]},
            "messages: text content blocks must be non-empty",
        ),
        ({"thinking": {"type": "enabled"}}, "thinking.enabled.budget_tokens: Field required"),
        (
            {"messages": [{"role": "user", "content": "[[words=x]]"}]},
            "simulator directive: invalid literal for int() with base 10: 'x'",
        ),
        ({"tools": [{"input_schema": {}}]}, "tools.0.custom.name: Field required"),
        ({"tools": "all"}, "Invalid request"),
    ],
)
def test_bodies_are_checked(sim, fields, text):
    """Odd bodies get Anthropic's own words."""
    assert problem(message(sim, **fields)) == text


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"messages": [{"role": "system", "content": "x"}]}, "role 'system' is not supported on this model"),
        ({"messages": [{"role": "user", "content": ""}]}, "must have non-empty content"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "Input tag 'image_url' found using 'type'",
        ),
        ({"thinking": {"type": "enabled", "budget_tokens": 5}}, "greater than or equal to 1024"),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, "must be greater than `thinking.budget_tokens`"),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000, "temperature": 0.5},
            "may only be set to 1",
        ),
    ],
)
def test_longer_complaints(sim, fields, part):
    """Complaints that carry an explanation carry it."""
    assert part in problem(message(sim, **fields))


@pytest.mark.parametrize(
    ("model", "fields", "text"),
    [
        ("claude-opus-4-5", {"temperature": 0.5, "top_p": 0.5}, "`temperature` and `top_p` cannot both be specified"),
        ("claude-opus-4-8", {"temperature": 0.5}, "`temperature` is deprecated for this model."),
        ("claude-haiku-5-5", {"top_k": 5}, "`top_k` is deprecated for this model."),
        (
            "claude-opus-4-6",
            {"messages": [*USER, {"role": "assistant", "content": "x"}]},
            "This model does not support",
        ),
        ("claude-opus-4-5", {"temperature": 0.5, "top_k": 5}, None),
        ("claude-opus-4-5", {"messages": [*USER, {"role": "assistant", "content": "x"}]}, None),
        ("claude-sonnet-4-20250514", {"temperature": 0.5, "top_p": 0.5}, None),
        ("claude-3-5-haiku-20241022", {"temperature": 0.5, "top_p": 0.5}, None),
        ("claude-opus-4-8", {"temperature": 1}, None),
    ],
)
def test_parameters_depend_on_the_model(sim, model, fields, text):
    """Sampling parameters and prefilled answers went away, model by model."""
    response = message(sim, model=model, **fields)
    assert response.json().get("error", {}).get("message", "")[: len(text or "")] == (text or "")
    assert response.status_code == (400 if text else 200)


def test_an_unknown_model_is_not_found(sim):
    """Only Claude models exist here."""
    response = message(sim, model="gpt-5.1")
    assert (response.status_code, response.json()["error"]) == (
        404,
        {"type": "not_found_error", "message": "model: gpt-5.1"},
    )


def test_a_body_that_is_no_json(sim):
    """Garbage is refused as such."""
    url = sim.base("anthropic") + "/v1/messages"
    response = sim.http.post(url, content=b"{", headers={"x-api-key": "k", "anthropic-version": "2023-06-01"})
    assert problem(response).startswith("The request body is not valid JSON")


def test_an_unknown_path_is_not_found(sim):
    """A path that does not exist is refused in the provider's shape."""
    response = sim.http.get(sim.base("anthropic") + "/v1/nothing")
    assert (response.status_code, response.json()["error"]["type"]) == (404, "not_found_error")
