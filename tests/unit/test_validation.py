"""Validation strategies: what they take, what they refuse, and that no caller's pattern or schema takes for ever."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from gateway_core.batch.questions import Question
from gateway_core.batch.structured import closed, means_of, response_format
from gateway_core.batch.validation.base import InvalidAnswerError
from gateway_core.batch.validation.registry import Registry
from gateway_core.domain.errors import ConfigError, InvalidRequest
from tests.conftest import model

REGISTRY = Registry()
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string", "pattern": "^[A-Z]"}, "age": {"type": "integer", "minimum": 0}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


def validator(**fields):
    return REGISTRY.validator(Question(1, "?", **fields))


def problems(checked, text):
    with pytest.raises(InvalidAnswerError) as caught:
        checked.result_of(text)
    return caught.value.problems


def refused(**fields):
    with pytest.raises(InvalidRequest) as caught:
        validator(**fields)
    return caught.value.param, caught.value.message


@pytest.mark.parametrize("strategy", ["none", "pydantic"])
def test_without_anything_to_check_by_every_text_is_right(strategy):
    """As the specification has it: `pydantic` needs a model to do anything."""
    checked = validator(validation_strategy=strategy)
    assert (checked.result_of("{any text"), checked.schema, checked.instruction) == ("{any text", None, "")


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("TextAnswer", {"answer": "Paris", "confidence": 0.5}),
        ("ItemList", {"items": ["red", "blue"]}),
        ("Decision", {"decision": "yes", "reason": "It is."}),
        ("Classification", {"label": "spam", "confidence": 1.0, "reason": "Links."}),
        ("Facts", {"facts": [{"statement": "It rains.", "source": "the sky"}]}),
    ],
)
def test_the_response_models_that_ship(name, answer):
    """An object of the model is the result, fenced as code or not; a text is not."""
    checked = validator(response_model=name)
    assert checked.result_of(json.dumps(answer)) == answer
    assert checked.result_of(f"```json\n{json.dumps(answer, indent=1)}\n```\n") == answer
    assert problems(checked, "Paris")[0].startswith("The answer is not one JSON value")
    assert means_of(closed(checked.schema)) == "strict"


def test_what_is_wrong_with_an_object_is_told_by_field():
    """So that the model can mend it."""
    found = problems(validator(response_model="TextAnswer"), '{"answer": "", "confidence": 7, "mood": "good"}')
    assert {problem.partition(":")[0] for problem in found} == {"answer", "confidence", "mood"}


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


@pytest.mark.parametrize("text", ["NaN", "1e999", '{"a": Infinity}', "", "{}{}", "[" * 5000])
def test_what_is_no_json_is_invalid(text):
    """Whatever Python would read besides, and however deep."""
    assert problems(validator(response_schema={}), text)


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


def test_a_schema_that_doubles_with_each_reference_ends():
    """Twenty definitions that name the next one twice are a million checks: they are counted."""
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


def test_a_regex_is_for_the_whole_answer():
    """White space around it does not count."""
    checked = validator(validation_strategy="regex", options={"pattern": "[0-9]{4}"})
    assert checked.result_of(" 2026\n") == "2026"
    assert problems(checked, "in 2026") == ("The answer does not match the regular expression as a whole.",)


@pytest.mark.parametrize("options", [{}, {"pattern": ""}, {"pattern": 1}, {"pattern": "["}, {"pattern": "a" * 501}])
def test_a_regex_needs_a_pattern(options):
    """One that is a pattern."""
    assert refused(validation_strategy="regex", options=options)[0] == "options.pattern"


SOURCES = {"sources": ["Dublin has 5 °C in January.", "Rain falls\non 17 days."], "min_citations": 2}


def test_citations_name_given_sources_and_quote_them_word_for_word():
    """White space and case do not count; the answer is the text."""
    checked = validator(validation_strategy="citation_check", options=SOURCES)
    good = 'It is cold: "dublin has 5 °C" [1], and “Rain falls on 17 days” [2].'
    assert checked.result_of(good) == good
    assert problems(checked, "Cold [1].") == ("The answer cites 1 times; it has to cite at least 2 times.",)
    assert problems(checked, 'Hot [3], "Dublin has 30 °C" [1].') == (
        "[3] is not one of the sources.",
        "The quote before [1] does not stand in that source.",
    )
    assert "[2] Rain falls" in checked.instruction


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({}, "options.sources"),
        ({"sources": []}, "options.sources"),
        ({"sources": ["a", 1]}, "options.sources"),
        ({"sources": {"a b": "x"}}, "options.sources"),
        ({"sources": ["x"] * 101}, "options.sources"),
        ({"sources": ["x"], "min_citations": -1}, "options.min_citations"),
        ({"sources": ["x"], "min_citations": True}, "options.min_citations"),
    ],
)
def test_citations_need_sources(options, field):
    """Texts, by ids that can stand in brackets."""
    assert refused(validation_strategy="citation_check", options=options)[0] == field


def test_what_is_not_registered_is_refused_with_what_is():
    """Strategies and models."""
    assert refused(validation_strategy="vibes") == (
        "validation_strategy",
        (
            "validation_strategy: there is no such strategy. "
            "Choose one of: citation_check, json_schema, none, pydantic, regex."
        ),
    )
    assert "Choose one of: Classification, Decision" in refused(response_model="Persona")[1]
    assert refused(response_model="Decision", response_schema={})[0] == "response_schema"
    assert refused(validation_strategy="json_schema")[0] == "response_schema"


class City(BaseModel):
    """A user's own response model."""

    name: str
    inhabitants: int


def shouting(text, options):
    """A user's own strategy."""
    if not text.isupper():
        raise ValueError(f"Write in capitals{options.get('how', '')}.")
    return text.lower()


