"""Validators of a question, and what they find wrong with an answer."""

import pytest

from gateway_core.batch.questions import Question
from gateway_core.batch.validation.base import InvalidAnswerError
from gateway_core.batch.validation.registry import Registry
from gateway_core.domain.errors import InvalidRequest

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
