"""Anthropic's wire format, against expectations written by hand from its documentation."""

from __future__ import annotations

import pytest

from tests.local.providers.at_anthropic import TOOL, USER, message

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": False}


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
