"""Validation strategies: what they take, what they refuse, and how users add their own."""

import json

import pytest
from pydantic import BaseModel

from gateway_core.batch.questions import Question
from gateway_core.batch.structured import closed, means_of
from gateway_core.batch.validation.registry import Registry
from gateway_core.domain.errors import ConfigError
from tests.unit.validations import problems, refused, validator


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


@pytest.mark.parametrize("text", ["NaN", "1e999", '{"a": Infinity}', "", "{}{}", "[" * 5000])
def test_what_is_no_json_is_invalid(text):
    """Whatever Python would read besides, and however deep."""
    assert problems(validator(response_schema={}), text)


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
