"""Tools, and the choice among them, on the way to Anthropic's Messages."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway_core.domain.model_rules import NO_RULES
from gateway_core.wires.anthropic.request import request
from tests.unit.wires.claude import (
    LOOK_UP,
    body,
    call,
    calls_tool,
    dropped,
    objected,
    result,
    schema_format,
    text,
    user,
)


class TestTools:
    """What is offered, and what has to be called."""

    def test_a_tool_as_it_came(self) -> None:
        """Its schema is JSON Schema there, too."""
        function = LOOK_UP["function"]
        assert body(tools=[LOOK_UP])["tools"] == [
            {"name": "look_up", "description": "Looks it up.", "input_schema": function["parameters"]}
        ]

    @pytest.mark.parametrize(
        ("choice", "parallel", "sent"),
        [
            (None, None, None),
            (None, True, None),
            ("auto", None, {"type": "auto"}),
            (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
            ("none", False, {"type": "none"}),
            ("required", False, {"type": "any", "disable_parallel_tool_use": True}),
            ({"type": "function", "function": {"name": "look_up"}}, None, {"type": "tool", "name": "look_up"}),
        ],
    )
    def test_the_choice(self, choice: Any, parallel: bool | None, sent: Any) -> None:
        """In Anthropic's words."""
        got = body(tools=[LOOK_UP], tool_choice=choice, parallel_tool_calls=parallel)
        assert got.get("tool_choice") == sent

    @pytest.mark.parametrize(("mode", "sent"), [("auto", None), ("required", {"type": "any"})])
    def test_allowed_tools_are_the_only_ones_offered(self, mode: str, sent: Any) -> None:
        """There is no other word for it."""
        other = {"type": "function", "function": {"name": "other"}}
        allowed = {"mode": mode, "tools": [{"type": "function", "function": {"name": "other"}}]}
        got = body(tools=[LOOK_UP, other], tool_choice={"type": "allowed_tools", "allowed_tools": allowed})
        assert [tool["name"] for tool in got["tools"]] == ["other"]
        assert got.get("tool_choice") == sent

    def test_a_choice_without_tools_is_left_out(self) -> None:
        """There is nothing to choose; who wants a call is told that there is none, also in a history of them."""
        got = request(call(tool_choice="required", parallel_tool_calls=True, tools=[]), streams=False)
        assert ("tool_choice" in got.body, "tools" in got.body, got.dropped) == (False, False, ("tool_choice",))
        assert dropped(tool_choice="auto") == ()
        history = (user(text("q")), calls_tool(), result(), user(text("go on")))
        assert dropped(*history, tool_choice="required") == ("tool_choice",)

    @pytest.mark.parametrize(
        ("parameters", "sent"),
        [
            (None, {"type": "object", "properties": {}}),
            ({}, {"type": "object", "properties": {}}),
            (True, {"type": "object", "additionalProperties": True}),
            ({"properties": {"a": True}}, {"properties": {"a": True}, "type": "object"}),
            ({"type": ["object", "null"]}, {"type": "object"}),
            (
                {"type": "object", "properties": {"a": {"items": [{"type": "string"}], "additionalItems": False}}},
                {"type": "object", "properties": {"a": {"prefixItems": [{"type": "string"}], "items": False}}},
            ),
            (
                {"type": "object", "properties": {"a": {"items": [True]}, "e": {"enum": [{"items": []}]}}},
                {"type": "object", "properties": {"a": {"prefixItems": [True]}, "e": {"enum": [{"items": []}]}}},
            ),
            (
                {
                    "type": "object",
                    "properties": {
                        "a": {"minimum": 1, "exclusiveMinimum": True},
                        "b": {"maximum": 1, "exclusiveMaximum": False},
                        "c": {"exclusiveMinimum": True},
                    },
                },
                {"type": "object", "properties": {"a": {"exclusiveMinimum": 1}, "b": {"maximum": 1}, "c": {}}},
            ),
            (
                {"$ref": "#/$defs/A~1B", "$defs": {"A/B": {"type": "object", "properties": {"a": {"const": 1}}}}},
                {
                    "type": "object",
                    "properties": {"a": {"const": 1}},
                    "$defs": {"A/B": {"type": "object", "properties": {"a": {"const": 1}}}},
                },
            ),
        ],
    )
    def test_a_schema_is_an_objects_in_todays_draft(self, parameters: Any, sent: dict[str, Any]) -> None:
        """`input_schema.type: Field required`, `must match JSON Schema draft 2020-12`."""
        tool = {"type": "function", "function": {"name": "f", "parameters": parameters}}
        got = request(call(tools=[tool]), streams=False)
        assert got.body["tools"] == [{"name": "f", "input_schema": sent}]
        assert got.dropped == ()
        assert not objected(tools=[tool])

    def test_schemas_within_are_as_they_came(self) -> None:
        """Whatever Gemini would have made of them."""
        inner = {
            "k": {"oneOf": [{"const": "z"}, {"type": ["string", "null"], "enum": ["a", None]}], "discriminator": {}},
            "n": {"$ref": "#/$defs/N", "description": "d"},
            "t": True,
        }
        parameters = {"type": "object", "properties": inner, "$defs": {"N": {"items": {"$ref": "#/$defs/N"}}}}
        tool = {"type": "function", "function": {"name": "f", "parameters": parameters}}
        assert body(tools=[tool])["tools"][0]["input_schema"] == parameters

    @pytest.mark.parametrize(
        ("union", "required"), [("anyOf", ["kind"]), ("oneOf", ["kind"]), ("allOf", ["kind", "a", "b"])]
    )
    def test_a_union_at_the_top_becomes_one_object(self, union: str, required: list[str]) -> None:
        """`input_schema does not support oneOf, allOf, or anyOf at the top level`: the description tells of it."""
        first = {"type": "object", "properties": {"kind": {"const": "a"}, "a": {}}, "required": ["kind", "a"]}
        second = {"properties": {"kind": {"const": "b"}, "b": {}}, "required": ["kind", "b"]}
        branches = [{"$ref": "#/$defs/A"}, second]
        parameters = {union: branches, "$defs": {"A": first}, "description": "Two."}
        tool = {"type": "function", "function": {"name": "f", "parameters": parameters}}
        got = request(call(tools=[tool]), streams=False)
        schema = got.body["tools"][0]["input_schema"]
        both = "allOf" if union == "allOf" else "anyOf"
        assert schema["properties"] == {"kind": {both: [{"const": "a"}, {"const": "b"}]}, "a": {}, "b": {}}
        assert (schema["type"], schema["required"], union in schema) == ("object", required, False)
        assert schema["description"].startswith("Two.\n\nIt must match ")
        assert json.dumps(branches) in schema["description"]
        assert got.dropped == ("tools",)

    def test_alternatives_of_what_is_required_stay_in_the_description(self) -> None:
        """Each of them is a requirement only."""
        parameters = {"type": "object", "properties": {"a": {}}, "anyOf": [{"required": ["a"]}, {"type": "null"}]}
        tool = {"type": "function", "function": {"name": "f", "parameters": parameters}}
        [sent] = body(tools=[tool])["tools"]
        assert sent["input_schema"]["required"] == ["a"]
        none = {
            "type": "function",
            "function": {"name": "f", "parameters": {"anyOf": [{"required": ["x"]}, {"$ref": "#"}]}},
        }
        assert "required" not in body(tools=[none])["tools"][0]["input_schema"]

    def test_one_property_of_three_kinds(self) -> None:
        """Each kind is told once."""
        branches = [{"properties": {"k": {"const": value}}} for value in (1, 1, 2, 3, 2, 3)] + [
            {"properties": {"k": True}}
        ]
        tool = {"type": "function", "function": {"name": "f", "parameters": {"oneOf": branches}}}
        schema = body(tools=[tool])["tools"][0]["input_schema"]
        assert schema["properties"]["k"] == {"anyOf": [{"const": 1}, {"const": 2}, {"const": 3}, True]}

    @pytest.mark.parametrize(
        ("parameters", "param"),
        [
            ({"type": "string"}, "tools.1.function.parameters"),
            ({"$ref": "#/$defs/A", "$defs": {"A": {"type": "array"}}}, "tools.1.function.parameters"),
            ({"type": "object", "properties": {"a b": {}}}, "tools.1.function.parameters"),
            ({"$ref": "#/a/0", "a": [{"type": "object"}]}, ""),
            ({"$ref": "#/a/9", "a": []}, ""),
            ({"$ref": "https://example.com"}, ""),
        ],
    )
    def test_arguments_that_are_no_object_are_objected_to(self, parameters: Any, param: str) -> None:
        """As are names of arguments that Anthropic refuses."""
        assert (
            objected(tools=[LOOK_UP, {"type": "function", "function": {"name": "f", "parameters": parameters}}])
            == param
        )

    def test_a_schema_of_any_depth_does_not_raise(self) -> None:
        """It is objected to."""
        deep: dict[str, Any] = {}
        for _ in range(300):
            deep = {"type": "object", "properties": {"a": deep}}
        tool = {"type": "function", "function": {"name": "f", "parameters": deep}}
        assert objected(tools=[tool]) == "tools.0.function.parameters"
        assert objected(response_format=schema_format(deep)) == "response_format.json_schema.schema"

    def test_a_tool_is_offered_once(self) -> None:
        """`Tool names must be unique`."""
        assert objected(tools=[LOOK_UP, LOOK_UP]) == "tools"

    def test_a_strict_tool_is_kept_to_its_schema(self) -> None:
        """What cannot be enforced is told instead."""
        parameters = {
            "type": "object",
            "properties": {"n": {"type": "integer", "minimum": 1}},
            "required": ["n"],
            "additionalProperties": False,
        }
        tool = {"type": "function", "function": {"name": "f", "parameters": parameters, "strict": True}}
        bare = {"type": "function", "function": {"name": "g", "strict": True}}
        got = request(call(tools=[tool, bare]), streams=False)
        assert [one["strict"] for one in got.body["tools"]] == [True, True]
        number = {"type": "integer", "description": "{minimum: 1}"}
        assert got.body["tools"][0]["input_schema"] == {**parameters, "properties": {"n": number}}
        assert got.dropped == ()

    @pytest.mark.parametrize(
        "tools",
        [
            [{"type": "object", "properties": {"a": {"$ref": "#"}}}],
            [{"anyOf": [{"type": "object", "properties": {}}]}],
            [{"type": "object", "properties": {}}] * 21,
            [{"type": "object", "properties": {str(n): {"type": "null"} for n in range(25)}}],
            [
                {
                    "type": "object",
                    "properties": {str(n): {"anyOf": [{"type": "null"}, {"type": "string"}]} for n in range(17)},
                    "required": [str(n) for n in range(17)],
                }
            ],
        ],
    )
    def test_what_is_too_much_to_enforce_is_offered_all_the_same(self, tools: list[dict[str, Any]]) -> None:
        """And named."""
        offered = [
            {"type": "function", "function": {"name": f"f{n}", "parameters": schema, "strict": True}}
            for n, schema in enumerate(tools)
        ]
        got = request(call(tools=offered), streams=False)
        assert not any("strict" in tool for tool in got.body["tools"])
        assert "strict" in got.dropped

    def test_a_model_without_structured_outputs_keeps_to_no_schema(self) -> None:
        """So that it is not told to, which is named."""
        tool = {"type": "function", "function": {"name": "f", "strict": True}}
        got = request(call(tools=[tool], rules=NO_RULES), streams=False)
        assert ("strict" in got.body["tools"][0], got.dropped) == (False, ("strict",))
