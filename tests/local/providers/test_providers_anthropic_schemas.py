"""What Anthropic refuses of tools and of schemas for its output, against its documentation of 2026-11-29."""

from __future__ import annotations

import pytest

from tests.local.providers.at_anthropic import TOOL, message, problem

CLOSED = {"type": "object", "additionalProperties": False}


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
