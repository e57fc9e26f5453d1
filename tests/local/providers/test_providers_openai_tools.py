"""What OpenAI's Chat Completions refuses of tools and their schemas, against its documentation of 2026-11-29."""

from __future__ import annotations

import pytest

from tests.local.providers.at_openai import CUSTOM, TOOL, chat
from tests.local.providers.refusals import error


def choosing(kind, **chosen):
    return {"tools": [TOOL, CUSTOM], "tool_choice": {"type": kind, kind: chosen}}


@pytest.mark.parametrize(
    ("fields", "param", "text"),
    [
        ({"tools": [{"function": {}}]}, "tools[0].type", "Missing required parameter: 'tools[0].type'."),
        ({"tools": [{"type": "retrieval"}]}, "tools[0].type", "Invalid value: 'retrieval'."),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name", "Missing required parameter"),
        (
            {"tools": [{"type": "function", "function": {"name": "a b"}}]},
            "tools[0].function.name",
            "Invalid 'tools[0].function.name': string does not match pattern.",
        ),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "string"}}}]},
            "tools[0].function.parameters",
            "Invalid schema for function 'f': schema must be a JSON Schema of 'type: \"object\"'",
        ),
        (
            {"tools": [{"type": "custom", "custom": {"name": "x", "format": {"type": "xml"}}}]},
            "tools[0].custom.format.type",
            "Invalid value: 'xml'.",
        ),
        (
            {"tools": [{"type": "custom", "custom": {"name": "x", "format": {"type": "grammar", "grammar": {}}}}]},
            "tools[0].custom.format.grammar.syntax",
            "Missing required parameter",
        ),
        ({"functions": [{}]}, "functions[0].name", "Missing required parameter"),
        ({"tool_choice": "auto"}, "tool_choice", "Invalid value for 'tool_choice': 'tool_choice' is only allowed when"),
        ({"parallel_tool_calls": True}, "parallel_tool_calls", "Invalid value for 'parallel_tool_calls'"),
        ({"function_call": "auto"}, "function_call", "Invalid value for 'function_call'"),
        ({"tools": [TOOL], "tool_choice": "any"}, "tool_choice", "Invalid value: 'any'."),
        (choosing("web_search"), "tool_choice.type", "Invalid value: 'web_search'."),
        (choosing("function", name="g"), "tool_choice", "Tool choice 'g' not found in 'tools' parameter."),
        (
            choosing("allowed_tools", mode="all", tools=[]),
            "tool_choice.allowed_tools.mode",
            "Invalid value: 'all'. Supported values are: 'auto', and 'required'.",
        ),
        (
            choosing("allowed_tools", mode="auto", tools=[{"type": "function", "function": {"name": "g"}}]),
            "tool_choice",
            "Tool choice 'g' not found",
        ),
    ],
)
def test_tools_are_checked(sim, fields, param, text):
    """Names, schemas, grammars and choices."""
    found = error(chat(sim, **fields))
    assert found["message"].startswith(text)
    assert found["param"] == param


def test_a_strict_schema_is_closed_all_the_way_down(sim):
    """The place of the object that is not closed is told."""
    inner = {"type": "object", "properties": {}}
    schema = {"type": "object", "properties": {"a": {"anyOf": [inner]}}, "additionalProperties": False}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": schema}}
    found = error(chat(sim, response_format=wanted))
    assert "In context=('properties', 'a', 'anyOf', '0'), 'additionalProperties' is required" in found["message"]


@pytest.mark.parametrize(
    ("model", "effort", "refuses"),
    [
        ("gpt-5.4-mini", "low", True),
        ("gpt-5.4-mini", "none", False),
        ("gpt-5.4-mini", None, False),
        ("gpt-5.6-terra", None, True),
        ("gpt-5.6-terra", "none", False),
        ("gpt-5.1", "low", False),
    ],
)
def test_tools_while_a_model_reasons(sim, model, effort, refuses):
    """Function tools with reasoning_effort are not supported in /v1/chat/completions."""
    answer = chat(sim, model=model, tools=[TOOL], reasoning_effort=effort)
    assert answer.status_code == (400 if refuses else 200)
    assert not refuses or error(answer)["param"] == "reasoning_effort"
