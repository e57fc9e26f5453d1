"""OpenAI Responses and Embeddings, with the official client as the judge of what parses."""

from __future__ import annotations

import json
import math

import pytest

from tests.local.providers.refusals import error

TOOL = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
CODEX = "gpt-5.3-codex"


def test_the_official_client_reads_a_response(client):
    """The SDK finds text, usage and status; reasoning is an item of its own."""
    answer = client.responses.create(model=CODEX, input="hello [[reasoning=3]]", instructions="be brief")
    assert answer.output_text == "gpt-5.3-codex heard: hello"
    assert [item.type for item in answer.output] == ["reasoning", "message"]
    assert (answer.status, answer.usage.input_tokens, answer.usage.output_tokens) == ("completed", 8, 7)
    assert answer.usage.output_tokens_details.reasoning_tokens == 3
    assert (answer.id[:5], answer.output[0].id[:3], answer.output[1].id[:4]) == ("resp_", "rs_", "msg_")


def test_a_stream_has_the_events_in_order(client):
    """Numbered events lead from created to completed, and the last one holds the whole response."""
    events = list(client.responses.create(model=CODEX, input="[[words=2]]", stream=True))
    assert [event.type for event in events] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event.sequence_number for event in events] == list(range(10))
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == "alpha beta"
    assert events[2].item.status == "in_progress"
    assert events[-1].response.usage.output_tokens == 2
    assert events[-1].response.output_text == "alpha beta"


def test_the_stream_names_its_events_and_has_no_done(sim):
    """Server-sent events carry their type as name, and nothing follows the last one."""
    text = sim.post("openai", "/responses", {"model": CODEX, "input": "hi", "stream": True}).text
    assert text.startswith("event: response.created\ndata: {")
    assert "[DONE]" not in text


def test_reasoning_streams_as_an_item(client):
    """Hidden reasoning shows as an item without text."""
    items = list(client.responses.create(model=CODEX, input="hi", reasoning={"effort": "high"}, stream=True))
    added = [event.item.type for event in items if event.type == "response.output_item.added"]
    assert added == ["reasoning", "message"]


def test_a_function_is_called(client):
    """A forced function call fits its schema, whole and streamed."""
    answer = client.responses.create(model=CODEX, input="hi", tools=[TOOL], tool_choice="required")
    call = answer.output[0]
    assert (call.type, call.name, json.loads(call.arguments)) == ("function_call", "get_weather", {"city": "text"})
    assert (call.id[:3], call.call_id[:5]) == ("fc_", "call_")
    named = {"type": "function", "name": "get_weather"}
    events = list(client.responses.create(model=CODEX, input="hi", tools=[TOOL], tool_choice=named, stream=True))
    parts = [event.delta for event in events if event.type == "response.function_call_arguments.delta"]
    assert json.loads("".join(parts)) == {"city": "text"}


