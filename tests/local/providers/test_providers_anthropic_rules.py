"""What Anthropic refuses of fields, blocks, tools and schemas, against its documentation of 2026-11-29."""

from __future__ import annotations

import base64

import pytest

USER = [{"role": "user", "content": "hello world"}]
TOOL = {"name": "get_weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}
PDF = base64.b64encode(b"%PDF-1.7\n%%EOF").decode()
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n....").decode()
CALL = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "sunny"}
CLOSED = {"type": "object", "additionalProperties": False}


def message(sim, **fields):
    body = {"model": "claude-opus-4-5", "max_tokens": 100, "messages": USER} | fields
    return sim.post("anthropic", "/v1/messages", body)


def problem(response):
    assert response.status_code == 400, response.text
    return response.json()["error"]["message"]


def said(*blocks, role="user"):
    return {"messages": [*([] if role == "user" else USER), {"role": role, "content": list(blocks)}]}


def file(kind, media_type, data):
    return {"type": kind, "source": {"type": "base64", "media_type": media_type, "data": data}}


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"top_p": 1.5}, "top_p: range: 0..1"),
        ({"stop_sequences": ["ok", "\n"]}, "stop_sequences: each stop sequence must contain non-whitespace"),
        ({"metadata": {"trace": "x"}}, "metadata.trace: Extra inputs are not permitted"),
        ({"service_tier": "flex"}, "service_tier: Input should be 'auto' or 'standard_only'"),
        ({"system": [{"type": "text", "text": ""}]}, "messages: text content blocks must be non-empty"),
        ({"output_config": {"shape": 1}}, "output_config.shape: Extra inputs are not permitted"),
        ({"output_config": {"effort": "xhigh"}}, "output_config.effort: Input should be 'low', 'medium' or 'high'"),
        ({"output_config": {"format": {"type": "json"}}}, "output_config.format.type: Input should be 'json_schema'"),
        (
            {"model": "claude-haiku-4-5", "output_config": {"effort": "low"}},
            "This model does not support the effort parameter.",
        ),
    ],
)
def test_fields_are_checked(sim, fields, text):
    """Ranges, values and names of the body's own fields."""
    assert problem(message(sim, **fields)) == text


def test_efforts_follow_the_model(sim):
    """What one model refuses another takes."""
    assert message(sim, model="claude-opus-4-8", output_config={"effort": "xhigh"}).status_code == 200
    assert message(sim, output_config={"effort": "high"}, service_tier="auto", metadata={"user_id": "u"}).is_success


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"messages": [{**USER[0], "name": "bob"}]}, "messages.0.name: Extra inputs are not permitted"),
        (
            {"messages": [{"role": "user", "content": " \n"}]},
            "messages: text content blocks must contain non-whitespace text",
        ),
        (
            said({"type": "text", "text": "a", "refusal": "b"}),
            "messages.0.content.0.text.refusal: Extra inputs are not permitted",
        ),
        (said({"type": "image"}), "messages.0.content.0.image.source: Field required"),
        (
            said(file("image", "image/tiff", PNG)),
            (
                "messages.0.content.0.image.source.base64.media_type: Input should be 'image/jpeg', 'image/png', "
                "'image/gif' or 'image/webp'"
            ),
        ),
        (
            said(file("image", "image/jpeg", PNG)),
            (
                "messages.0.content.0.image.source.base64: The image was specified using the image/jpeg media type, "
                "but it is image/png"
            ),
        ),
        (
            said(file("document", "text/csv", PDF)),
            "messages.0.content.0.document.source.base64.media_type: Input should be 'application/pdf'",
        ),
        (
            said(file("document", "application/pdf", "no base64!")),
            "messages.0.content.0.document.source.base64.data: Invalid base64 data",
        ),
        (said(file("document", "application/pdf", PNG)), "The PDF specified was not valid."),
        (
            said({"type": "document", "source": {"type": "url"}}),
            "messages.0.content.0.document.source.url.url: Field required",
        ),
        (
            said({"type": "image", "source": {"type": "data"}}),
            (
                "messages.0.content.0.image.source: Input tag 'data' found using 'type' does not match any of the "
                "expected tags: 'base64', 'file', 'url'"
            ),
        ),
        (
            said({"type": "text", "text": "so "}, role="assistant"),
            "messages: final assistant content cannot end with trailing whitespace",
        ),
    ],
)
def test_blocks_are_checked(sim, fields, text):
    """Fields, media types and bytes of what messages consist of."""
    assert problem(message(sim, **fields)) == text