def test_users_add_their_own():
    """By import path."""
    here = "tests.unit.test_validation"
    registry = Registry.load({"shouting": f"{here}:shouting"}, {"City": f"{here}:City"})
    shouted = registry.validator(Question(1, "?", validation_strategy="shouting", options={"how": ", please"}))
    assert shouted.result_of("HI") == "hi"
    assert problems(shouted, "hi") == ("Write in capitals, please.",)
    city = registry.validator(Question(1, "?", response_model="City"))
    assert city.result_of('{"name": "Ulm", "inhabitants": 126000}') == {"name": "Ulm", "inhabitants": 126000}
    assert "Decision" in registry.models


@pytest.mark.parametrize(
    ("strategies", "models", "why"),
    [
        ({"a": "no.such.module:x"}, {}, "batch.strategies.a: no.such.module:x cannot be imported"),
        ({"a": "json:nothing"}, {}, "cannot be imported"),
        ({"a": "json:__doc__"}, {}, "is not a function"),
        ({}, {"B": "json:dumps"}, "batch.response_models.B: json:dumps is not a Pydantic model"),
    ],
)
def test_what_cannot_be_loaded_is_an_error_of_the_configuration(strategies, models, why):
    """At the start, and not in the middle of a batch."""
    with pytest.raises(ConfigError, match=why):
        Registry.load(strategies, models)


BOTH, JSON, NEITHER = (
    model("a"),
    model("b", capabilities=frozenset({"json"})),
    model("c", capabilities=frozenset[str]()),
)


@pytest.mark.parametrize(
    ("models", "kind"),
    [
        ([BOTH], "json_schema"),
        ([BOTH, JSON], "json_object"),
        ([JSON], "json_object"),
        ([BOTH, NEITHER], None),
        ([], None),
    ],
)
def test_structured_output_is_what_all_candidates_can_do(models, kind):
    """No fallback is lost for it."""
    wanted = response_format(PERSON, models)
    assert (wanted and wanted["type"]) == kind


def test_only_objects_are_asked_for_by_the_provider():
    """Its modes know nothing else; the prompt asks for the rest."""
    assert response_format({"type": "array"}, [BOTH]) is None
    assert response_format(None, [BOTH]) is None


OBJECT = {"type": "object"}
OPTIONAL = {**PERSON, "required": ["name"]}


@pytest.mark.parametrize(
    ("schema", "means"),
    [
        (PERSON, "strict"),
        ({**PERSON, "$schema": "x", "default": {}}, "strict"),
        ({**OBJECT, "properties": {"s": {"type": "string", "minLength": 1}}, "required": ["s"]}, "strict"),
        ({"type": "array", "items": PERSON}, "strict"),
        (OPTIONAL, "loose"),
        ({**OBJECT, "properties": {"s": {}}, "required": ["s"]}, "loose"),
        ({"anyOf": [PERSON, {"type": "object", "properties": {}}, OPTIONAL]}, "loose"),
        ({**PERSON, "additionalProperties": True}, "words"),
        ({**OBJECT, "properties": {"m": {**OBJECT, "additionalProperties": {"type": "string"}}}}, "words"),
        ({**OBJECT, "properties": {"s": True}}, "words"),
        ({**PERSON, "allOf": [{}]}, "words"),
        (OBJECT, "words"),
    ],
)
def test_how_far_providers_can_hold_a_model_to_a_schema(schema, means):
    """Strictly where all is said; in words where they would refuse it, and the whole question with it."""
    assert means_of(closed(schema)) == means


def test_what_providers_would_refuse_is_told_in_words():
    """With JSON mode, where there is one."""
    assert response_format({**PERSON, "allOf": [{}]}, [BOTH]) == {"type": "json_object"}


def test_an_open_object_is_closed_for_the_provider():
    """Claude refuses others, and OpenAI's strict mode too; what is closed satisfies what is open."""
    bare = {name: value for name, value in PERSON.items() if name != "additionalProperties"}
    told = response_format(bare, [BOTH])["json_schema"]
    assert (told["schema"], told["strict"]) == (PERSON, True)


def test_properties_may_have_the_names_of_keywords():
    """They are not taken for keywords."""
    schema = {**OBJECT, "properties": {"default": {"type": "string"}, "properties": {"type": "string"}}}
    schema["required"] = ["default", "properties"]
    assert closed(schema) == {**schema, "additionalProperties": False}
    assert means_of(closed(schema)) == "strict"


@pytest.mark.parametrize(
    "said",
    [
        '```\n{"items": ["a", "```"]}\n```',
        'Here it is:\n\n```json\n{"items": ["a", "```"]}\n```\nAnything else?',
        'Here it is: {"items": ["a", "```"]} Anything else?',
        '```json\n{"items": ["a", "```"]}',
    ],
)
def test_wrapped_answers_are_unwrapped(said):
    """Fences and sentences around the JSON are no reason to pay for another answer."""
    assert validator(response_model="ItemList").result_of(said) == {"items": ["a", "```"]}


def test_half_of_a_surrogate_pair_is_invalid():
    """JSON may hold one, but the answer to the batch could not be sent with it."""
    assert "surrogate" in problems(validator(response_schema={}), '{"n": "\\ud800"}')[0]


class Odd(BaseModel):
    number: float = float("inf")
    from_: str = "here"

    model_config = {"alias_generator": lambda name: name.rstrip("_")}


def test_the_result_of_a_model_is_json():
    """By the names that its schema has, and without what JSON has no word for."""
    checked = Registry(models={"Odd": Odd}).validator(Question(1, "?", response_model="Odd"))
    assert checked.result_of('{"from": "there"}') == {"number": None, "from": "there"}