def test_a_function_result_gets_an_answer_in_text(client):
    """After the result the model speaks; without tools to use it always does."""
    items = [
        {"role": "user", "content": [{"type": "input_text", "text": "[[tool]]"}]},
        {"type": "function_call", "call_id": "c", "name": "get_weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "sunny"},
    ]
    assert client.responses.create(model=CODEX, input=items, tools=[TOOL]).output[0].type == "message"
    none = client.responses.create(model=CODEX, input="[[tool]]", tools=[TOOL], tool_choice="none")
    assert none.output[0].type == "message"


def test_the_output_limit_leaves_it_incomplete(client):
    """A response cut short says why, whole and streamed."""
    asked = {"model": CODEX, "input": "[[words=30]]", "max_output_tokens": 16}
    answer = client.responses.create(**asked)
    assert (answer.status, answer.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert list(client.responses.create(**asked, stream=True))[-1].type == "response.incomplete"


def test_structured_output_fits_its_schema(client):
    """Text formats json_schema and json_object are obeyed."""
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": False}
    wanted = {"format": {"type": "json_schema", "name": "n", "schema": schema, "strict": True}}
    assert json.loads(client.responses.create(model=CODEX, input="hi", text=wanted).output_text) == {"n": 1}
    free = client.responses.create(model=CODEX, input="hi", text={"format": {"type": "json_object"}})
    assert json.loads(free.output_text) == {"answer": "hi"}


@pytest.mark.parametrize(
    ("fields", "param", "code", "text"),
    [
        (
            {"temperature": 0.7},
            "temperature",
            None,
            "Unsupported parameter: 'temperature' is not supported with this model.",
        ),
        ({"top_p": 0.5}, "top_p", None, "Unsupported parameter: 'top_p' is not supported with this model."),
        ({"messages": []}, "messages", "unknown_parameter", "Unknown parameter: 'messages'."),
        ({"input": None}, "input", "missing_required_parameter", "Missing required parameter: 'input'."),
        ({"input": {}}, "input", "invalid_type", "Invalid type for 'input'"),
        ({"input": ["x"]}, "input[0]", "invalid_value", "Invalid value for 'input[0]'"),
        (
            {"max_output_tokens": 5},
            "max_output_tokens",
            "integer_below_min_value",
            "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got 5 instead.",
        ),
        (
            {"text": {"format": {"type": "json_schema", "name": "x", "strict": True, "schema": {"type": "object"}}}},
            "text.format.schema",
            None,
            "Invalid schema",
        ),
    ],
)
def test_bodies_are_checked(sim, fields, param, code, text):
    """Odd bodies get OpenAI's own words, parameter and code."""
    answer = error(sim.post("openai", "/responses", {"model": CODEX, "input": "hi"} | fields))
    assert answer["message"].startswith(text)
    assert (answer["param"], answer["code"]) == (param, code)


def test_a_chat_model_samples_freely(sim):
    """Temperature is fine where the model does not reason."""
    assert sim.post("openai", "/responses", {"model": "gpt-5.1", "input": "hi", "temperature": 0.7}).status_code == 200


def test_the_official_client_reads_embeddings(client):
    """Base64 (the SDK's default) and floats give the same unit vector of the model's size."""
    packed = client.embeddings.create(model="text-embedding-3-large", input="hello world")
    plain = client.embeddings.create(model="text-embedding-3-large", input="hello world", encoding_format="float")
    assert len(packed.data[0].embedding) == 3072
    assert packed.data[0].embedding == pytest.approx(plain.data[0].embedding, abs=1e-9)
    assert math.hypot(*plain.data[0].embedding) == pytest.approx(1, abs=1e-5)
    assert (packed.usage.prompt_tokens, packed.usage.total_tokens) == (2, 2)


@pytest.mark.parametrize(
    ("given", "count", "tokens"),
    [("a", 1, 1), (["a", "b c"], 2, 3), ([1, 2, 3], 1, 3), ([[1, 2], [3]], 2, 3)],
)
def test_embedding_inputs(client, given, count, tokens):
    """Texts and token lists, single and many."""
    answer = client.embeddings.create(model="text-embedding-ada-002", input=given, encoding_format="float")
    assert [item.index for item in answer.data] == list(range(count))
    assert answer.usage.prompt_tokens == tokens
    assert len(answer.data[0].embedding) == 1536


def test_embeddings_are_shortened_on_demand(client):
    """`dimensions` sets the length, and different texts differ."""
    answer = client.embeddings.create(model="text-embedding-3-small", input=["a", "b"], dimensions=8)
    assert len(answer.data[0].embedding) == 8
    assert answer.data[0].embedding != answer.data[1].embedding


@pytest.mark.parametrize(
    ("fields", "status", "text"),
    [
        ({"input": ""}, 400, "'$.input' is invalid."),
        ({"input": 5}, 400, "'$.input' is invalid."),
        (
            {"model": "text-embedding-ada-002", "dimensions": 8},
            400,
            "This model does not support specifying dimensions.",
        ),
        ({"dimensions": 9999}, 400, "Invalid value for 'dimensions' = 9999."),
        ({"model": "embed"}, 404, "The model `embed` does not exist"),
    ],
)
def test_embedding_bodies_are_checked(sim, fields, status, text):
    """Odd bodies get OpenAI's own words."""
    body = {"model": "text-embedding-3-large", "input": "hi"} | fields
    assert error(sim.post("openai", "/embeddings", body), status)["message"].startswith(text)
