"""JSON Schemas of callers: right where the library is, and bounded where it is not."""

import json

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_core.batch.validation import keywords
from gateway_core.batch.validation.base import InvalidAnswerError
from gateway_core.batch.validation.schemas import JsonSchema

NAMES = st.sampled_from(["a", "b", "c"])
SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1.0, "", "a", "bb"])
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3))
KINDS = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])


def _containers(inner):
    return st.fixed_dictionaries(
        {},
        optional={
            "type": KINDS,
            "properties": st.dictionaries(NAMES, inner, max_size=3),
            "patternProperties": st.dictionaries(st.sampled_from(["^a", "b", "."]), inner, max_size=2),
            "additionalProperties": inner | st.booleans(),
            "required": st.lists(NAMES, max_size=2, unique=True),
            "items": inner,
            "uniqueItems": st.booleans(),
            "anyOf": st.lists(inner, min_size=1, max_size=2),
            "oneOf": st.lists(inner, min_size=1, max_size=2),
            "not": inner,
            "pattern": st.sampled_from(["^a", "b$", "a|b"]),
            "enum": st.lists(SCALARS, min_size=1, max_size=3, unique_by=repr),
            "minimum": st.integers(-2, 2),
        },
    )


SCHEMAS = st.recursive(_containers(st.just({})), _containers, max_leaves=6)


def said(schema, value):
    """What is wrong with a value, in one text."""
    try:
        JsonSchema(schema).result_of(json.dumps(value))
    except InvalidAnswerError as error:
        return str(error)
    return ""


def verdict(schema, value):
    return not said(schema, value)


@given(SCHEMAS, VALUES)
@settings(deadline=None)
def test_the_verdict_is_the_librarys(schema, value):
    """What is valid always passes, and nothing else does: our own keywords decide as the library's."""
    assert verdict(schema, value) is jsonschema.Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize(
    ("value", "unique"),
    [([1, 1.0], False), ([1, True], True), ([{"a": 1}, {"a": 1.0}], False), ([[1], [True]], True), (["1", 1], True)],
)
def test_unique_items(value, unique):
    """Numbers are compared by value, booleans are none."""
    assert verdict({"uniqueItems": True}, value) is unique


def doubling(levels):
    """A schema that refers to itself twice, and so on: 2 to the power of `levels` applications."""
    steps = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(levels)}
    return {"$defs": {**steps, f"d{levels}": {}}, "$ref": "#/$defs/d0"}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({**doubling(12), "$ref": "#/$defs/d12", "items": {"$ref": "#/$defs/d0"}}, [0] * 100),
        ({"properties": {"a": {"$ref": "#/properties/a"}}}, {"a": 1}),
        ({"items": {"pattern": "(a?){500}"}}, ["a" * 2000] * 100),
    ],
    ids=["doubling", "endless", "pattern"],
)
def test_a_hostile_schema_is_given_up(schema, value, monkeypatch):
    """Its cost is bounded, whatever it is applied to."""
    monkeypatch.setattr(keywords, "MOST_STEPS", 5000)
    assert "too deep or too large" in said(schema, value)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"uniqueItems": True}, [{"a": [n]} for n in range(20_000)]),
        ({"items": {"enum": list(range(1000))}}, [5000] * 20_000),
        ({"items": {"pattern": "^(a+)+$"}}, ["a" * 1000 + "!"] * 10),
        ({"additionalProperties": False, "patternProperties": {"^(a+)+$": {}}}, {"a" * 5000 + "!": 1}),
        ({"multipleOf": 0.1}, 10**400),
        ({"multipleOf": 1e-300}, 1e300),
        ({"maxLength": 1}, "x" * 200_000),
        ({"allOf": [{"type": "object"}] * 500}, ["x" * 100] * 3000),
        ({"anyOf": [{"type": "object"}] * 500}, ["x" * 100] * 3000),
    ],
)
def test_an_unusual_value_is_judged(schema, value):
    """In one pass, or with the first errors alone; they are short, whatever they quote."""
    assert len(said(schema, value)) < 3000


def test_a_large_answer_is_checked_whole():
    """The bounds leave room for what models really write."""
    item = {
        "type": "object",
        "properties": {"a": {"type": "integer"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    assert verdict({"type": "array", "items": item}, [{"a": n} for n in range(3000)])


def test_drafts():
    """Draft 7 is what many generators still write; without a word it is 2020-12."""
    old = {"items": [{"type": "string"}], "additionalItems": False}
    assert not verdict({"$schema": "http://json-schema.org/draft-07/schema#", **old}, ["a", 1])
    with pytest.raises(ValueError, match="is not a JSON Schema at items"):
        JsonSchema(old)
    assert verdict(
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "prefixItems": [{"type": "string"}]}, ["a"]
    )


def test_a_root_id_is_only_a_name():
    """References stay within the schema."""
    schema = {"$id": "https://example.org/x", "$defs": {"n": {"type": "integer"}}, "$ref": "#/$defs/n"}
    assert (verdict(schema, 1), verdict(schema, "1")) == (True, False)
