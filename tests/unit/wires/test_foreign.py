"""What LiteLLM is not asked for, because it would lose or change it without a word."""

from __future__ import annotations

import pytest

from gateway_core.domain.model_rules import ModelRules
from gateway_core.wires.demands import DEMANDS
from gateway_core.wires.foreign import FOREIGN_CANNOT, foreign_objection
from gateway_core.wires.table import WIRES

USER = {"role": "user", "content": "Hello."}
SYSTEM = {"role": "system", "content": "Be brief."}
CLOSED = {"type": "object", "properties": {}, "additionalProperties": False}
DEVELOPER = {"role": "developer", "content": "Be brief."}


def objection(wire, *messages, **params):
    """The field at fault."""
    found = foreign_objection(WIRES[wire], messages, params, ModelRules(schema_refuses=frozenset({"recursion"})))
    return found and found.param


def tool(**schema):
    """Tools, the second of which has a parameter `k` with this schema."""
    parameters = {"type": "object", "properties": {"k": schema}}
    functions = [{"name": "plain"}, {"name": "f", "parameters": parameters}]
    return [{"type": "function", "function": function} for function in functions]


def test_it_meets_no_demand():
    """None of them is among what reaches it."""
    assert FOREIGN_CANNOT == DEMANDS


@pytest.mark.parametrize("wire", WIRES)
def test_a_plain_request_is_fine_everywhere(wire):
    """With a system message first, tools, and a format."""
    schema = {"type": "json_schema", "json_schema": {"name": "s", "schema": CLOSED}}
    options = {"tools": tool(type="string", enum=["a"]), "response_format": schema, "tool_choice": "auto"}
    assert objection(wire, SYSTEM, DEVELOPER, USER, **options) is None


@pytest.mark.parametrize("wire", WIRES)
def test_a_list_of_allowed_tools_is_lost_everywhere(wire):
    """It looks for the name of one function there."""
    named = {"type": "function", "function": {"name": "f"}}
    allowed = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [named]}}
    assert objection(wire, USER, tool_choice=allowed) == "tool_choice"
    assert objection(wire, USER, tool_choice=named) is None


@pytest.mark.parametrize(
    ("wire", "param"), [("anthropic", "messages"), ("gemini", "messages"), ("openai_chat", None), ("cohere", None)]
)
def test_system_messages_alone(wire, param):
    """Refused by who has them apart."""
    assert objection(wire, SYSTEM, DEVELOPER) == param


@pytest.mark.parametrize(("wire", "param"), [("anthropic", "response_format"), ("gemini", None), ("openai_chat", None)])
def test_json_mode(wire, param):
    """Lost on its way to Claude."""
    assert objection(wire, USER, response_format={"type": "json_object"}) == param
    assert objection(wire, USER, response_format={"type": "text"}) is None


@pytest.mark.parametrize("late", [SYSTEM, DEVELOPER])
def test_a_system_message_in_the_middle(late):
    """Moved to the top on its way to Gemini."""
    assert objection("gemini", SYSTEM, USER, late, USER) == "messages.2"
    assert objection("gemini", SYSTEM, late, USER) is None
    assert objection("openai_chat", USER, late) is None


@pytest.mark.parametrize(
    "schema",
    [
        {"const": "a"},
        {"$ref": "#/$defs/a"},
        {"type": ["string", "null"]},
        {"oneOf": [{"type": "string"}]},
        {"type": "integer", "enum": [1, 2]},
        {"enum": [1, "a"]},
        {"type": "object", "$defs": {}},
        {"type": "object", "additionalProperties": False},
        {"type": "object", "additionalProperties": {"const": 1}},
        {"type": "object", "properties": {"deep": {"anyOf": [{"type": "string"}, {"const": 1}]}}},
        {"type": "array", "items": {"const": 1}},
        {"type": "array", "prefixItems": [{"type": "string"}, {"const": 1}]},
        {"allOf": [{"const": 1}]},
        {"not": {"const": 1}},
        {"type": "object", "properties": {"any": True}},
    ],
)
def test_schemas_that_are_mangled(schema):
    """On their way to Gemini, wherever they stand."""
    assert objection("gemini", USER, tools=tool(**schema)) == "tools.1.function.parameters"
    assert objection("anthropic", USER, tools=tool(**schema)) is None


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "enum": ["a"], "default": {"const": 1}, "examples": [True]},
        {"type": "object", "properties": {"const": {"type": "string"}, "$ref": {"type": "integer"}}},
        {"type": "array", "items": {"type": "object", "properties": {"oneOf": {"type": "string"}}}},
        {"anyOf": [{"type": "string"}, {"type": "null"}]},
        {"type": "string", "items": 5, "anyOf": "x", "properties": ["y"]},
    ],
)
def test_schemas_that_come_through(schema):
    """A property may be named like a keyword, and a value is no schema."""
    assert objection("gemini", USER, tools=tool(**schema)) is None


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "array"},
        {"type": "string", "format": "date"},
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"type": "object", "patternProperties": {}},
        {"type": "array", "items": {"type": "integer", "multipleOf": 2}},
        {"anyOf": [{"type": "string"}, {"allOf": []}]},
    ],
)
def test_a_schema_that_loses_a_word_on_the_way_to_gemini(schema):
    """What a model would have to keep to, and is not told."""
    assert objection("gemini", USER, tools=tool(**schema)) == "tools.1.function.parameters"


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "format": "date-time", "description": "d"},
        {"anyOf": [{"type": "string"}, {"type": "null"}]},
    ],
)
def test_a_schema_that_gets_to_gemini(schema):
    """With all that counts."""
    assert objection("gemini", USER, tools=tool(**schema)) is None


@pytest.mark.parametrize(("seed", "param"), [(2**31 - 1, None), (-(2**31), None), (2**31, "seed"), (-(2**40), "seed")])
def test_a_seed_of_more_than_32_bits(seed, param):
    """Gemini refuses it."""
    assert objection("gemini", USER, seed=seed) == param


@pytest.mark.parametrize("union", ["allOf", "anyOf", "oneOf"])
def test_alternatives_at_a_schemas_root(union):
    """Lost on the way to Anthropic."""
    made = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", union: []}}}]
    assert objection("anthropic", USER, tools=made) == "tools.0.function.parameters"
    assert objection("openai_chat", USER, tools=made) is None


def test_an_answer_that_anthropic_cannot_be_held_to():
    """As by the wire of our own."""
    schema = {"$defs": {"n": {"type": "object", "properties": {"n": {"$ref": "#/$defs/n"}}}}, "$ref": "#/$defs/n"}
    wanted = {"type": "json_schema", "json_schema": {"name": "s", "schema": schema}}
    assert objection("anthropic", USER, response_format=wanted) == "response_format.json_schema.schema"
    assert objection("gemini", USER, response_format=wanted) is None


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        ([USER], "response_format"),
        ([{"role": "system", "content": "As JSON."}, USER], "response_format"),
        ([USER, {"role": "user", "content": "As JSON."}], None),
    ],
)
def test_json_mode_where_no_turn_says_json(messages, param):
    """Instructions do not count over Responses, and that is where LiteLLM puts the system's messages."""
    assert objection("openai_responses", *messages, response_format={"type": "json_object"}) == param
