"""OpenAI Responses: input items, sealed reasoning, refusals, custom tools; of the documentation of 2026-11-29."""

from __future__ import annotations

import base64

import pytest

CODEX = "gpt-5.3-codex"
TOOL = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}
CUSTOM = {"type": "custom", "name": "run"}
SPACE = {"type": "namespace", "name": "crm", "description": "Customers.", "tools": [TOOL, CUSTOM]}
USER = {"role": "user", "content": "hi"}
CALL = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c", "output": "sunny"}
PDF = "data:application/pdf;base64," + base64.b64encode(b"%PDF-1.7\n%%EOF").decode()
PNG = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n....").decode()
SEALED = {"store": False, "include": ["reasoning.encrypted_content"]}


def respond(sim, **fields):
    return sim.post("openai", "/responses", {"model": CODEX, "input": "hi"} | fields)


def error(response, status=400):
    assert response.status_code == status, response.text
    return response.json()["error"]


def part(kind, **fields):
    return [{"role": "user", "content": [{"type": kind} | fields]}]


@pytest.mark.parametrize(
    "fields",
    [
        {"input": part("input_image", image_url=PNG, detail="low")},
        {"input": part("input_image", file_id="file-1")},
        {"input": part("input_file", filename="a.pdf", file_data=PDF)},
        {"input": part("input_file", file_url="https://example.com/a.pdf")},
        {"input": [USER, {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}, USER]},
        {"input": [USER, CALL, OUTPUT | {"output": [{"type": "input_text", "text": "a"}]}], "tools": [TOOL]},
        {"input": [USER, CALL, OUTPUT | {"output": part("input_image", image_url=PNG)[0]["content"]}]},
        {"service_tier": "priority", "prompt_cache_key": "k", "safety_identifier": "s", "metadata": {"a": "b"}},
        {"reasoning": {"effort": "xhigh", "summary": "auto"}, "text": {"verbosity": "low"}},
        {"tools": [TOOL, CUSTOM, {"type": "web_search"}], "tool_choice": {"type": "custom", "name": "run"}},
        {"tools": [{"type": "web_search", "external_web_access": False}], "tool_choice": {"type": "web_search"}},
        {"tools": [SPACE], "tool_choice": {"type": "function", "name": "f"}},
        {"input": [USER | {"id": "msg_1"}, CALL | {"namespace": "crm", "id": "fc_1"}, OUTPUT | {"id": "fco_1"}]},
    ],
)
def test_documented_fields_are_taken(sim, fields):
    """Parts, items, tools and parameters as the documentation has them."""
    answer = respond(sim, **fields)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("fields", "param", "text"),
    [
        (
            {"input": part("text", text="hi")},
            "input[0].content[0]",
            "Invalid value: 'text'. Supported values are: 'input_text', 'input_image', and 'input_file'.",
        ),
        (
            {"input": [{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}]},
            "input[0].content[0]",
            "Invalid value: 'input_text'. Supported values are: 'output_text', and 'refusal'.",
        ),
        ({"input": [{"role": "tool", "content": "x"}]}, "input[0].role", "Invalid value: 'tool'."),
        ({"input": [{"role": "user"}]}, "input[0].content", "Missing required parameter"),
        ({"input": [{"role": "user", "content": {}}]}, "input[0].content", "Invalid type for"),
        ({"input": [{"type": "thought"}]}, "input[0]", "Invalid value: 'thought'."),
        ({"input": part("input_text")}, "input[0].content[0].text", "Missing required parameter"),
        ({"input": part("input_image")}, "input[0].content[0].image_url", "Missing required parameter"),
        ({"input": part("input_image", image_url="x")}, "input[0].content[0].image_url", "Invalid 'input[0]."),
        (
            {"input": part("input_file", filename="a.pdf")},
            "input[0].content[0].file_data",
            "Missing required parameter",
        ),
        ({"input": [USER, CALL]}, "input", "No tool output found for function call c."),
        ({"input": [USER, OUTPUT]}, "input", "No tool call found for function call output with call_id c."),
        ({"input": [USER, CALL | {"arguments": {}}, OUTPUT]}, "input[1].arguments", "Invalid type for"),
        ({"input": [USER, CALL | {"arguments": None}]}, "input[1].arguments", "Missing required parameter"),
        ({"input": [USER, CALL | {"call_id": "c" * 65}]}, "input[1].call_id", "Invalid 'input[1].call_id': string too"),
        ({"include": ["everything"]}, "include[0]", "Invalid value: 'everything'."),
        ({"service_tier": "gold"}, "service_tier", "Invalid value: 'gold'."),
        (
            {"reasoning": {"effort": "none"}},
            "reasoning.effort",
            "Unsupported value: 'none' is not supported with the 'gpt-5.3-codex' model. Supported values are: 'low',",
        ),
        ({"reasoning": {"depth": 1}}, "reasoning.depth", "Unknown parameter: 'reasoning.depth'."),
        ({"model": "gpt-4o", "reasoning": {"effort": "low"}}, "reasoning.effort", "Unsupported parameter"),
        ({"model": "gpt-5.1", "temperature": 3}, "temperature", "Invalid 'temperature'"),
        ({"top_logprobs": 21}, "top_logprobs", "Invalid 'top_logprobs'"),
        (
            {"model": "gpt-5.1", "temperature": 1, "reasoning": {"effort": "low"}},
            "temperature",
            "Unsupported parameter",
        ),
        (
            {"text": {"format": {"type": "json_schema", "name": "x"}}},
            "text.format.schema",
            "Missing required parameter",
        ),
        ({"text": {"verbosity": "chatty"}}, "text.verbosity", "Invalid value: 'chatty'."),
        (
            {"tools": [{"type": "function", "function": {"name": "f"}}]},
            "tools[0].name",
            "Missing required parameter: 'tools[0].name'.",
        ),
        ({"tools": [{"name": "f"}]}, "tools[0].type", "Missing required parameter"),
        ({"tools": [{"type": "retrieval"}]}, "tools[0].type", "Invalid value: 'retrieval'."),
        (
            {"tools": [CUSTOM | {"format": {"type": "grammar", "syntax": "ebnf", "definition": ""}}]},
            "tools[0].format.syntax",
            "Invalid value: 'ebnf'.",
        ),
        ({"tools": [SPACE | {"description": None}]}, "tools[0].description", "Missing required parameter"),
        ({"tools": [SPACE | {"tools": []}]}, "tools[0].tools", "Invalid 'tools[0].tools': empty array."),
        ({"tools": [SPACE | {"tools": [SPACE]}]}, "tools[0].tools[0].type", "Invalid value: 'namespace'."),
        ({"tools": [SPACE | {"strict": True}]}, "tools[0].strict", "Unknown parameter: 'tools[0].strict'."),
        ({"tools": [{"type": "web_search", "depth": 1}]}, "tools[0].depth", "Unknown parameter"),
        ({"client_metadata": {"a": 1}}, "client_metadata.a", "Invalid type for 'client_metadata.a'"),
        ({"previous_response_id": "resp_1"}, "previous_response_id", "Previous response with id 'resp_1' not found."),
        ({"input": [{"type": "item_reference", "id": "rs_1"}, USER]}, "input", "Item with id 'rs_1' not found."),
        ({"input": [USER | {"name": "bob"}]}, "input[0].name", "Unknown parameter: 'input[0].name'."),
        ({"input": [USER | {"id": "m" * 65}]}, "input[0].id", "Invalid 'input[0].id': string too long."),
        (
            {"input": [USER, CALL | {"id": "toolu_1"}, OUTPUT]},
            "input[1].id",
            "Invalid 'input[1].id': 'toolu_1'. Expected an ID that begins with 'fc'.",
        ),
        ({"tool_choice": "required"}, "tool_choice", "Invalid value for 'tool_choice'"),
        (
            {"tools": [TOOL], "tool_choice": {"type": "function", "name": "g"}},
            "tool_choice",
            "Tool choice 'g' not found",
        ),
    ],
)
def test_requests_are_checked(sim, fields, param, text):
    """Items, parts, tools and parameters."""
    found = error(respond(sim, **fields))
    assert found["message"].startswith(text)
    assert found["param"] == param


