"""Tools, and the choice among them, as OpenAI's Responses takes them."""

from __future__ import annotations

import pytest

from tests.unit.wires.response_inputs import FLAT, GREP, HI, LOOK_UP, body, dropped


def test_tools_are_flat_and_not_strict_unless_asked():
    """Without a word on it they would be strict, and parameters that may be left out would have to be given."""
    strict = {"type": "function", "function": {**LOOK_UP["function"], "strict": True}}
    loose = {"type": "function", "function": {**LOOK_UP["function"], "strict": None}}
    assert body(HI, tools=[LOOK_UP, strict, loose])["tools"] == [
        {**FLAT, "strict": False},
        {**FLAT, "strict": True},
        {**FLAT, "strict": False},
    ]


PARAMETERS = [
    ({}, {"type": "object", "properties": {}}),
    ({"parameters": None}, {"type": "object", "properties": {}}),
    ({"parameters": {}}, {"type": "object", "properties": {}}),
    ({"parameters": True}, {"type": "object", "properties": {}}),
    ({"parameters": {"type": "object"}}, {"type": "object", "properties": {}}),
    ({"strict": True}, {"type": "object", "properties": {}, "additionalProperties": False, "required": []}),
    (
        {"parameters": {"$defs": {"A": {"anyOf": [True, {"$ref": "#/$defs/A"}]}}, "properties": {"a": True}}},
        {
            "type": "object",
            "$defs": {"A": {"anyOf": [True, {"$ref": "#/$defs/A"}]}},
            "properties": {"a": True},
        },
    ),
]


@pytest.mark.parametrize(("function", "schema"), PARAMETERS, ids=range(len(PARAMETERS)))
def test_schemas_of_parameters(function, schema):
    """They go along as they are; the API wants an object with properties, though there be none."""
    tool = {"type": "function", "function": {"name": "ping", **function}}
    found = body(HI, tools=[tool])["tools"][0]
    assert found["parameters"] == schema
    assert "description" not in found


def test_custom_tools():
    """With the grammar one level up."""
    bare = {"type": "custom", "custom": {"name": "say"}}
    text = {"type": "custom", "custom": {"name": "say", "format": {"type": "text"}}}
    assert body(HI, tools=[GREP, bare, text])["tools"] == [
        {
            "type": "custom",
            "name": "grep",
            "description": "Greps",
            "format": {"type": "grammar", "syntax": "regex", "definition": "a+"},
        },
        {"type": "custom", "name": "say"},
        {"type": "custom", "name": "say", "format": {"type": "text"}},
    ]


NAMED = {"type": "function", "function": {"name": "look_up"}}
CHOICES = [
    ("none", "none"),
    ("auto", "auto"),
    ("required", "required"),
    (NAMED, {"type": "function", "name": "look_up"}),
    ({"type": "custom", "custom": {"name": "grep"}}, {"type": "custom", "name": "grep"}),
    (
        {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [NAMED]}},
        {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "look_up"}]},
    ),
]


@pytest.mark.parametrize(("choice", "form"), CHOICES, ids=range(len(CHOICES)))
def test_which_tool_to_call(choice, form):
    """Of those that are offered."""
    found = body(HI, tools=[LOOK_UP, GREP], tool_choice=choice, parallel_tool_calls=False)
    assert found["tool_choice"] == form
    assert found["parallel_tool_calls"] is False


def test_a_choice_without_tools_is_left_out():
    """The API refuses it; only a choice that would have meant something is named."""
    for tools in ({}, {"tools": []}, {"tools": None}):
        found = {"tool_choice": "auto", "parallel_tool_calls": True, **tools}
        assert body(HI, **found).keys() & {"tools", "tool_choice", "parallel_tool_calls"} == set()
        assert dropped(HI, **found) == ()
    assert dropped(HI, tool_choice="required") == ("tool_choice",)
