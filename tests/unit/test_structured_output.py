"""How far providers are asked to hold a model to a schema."""

import pytest

from gateway_core.batch.structured import closed, means_of, response_format
from tests.conftest import model
from tests.unit.validations import PERSON

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