def test_sealed_reasoning_goes_back(client, sim):
    """Where nothing is stored, reasoning carries what only OpenAI can read, and is taken again with its call."""
    asked = {"model": CODEX, "tools": [TOOL], "reasoning": {"effort": "high"}, **SEALED}
    answer = client.responses.create(input="[[tool]]", **asked)
    reasoning, call = answer.output
    assert reasoning.encrypted_content.startswith("gAAAA")
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    items = [{"role": "user", "content": "[[tool]]"}, reasoning.model_dump(), call.model_dump(), result]
    assert client.responses.create(input=items, **asked).output[-1].type == "message"
    forged = reasoning.model_dump() | {"encrypted_content": reasoning.encrypted_content[:-4] + "AAAA"}
    found = error(respond(sim, input=[items[0], forged, *items[2:]], **SEALED))
    assert found["code"] == "invalid_encrypted_content"
    assert "could not be verified" in found["message"]


def test_reasoning_that_was_not_kept(sim):
    """Without its seal an item cannot be found where nothing is stored, and it stands before what it led to."""
    item = {"type": "reasoning", "id": "rs_1", "summary": []}
    found = error(respond(sim, input=[USER, item, CALL, OUTPUT], store=False))
    assert found["message"].startswith("Item with id 'rs_1' not found. Items are not persisted when `store` is set to")
    assert respond(sim, input=[USER, item, CALL, OUTPUT]).status_code == 200
    for after in ([], [USER]):
        found = error(respond(sim, input=[USER, item, *after]))
        assert found["message"] == "Item 'rs_1' of type 'reasoning' was provided without its required following item."


