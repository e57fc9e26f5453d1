"""What a request lets a provider bill."""

from __future__ import annotations

import pytest

from gateway_core.domain.errors import InvalidRequest
from gateway_core.domain.terms import billed_service_tier, choices_of, sent_service_tier, speaks


@pytest.mark.parametrize(
    ("params", "sent"),
    [
        ({}, "default"),
        ({"service_tier": None}, "default"),
        ({"service_tier": ""}, "default"),
        ({"service_tier": 1}, "default"),
        ({"service_tier": "auto"}, "auto"),
        ({"service_tier": "flex"}, "flex"),
    ],
)
def test_the_tier_is_never_left_to_the_account(params, sent):
    """Unless the caller says `auto`."""
    assert sent_service_tier(params) == sent


@pytest.mark.parametrize(
    ("asked", "billed"),
    [(None, ""), ("default", ""), ("standard", ""), ("auto", ""), ("flex", "flex"), ("priority", "priority")],
)
def test_an_answer_that_names_no_tier_was_served_at_the_one_asked_for(asked, billed):
    """The default has no name of its own, and `auto` is taken for it."""
    assert billed_service_tier({"service_tier": asked}) == billed


@pytest.mark.parametrize(("params", "choices"), [({}, 1), ({"n": None}, 1), ({"n": 1}, 1), ({"n": 5}, 5)])
def test_how_many_answers(params, choices):
    """One, unless more are asked for."""
    assert choices_of(params) == choices


@pytest.mark.parametrize("n", [0, -1, True, 1.0, "2", [2]])
def test_what_is_no_number_of_answers(n):
    """A provider may read it in its own way, which nobody could hold."""
    with pytest.raises(InvalidRequest) as caught:
        choices_of({"n": n})
    assert (caught.value.param, caught.value.message) == ("n", "n: must be a whole number of answers, at least 1.")


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, False),
        ({"modalities": None}, False),
        ({"modalities": ["text"]}, False),
        ({"modalities": "audio"}, False),
        ({"modalities": ["text", "audio"]}, True),
        ({"modalities": ("audio",)}, True),
    ],
)
def test_answers_of_sound(params, expected):
    """Only where they are asked for."""
    assert speaks(params) is expected
