"""Schemas of answers as Anthropic's structured outputs take them."""

from __future__ import annotations

from typing import Any

import pytest

from gateway_core.wires.anthropic.output_schema import UnfitSchemaError, adapted

STRING = {"type": "string"}
CLOSED = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


def closed(*required: str, **properties: Any) -> dict[str, Any]:
    """An object of these properties and no others."""
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "sent"),
    [
        pytest.param({"type": "object", "properties": {"a": STRING}}, closed(a=STRING), id="closed"),
        pytest.param(
            {"$schema": "x", "$id": "y", "title": "T", "properties": {"a": STRING}, "required": ["a", "b"]},
            {**closed("a", a=STRING), "title": "T"},
            id="inferred",
        ),
        pytest.param(
            {"type": "integer", "minimum": 1, "description": "A number."},
            {"type": "integer", "description": "A number.\n\n{minimum: 1}"},
            id="bounds are told",
        ),
        pytest.param({"type": "string", "format": "uuid"}, {"type": "string", "format": "uuid"}, id="format"),
        pytest.param(
            {"type": "string", "format": "iban", "pattern": "a"},
            {"type": "string", "description": '{format: "iban", pattern: "a"}'},
            id="other format",
        ),
        pytest.param(
            {"type": "array", "items": STRING, "minItems": 1, "maxItems": 3},
            {"type": "array", "items": STRING, "minItems": 1, "description": "{maxItems: 3}"},
            id="array",
        ),
        pytest.param(
            {"items": STRING, "minItems": 2},
            {"type": "array", "items": STRING, "description": "{minItems: 2}"},
            id="more than one item",
        ),
        pytest.param(
            {"type": "array", "prefixItems": [STRING, {"type": "null"}], "items": False},
            {
                "type": "array",
                "items": {"anyOf": [STRING, {"type": "null"}]},
                "description": '{prefixItems: [{"type": "string"}, {"type": "null"}]}',
            },
            id="tuple",
        ),
        pytest.param({"oneOf": [STRING, {"type": "null"}]}, {"anyOf": [STRING, {"type": "null"}]}, id="oneOf"),
        pytest.param(
            {"type": "string", "anyOf": [{"const": "a"}, {"enum": ["b"]}], "default": "a"},
            {"anyOf": [{"const": "a"}, {"enum": ["b"]}], "default": "a"},
            id="type beside a union",
        ),
        pytest.param({"type": ["string", "null"]}, {"type": ["string", "null"]}, id="nullable"),
        pytest.param(
            {"type": ["string", "null"], "enum": ["a", None]},
            {"type": ["string", "null"], "enum": ["a", None]},
            id="nullable enum",
        ),
        pytest.param({"type": "string", "enum": ["a", None]}, {"enum": ["a", None]}, id="enum against its type"),
        pytest.param({"type": "string", "const": "z"}, {"type": "string", "const": "z"}, id="const"),
        pytest.param(
            {"properties": {"a": STRING}, "anyOf": [{"required": ["a"]}]},
            {**closed(a=STRING), "description": '{anyOf: [{"required": ["a"]}]}'},
            id="what is required by turns",
        ),
        pytest.param(
            {"$ref": "#/$defs/A", "$defs": {"A": STRING, "Unused": {"type": "object"}}},
            {"$ref": "#/$defs/A", "$defs": {"A": STRING}},
            id="reference at the top",
        ),
        pytest.param(
            {
                "properties": {
                    "a": {"allOf": [{"$ref": "#/definitions/A"}], "description": "d"},
                    "b": {"$ref": "#/definitions/A", "description": "e"},
                    "c": {"type": "array", "items": {"$ref": "#/properties/a"}},
                },
                "definitions": {"A": STRING},
            },
            {
                **closed(
                    a={"anyOf": [{"$ref": "#/$defs/A"}], "description": "d"},
                    b={"anyOf": [{"$ref": "#/$defs/A"}], "description": "e"},
                    c={"type": "array", "items": {"$ref": "#/$defs/a"}},
                ),
                "$defs": {"A": STRING, "a": {"anyOf": [{"$ref": "#/$defs/A"}], "description": "d"}},
            },
            id="references",
        ),
        pytest.param(
            {
                "anyOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/definitions/A"}],
                "$defs": {"A": STRING},
                "definitions": {"A": {"type": "null"}},
            },
            {
                "anyOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/A1"}],
                "$defs": {"A": STRING, "A1": {"type": "null"}},
            },
            id="two of one name",
        ),
        pytest.param(
            {
                "allOf": [{"$ref": "#/$defs/A"}, {"properties": {"b": STRING}, "required": ["b"]}],
                "description": "d",
                "$defs": {"A": {"type": "object", "properties": {"a": STRING}}},
            },
            {**closed("b", a=STRING, b=STRING), "description": "d"},
            id="allOf",
        ),
    ],
)
def test_a_schema_is_adapted(schema: Any, sent: Any) -> None:
    """Closed, and with in words what cannot be enforced."""
    assert adapted(schema, frozenset({"recursion"})) == sent


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        (True, "any kind"),
        (None, "any kind"),
        ({}, "any kind"),
        ({"properties": {"a": {"description": "anything"}}}, "any kind"),
        ({"type": "array"}, "any kind"),
        ({"type": "array", "items": True}, "any kind"),
        ({"type": "object"}, "does not name"),
        ({"type": "object", "properties": {}, "additionalProperties": True}, "does not name"),
        ({"type": "object", "additionalProperties": STRING}, "does not name"),
        ({"type": "object", "properties": {}, "patternProperties": {"a": STRING}}, "does not name"),
        (
            {"allOf": [{"properties": {"a": STRING}}, {"additionalProperties": True}], "additionalProperties": {}},
            "not name",
        ),
        ({"anyOf": []}, "nothing"),
        ({"enum": []}, "objects or lists"),
        ({"enum": [{"a": 1}]}, "objects or lists"),
        ({"const": []}, "objects or lists"),
        ({"allOf": [STRING, {"minLength": 1}]}, "several schemas"),
        ({"$ref": "#/$defs/A"}, "leads nowhere"),
        ({"$ref": "https://example.com/a"}, "leads nowhere"),
        ({"properties": {"a": {"$ref": "#"}}}, "recursive"),
        ({"$ref": "#/$defs/N", "$defs": {"N": {"properties": {"n": {"$ref": "#/$defs/N"}}}}}, "recursive"),
    ],
)
def test_what_would_become_another_schema_is_told(schema: Any, why: str) -> None:
    """Rather than sent as something else."""
    with pytest.raises(UnfitSchemaError, match=why):
        adapted(schema, frozenset({"recursion"}))


def test_a_model_that_takes_recursion_gets_it() -> None:
    """References keep leading where they led."""
    node = closed(n={"anyOf": [{"$ref": "#/$defs/N"}, {"type": "null"}]})
    schema = {"$ref": "#/$defs/N", "$defs": {"N": {"properties": {"n": {"anyOf": node["properties"]["n"]["anyOf"]}}}}}
    assert adapted(schema) == {"$ref": "#/$defs/N", "$defs": {"N": node}}
    whole = closed(a={"$ref": "#/$defs/root"})
    assert adapted({"properties": {"a": {"$ref": "#"}}}) == {"$ref": "#/$defs/root", "$defs": {"root": whole}}