def test_reasoning_is_sealed_only_when_asked(client):
    """By default an item has neither seal nor summary; a summary is told apart, whole and streamed."""
    plain = client.responses.create(model=CODEX, input="hi", reasoning={"effort": "low"}).output[0]
    assert (plain.encrypted_content, plain.summary) == (None, [])
    asked = {"model": CODEX, "input": "[[reasoning=2]]", "reasoning": {"summary": "auto"}}
    assert client.responses.create(**asked).output[0].summary[0].text == "theta eta"
    events = list(client.responses.create(**asked, stream=True))
    told = [event.delta for event in events if event.type == "response.reasoning_summary_text.delta"]
    assert told == ["theta eta"]
    assert events[2].item.summary == []


def test_a_refusal_is_a_part_of_its_own(client):
    """Whole, and streamed as its own events."""
    answer = client.responses.create(model=CODEX, input="[[refusal]]")
    assert answer.output[0].content[0].model_dump() == {"type": "refusal", "refusal": "I can't help with that."}
    assert (answer.output_text, answer.status) == ("", "completed")
    events = list(client.responses.create(model=CODEX, input="[[refusal=Not that.]]", stream=True))
    assert [event.type for event in events[3:8]] == [
        "response.content_part.added",
        "response.refusal.delta",
        "response.refusal.delta",
        "response.refusal.done",
        "response.content_part.done",
    ]
    assert events[6].refusal == "Not that."


def test_a_custom_tool_is_called_with_text(client):
    """An item of its own, whole and streamed, and its output goes back."""
    asked = {"model": CODEX, "tools": [TOOL, CUSTOM]}
    allowed = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "custom", "name": "run"}]}
    call = client.responses.create(input="hi", tool_choice=allowed, **asked).output[0]
    assert (call.type, call.name, call.input, call.id[:4]) == ("custom_tool_call", "run", "print('text')", "ctc_")
    events = list(client.responses.create(input="hi", tool_choice=allowed, stream=True, **asked))
    parts = [event.delta for event in events if event.type == "response.custom_tool_call_input.delta"]
    assert "".join(parts) == "print('text')"
    output = {"type": "custom_tool_call_output", "call_id": call.call_id, "output": "done"}
    items = [{"role": "user", "content": "[[tool=run]]"}, call.model_dump(exclude_none=True), output]
    assert client.responses.create(input=items, **asked).output[0].type == "message"


def test_arguments_in_the_last_event_alone(client):
    """The directive leaves the deltas out; what they carried is counted all the same."""
    asked = {"model": CODEX, "input": "[[tool]] [[done_only]]", "tools": [TOOL], "stream": True}
    events = list(client.responses.create(**asked))
    assert not [event for event in events if event.type.endswith("arguments.delta")]
    assert [event.arguments for event in events if event.type.endswith("arguments.done")] == ['{"a": "text"}']


def test_log_probabilities_are_included(client):
    """On request, for every token of the text."""
    asked = {"model": "gpt-5.1", "input": "[[words=2]]", "include": ["message.output_text.logprobs"], "top_logprobs": 1}
    likely = client.responses.create(**asked).output[0].content[0].logprobs
    assert [(one.token, len(one.top_logprobs)) for one in likely] == [("alpha", 1), (" beta", 1)]
    events = list(client.responses.create(**asked, stream=True))
    told = [event.logprobs[0].token for event in events if event.type == "response.output_text.delta"]
    assert told == ["alpha", " beta"]


def test_what_was_asked_for_is_told(sim):
    """Tier, cache key and safety identifier come back."""
    body = respond(sim, service_tier="flex", prompt_cache_key="k", safety_identifier="s").json()
    assert (body["service_tier"], body["prompt_cache_key"], body["safety_identifier"]) == ("flex", "k", "s")


def test_an_answer_without_usage(sim):
    """Whole and streamed, nothing tells the tokens."""
    assert "usage" not in respond(sim, input="[[no_usage]]").json()
    text = respond(sim, input="[[no_usage]]", stream=True).text
    assert '"usage"' not in text
    assert "response.completed" in text