def test_system_messages_in_the_conversation(sim):
    """From Opus 4.8 on, after a user's message and before the assistant's, or last; before that not at all."""
    system = {"role": "system", "content": "Be brief from now on."}
    later = [*USER, system, {"role": "assistant", "content": "Yes."}, *USER]
    assert message(sim, model="claude-opus-4-8", messages=later).json()["usage"]["input_tokens"] == 5 + 8 + 4 + 5
    assert message(sim, model="claude-opus-4-8", messages=[*USER, system]).is_success
    assert problem(message(sim, messages=later)) == "role 'system' is not supported on this model"
    for at, misplaced in ((0, [system, *USER]), (1, [*USER, system, *USER])):
        told = problem(message(sim, model="claude-opus-4-8", messages=misplaced))
        assert told.startswith(f"messages.{at}: role 'system' must {'precede' if at else 'follow'} ")
    shown = [*USER, {"role": "system", "content": [file("image", "image/png", PNG)]}]
    assert "text content only" in problem(message(sim, model="claude-opus-4-8", messages=shown))


def test_documents_and_images_are_read(sim):
    """A PDF and an image of the right type count as input like a page."""
    blocks = said(
        file("document", "application/pdf", PDF), file("image", "image/png", PNG), {"type": "text", "text": "x"}
    )
    assert message(sim, **blocks).json()["usage"]["input_tokens"] == 2 * 258 + 1 + 3


def turns(*later):
    return {"messages": [*USER, *({"role": role, "content": content} for role, content in later)], "tools": [TOOL]}


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (
            turns(("assistant", [CALL | {"id": "functions.x:0"}])),
            "messages.1.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'",
        ),
        (
            turns(("assistant", [CALL | {"input": "{}"}])),
            "messages.1.content.0.tool_use.input: Input should be a valid dictionary",
        ),
        (
            turns(("user", [RESULT])),
            (
                "messages.1.content.0: unexpected `tool_use_id` found in `tool_result` blocks: toolu_1. Each "
                "`tool_result` block must have a corresponding `tool_use` block in the previous message."
            ),
        ),
        (
            turns(("assistant", [CALL]), ("user", "thanks")),
            (
                "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1. Each "
                "`tool_use` block must have a corresponding `tool_result` block in the next message."
            ),
        ),
        (
            turns(("assistant", [CALL]), ("user", [{"type": "text", "text": "so"}, RESULT])),
            (
                "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1. Each "
                "`tool_use` block must have a corresponding `tool_result` block in the next message."
            ),
        ),
    ],
)
def test_calls_and_results_belong_together(sim, fields, text):
    """Ids have a form, every call is answered at once, and nothing else is answered."""
    assert problem(message(sim, **fields)) == text


def test_the_parts_of_a_result_are_checked_too(sim):
    """Blocks within blocks."""
    nested = RESULT | {"content": [file("image", "image/png", "no base64!")]}
    assert problem(message(sim, **turns(("assistant", [CALL]), ("user", [nested])))) == (
        "messages.2.content.0.tool_result.content.0.image.source.base64.data: Invalid base64 data"
    )


