"""How sure a model is of an answer."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.wires.confidence import confidence_of


def tokens(*logprobs):
    return {"choices": [{"logprobs": {"content": [{"logprob": value} for value in logprobs]}}]}


@pytest.mark.parametrize(
    ("body", "confidence"),
    [
        ({"confidence": 0.75}, 0.75),
        ({"choices": [{"confidence": 1}]}, 1.0),
        ({"confidence": 7}, None),
        ({"confidence": True}, None),
        (tokens(0.0), 1.0),
        (tokens(math.log(0.5), math.log(0.125)), 0.25),
        (tokens(), None),
        (tokens(-0.5, None), None),
        (tokens(0.5), None),
        ({"choices": [{"logprobs": None}]}, None),
        ({"candidates": [{"avgLogprobs": math.log(0.5)}]}, 0.5),
        ({"candidates": [{"avgLogprobs": "high"}]}, None),
        (None, None),
    ],
)
def test_it_is_the_providers_own_or_the_mean_probability_of_its_tokens(body, confidence):
    """Or nobody says; a number that is none is no word."""
    found = confidence_of(body)
    assert found == (None if confidence is None else pytest.approx(confidence))


@given(st.lists(st.floats(-50, 0), min_size=1))
def test_it_is_a_probability(logprobs):
    """From 0 to 1."""
    assert 0 <= confidence_of(tokens(*logprobs)) <= 1
