"""Answers checked by a caller's JSON Schema: no pattern or schema takes for ever."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.batch.validation import keywords as metered
from gateway_core.batch.validation.base import InvalidAnswerError
from gateway_core.domain.errors import InvalidRequest
from tests.unit.validations import PERSON, problems, refused, validator


def test_a_schema_takes_what_is_valid_and_names_what_is_not():
    """By the place in the value."""
    checked = validator(validation_strategy="json_schema", response_schema=PERSON)
    assert checked.result_of('{"name": "Ada", "age": 36}') == {"name": "Ada", "age": 36}
    assert sorted(problems(checked, '{"name": "ada", "age": -1}')) == [
        "age: -1 is less than the minimum of 0",
        "name: does not match the pattern '^[A-Z]'",
    ]
    assert problems(checked, "[]") == ("The value: [] is not of type 'object'",)


def test_a_schema_alone_is_enough_for_the_default_strategy():
    """Nobody has to name a strategy that says the same."""
    assert problems(validator(response_schema=PERSON), "{}") == (
        "The value: 'name' is a required property",
        "The value: 'age' is a required property",
    )


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"type": "objekt"}, "is not a JSON Schema at type"),
        ({"properties": []}, "is not a JSON Schema at properties"),
        ({"$ref": "https://example.com/schema"}, "leads out of it"),
        ({"items": {"$ref": "file:///etc/passwd"}}, "leads out of it"),
        ({"$ref": "#"}, "without end"),
        ({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}, "without end"),
        ({"$ref": "#/$defs/none"}, "not there"),
        ({"$ref": "#/type", "type": "object"}, "no schema"),
        ({"const": {"$ref": "https://example.com/x"}, "anyOf": [{"$ref": "#/const"}]}, "leads out of it"),
        ({"const": {"type": 5}, "anyOf": [{"$ref": "#/const"}]}, "is not a JSON Schema"),
        ({"properties": {"a": {"$ref": "#/$defs/none"}}}, "not there"),
        ({"patternProperties": {"(?!a)": {}}}, "of RE2"),
        ({"unevaluatedProperties": False}, "unevaluatedProperties"),
        ({"$schema": "http://json-schema.org/draft-04/schema#"}, "$schema"),
        ({"minimum": float("nan")}, "is not JSON"),
        ({"anyOf": [{"type": "null"}] * 2500}, "more than"),
        ({"$dynamicRef": "#a"}, "$dynamicRef"),
        ({"items": {"$id": "http://x"}}, "$id"),
        ({"pattern": "("}, "is not a regular expression"),
        ({"pattern": "a" * 501}, "longer than 500"),
        ({"description": "x" * 70_000}, "larger than"),
        (json.loads('{"not":' * 60 + "{}" + "}" * 60), "deeper than"),
    ],
)
def test_schemas_that_are_none_are_refused_before_any_call(schema, why):
    """With the reason, and nothing is fetched."""
    param, message = refused(validation_strategy="json_schema", response_schema=schema)
    assert param == "response_schema"
    assert why in message


def test_names_and_data_are_no_keywords():
    """A property may be called `$ref`, and an example may look like a schema."""
    schema = {"properties": {"$ref": {"type": "string"}, "pattern": {"const": "("}}, "examples": [{"$ref": "http://x"}]}
    assert validator(response_schema=schema).result_of('{"$ref": "a", "pattern": "("}') == {"$ref": "a", "pattern": "("}


def test_a_schema_may_refer_to_itself():
    """A tree, as deep as the answer is."""
    tree = {"$defs": {"node": {"type": "object", "properties": {"child": {"$ref": "#/$defs/node"}}}}}
    checked = validator(response_schema={**tree, "$ref": "#/$defs/node"})
    assert checked.result_of('{"child": {"child": {}}}') == {"child": {"child": {}}}
    assert problems(checked, '{"child": {"child": 1}}') == ("child.child: 1 is not of type 'object'",)


def test_a_schema_that_doubles_with_each_reference_ends(monkeypatch):
    """Twenty definitions that name the next one twice are a million checks: they are counted."""
    monkeypatch.setattr(metered, "MOST_STEPS", 5000)
    defs = {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}, {"$ref": f"#/$defs/d{n + 1}"}]} for n in range(20)}
    schema = {"$defs": {**defs, "d20": {"const": 1}}, "$ref": "#/$defs/d0"}
    assert "without end" in refused(response_schema=schema)[1]


@pytest.mark.parametrize("pattern", ["(a|aa)+$", "(a+)+$", r"^(\w+\s?)*$"])
def test_no_pattern_takes_for_ever(pattern):
    """Those that stop Python's engine for years are linear here."""
    text = "a" * 20_000 + "!"
    assert problems(validator(validation_strategy="regex", options={"pattern": pattern}), text)
    assert problems(validator(response_schema={"type": "string", "pattern": pattern}), json.dumps(text))


def test_a_text_that_is_too_long_for_its_pattern_makes_the_answer_invalid():
    """The work is known beforehand, and not begun."""
    slow = "(a?){500}a{500}b"
    text = "a" * 100_000
    assert "too long" in problems(validator(validation_strategy="regex", options={"pattern": slow}), text)[0]
    assert "too large" in problems(validator(response_schema={"pattern": slow}), json.dumps(text))[0]


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3)))
def test_every_value_is_valid_by_an_open_schema(value):
    """What comes out is what was written."""
    assert validator(response_schema={}).result_of(json.dumps(value)) == value


keywords = st.sampled_from(["type", "items", "$ref", "anyOf", "properties", "pattern", "minimum", "$defs"])
odd_values = st.recursive(
    st.none() | st.text(max_size=5) | st.integers(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keywords, inner),
    max_leaves=20,
)


@given(st.dictionaries(keywords, odd_values))
def test_no_schema_is_an_error_of_ours(schema):
    """It is used, or refused with a reason."""
    try:
        checked = validator(response_schema=schema)
    except InvalidRequest:
        return
    for answer in ('{"a": [1, "b"]}', "[]", '"text"'):
        with contextlib.suppress(InvalidAnswerError):
            checked.result_of(answer)
