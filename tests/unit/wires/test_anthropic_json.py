"""Answers in JSON, asked for in the words of Anthropic's Messages."""

from __future__ import annotations

from typing import Any

import pytest

from gateway_core.wires.anthropic.codec import ANTHROPIC_CODEC
from gateway_core.wires.anthropic.request import request
from tests.unit.wires.claude import ADAPTIVE, BY_BUDGET, LOOK_UP, USER, body, call, objected, schema_format


class TestJson:
    """Answers in JSON."""

    def test_json_mode_is_a_tool_that_has_to_be_called(self) -> None:
        """Once, for the whole answer."""
        sent = body(response_format={"type": "json_object"})
        assert [tool["name"] for tool in sent["tools"]] == ["json_answer"]
        assert sent["tools"][0]["input_schema"] == {"type": "object", "additionalProperties": True}
        assert sent["tool_choice"] == {"type": "tool", "name": "json_answer", "disable_parallel_tool_use": True}

    @pytest.mark.parametrize(
        ("params", "names", "choice"),
        [
            ({}, ["look_up", "json_answer"], {"type": "any"}),
            (
                {"parallel_tool_calls": False},
                ["look_up", "json_answer"],
                {"type": "any", "disable_parallel_tool_use": True},
            ),
            (
                {"tool_choice": "none"},
                ["look_up", "json_answer"],
                {"type": "tool", "name": "json_answer", "disable_parallel_tool_use": True},
            ),
            ({"tool_choice": "required"}, ["look_up"], {"type": "any"}),
        ],
    )
    def test_json_mode_beside_tools(self, params: Any, names: list[str], choice: Any) -> None:
        """The model calls one of them, or answers."""
        sent = body(tools=[LOOK_UP], response_format={"type": "json_object"}, **params)
        assert ([tool["name"] for tool in sent["tools"]], sent["tool_choice"]) == (names, choice)

    def test_the_tool_has_a_name_of_its_own(self) -> None:
        """Whatever the caller's are called."""
        own = {"type": "function", "function": {"name": "json_answer"}}
        sent = body(tools=[own], response_format={"type": "json_object"})
        assert [tool["name"] for tool in sent["tools"]] == ["json_answer", "json_answer_"]

    def test_json_mode_wins_over_thinking(self) -> None:
        """Where a forced call does not go with it; named."""
        got = request(call(response_format={"type": "json_object"}, reasoning_effort="low"), streams=False)
        assert ("thinking" in got.body, got.dropped) == (False, ("reasoning_effort",))
        sent = body(rules=ADAPTIVE, response_format={"type": "json_object"}, reasoning_effort="low")
        assert sent["thinking"] == {"type": "adaptive"}

    def test_a_schema_is_held_to_by_structured_outputs(self) -> None:
        """Beside an effort."""
        schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
        sent = body(rules=ADAPTIVE, response_format=schema_format(schema), reasoning_effort="low")
        wanted = {"type": "json_schema", "schema": {**schema, "additionalProperties": False}}
        assert sent["output_config"] == {"effort": "low", "format": wanted}

    def test_a_schema_that_does_not_fit_is_objected_to(self) -> None:
        """With what it is that does not."""
        found = ANTHROPIC_CODEC.objection((USER,), {"response_format": schema_format({"type": "object"})}, BY_BUDGET)
        assert found is not None
        assert found.param == "response_format.json_schema.schema"
        assert "properties that the schema does not name" in found.detail
        assert objected(response_format=schema_format({"type": "null"})) == ""
