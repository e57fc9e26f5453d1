"""What LiteLLM would break on its way to Bedrock's wire: a request that has it goes to somebody else."""

from __future__ import annotations

from typing import Any

import pytest

from gateway_core.wires.bedrock import BEDROCK
from gateway_core.wires.foreign import foreign_objection

HELLO = [{"role": "user", "content": "hello"}]
FLAT = {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"type": "string", "enum": ["x"]}}}


def tools(schema: Any) -> list[Any]:
    return [{"type": "function", "function": {"name": "f", "parameters": schema}}]


def field_of(**params: Any) -> str | None:
    """Which field it objects to."""
    found = foreign_objection(BEDROCK, HELLO, params)
    return found.param if found else None


@pytest.mark.parametrize(
    "schema",
    [
        {**FLAT, "$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}},
        {"definitions": {"a": {"anyOf": [{"$ref": "#/definitions/b"}]}}},
        {"properties": {"a": {"type": ["string", "null"], "enum": ["x", None]}}},
        {"properties": {"a": {"items": [{"enum": [None]}]}}},
    ],
    ids=["recursive", "nested", "null", "deep"],
)
def test_a_schema_that_would_change_is_not_sent(schema):
    """The path says of which tool."""
    assert field_of(tools=tools(schema)) == "tools.0.function.parameters"


@pytest.mark.parametrize("schema", [FLAT, {}, None, {"properties": {"enum": {"type": "string"}}}])
def test_other_schemas_are_sent(schema):
    """References whose place is taken by what they lead to, and fields that have a keyword for a name."""
    assert field_of(tools=tools(schema)) is None


def test_nobody_can_be_kept_from_calling():
    """Where there is something to call."""
    assert field_of(tools=tools({}), tool_choice="none") == "tool_choice"
    assert field_of(tools=tools({}), tool_choice="auto") is None
    assert field_of(tool_choice="none") is None