def test_results_may_come_in_messages_of_their_own(sim):
    """Messages of one role in a row are one turn."""
    other = CALL | {"id": "toolu_2"}
    results = [("user", [RESULT]), ("user", [RESULT | {"tool_use_id": "toolu_2"}, {"type": "text", "text": "go on"}])]
    assert message(sim, **turns(("assistant", [CALL, other]), *results)).status_code == 200


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"tools": [{"name": "f"}]}, "tools.0.custom.input_schema: Field required"),
        (
            {"tools": [TOOL | {"name": "get weather"}]},
            "tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'",
        ),
        ({"tools": [TOOL | {"parameters": {}}]}, "tools.0.custom.parameters: Extra inputs are not permitted"),
        ({"tools": [TOOL | {"input_schema": {}}]}, "tools.0.custom.input_schema.type: Field required"),
        (
            {"tools": [TOOL | {"input_schema": {"type": "string"}}]},
            "tools.0.custom.input_schema.type: Input should be 'object'",
        ),
        ({"tools": [TOOL | {"input_schema": True}]}, "tools.0.custom.input_schema: Input should be a valid dictionary"),
        (
            {"tools": [TOOL | {"input_schema": {"type": "object", "anyOf": []}}]},
            "tools.0.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level",
        ),
        ({"tools": [TOOL, TOOL]}, "tools: Tool names must be unique."),
        ({"tool_choice": {"type": "any"}}, "tool_choice.any may only be specified while providing tools"),
        (
            {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "other"}},
            "Tool 'other' not found in provided tools",
        ),
        (
            {"tools": [TOOL], "tool_choice": {"type": "required"}},
            (
                "tool_choice: Input tag 'required' found using 'type' does not match any of the expected tags: 'any', "
                "'auto', 'none', 'tool'"
            ),
        ),
    ],
)
def test_tools_are_checked(sim, fields, text):
    """Names, schemas and choices."""
    assert problem(message(sim, **fields)) == text


def test_a_choice_that_forces_nothing_needs_no_tools(sim):
    """As the API answers it."""
    assert message(sim, tool_choice={"type": "auto"}).status_code == 200


def test_tools_of_the_server_are_let_through(sim):
    """They have no schema."""
    assert message(sim, tools=[{"type": "web_search_20250305", "name": "web_search"}]).status_code == 200


NODE = {"type": "object", "additionalProperties": False, "properties": {"next": {"$ref": "#/$defs/node"}}}


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        (
            {"type": "object", "properties": {}},
            "For 'object' type, 'additionalProperties' must be explicitly set to false",
        ),
        (
            CLOSED | {"properties": {"n": {"type": "integer", "minimum": 0, "maximum": 9}}},
            "For 'integer' type, properties 'maximum', 'minimum' are not supported",
        ),
        (
            CLOSED | {"properties": {"s": {"type": ["string", "null"], "maxLength": 3}}},
            "For 'string' type, property 'maxLength' is not supported",
        ),
        (
            CLOSED | {"properties": {"a": {"type": "array", "items": {"type": "string"}, "minItems": 2}}},
            "For 'array' type, 'minItems' values other than 0 or 1 are not supported",
        ),
        (CLOSED | {"properties": {"a": {"type": "object"}}}, "For 'object' type, 'additionalProperties' must be"),
        (CLOSED | {"properties": {"a": {"oneOf": []}}}, "Schema type 'oneOf' is not supported"),
        (CLOSED | {"properties": {"a": {"enum": [{"b": 1}]}}}, "Enum values of complex types are not supported"),
        (
            CLOSED | {"properties": {"a": {"type": "string", "format": "color"}}},
            "String format 'color' is not supported",
        ),
        (CLOSED | {"properties": {"a": True}}, "Schema must be an object"),
        (
            CLOSED | {"properties": {"a": {"$ref": "#/$defs/node"}}, "$defs": {"node": NODE}},
            "Circular reference detected in schema definitions: #/$defs/node",
        ),
        (
            CLOSED | {"properties": {"a": {"$ref": "https://example.com/s"}}},
            "External schema reference 'https://example.com/s' is not supported",
        ),
        (
            CLOSED | {"properties": {"a": {"$ref": "#/$defs/none"}}},
            "Reference '#/$defs/none' not found in schema definitions",
        ),
        (None, "Input should be a valid dictionary"),
    ],
)
def test_output_schemas_are_checked(sim, schema, text):
    """Objects close themselves, nothing is recursive, and bounds are not supported."""
    config = {"format": {"type": "json_schema", "schema": schema}}
    assert problem(message(sim, output_config=config)).startswith(f"output_config.format.schema: {text}")


def test_an_output_schema_of_what_is_supported(sim):
    """References, unions, enums, formats and lists of at least one go through."""
    schema = CLOSED | {
        "$defs": {"day": {"type": "string", "format": "date"}},
        "properties": {
            "from": {"$ref": "#/$defs/day"},
            "to": {"$ref": "#/$defs/day"},
            "kind": {"anyOf": [{"enum": ["a", None]}, {"const": "b"}]},
            "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        },
    }
    answer = message(sim, output_config={"format": {"type": "json_schema", "schema": schema}})
    assert answer.status_code == 200, answer.text
