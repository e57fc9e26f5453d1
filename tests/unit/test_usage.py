"""What a usage says of itself, and of two usages which counts."""

from __future__ import annotations

import pytest

from gateway_core.domain.answer import ProviderAnswer, ToolCall, Usage

REPORTED = Usage(5, 1, 4, 0, 1, service_tier="flex")


@pytest.mark.parametrize(
    ("counted", "charged"),
    [
        (Usage(3, 2), Usage(5, 2, 4, 0, 1, service_tier="flex")),
        (Usage(6, 0, service_tier="priority"), Usage(6, 1, 4, 0, 1, service_tier="flex")),
        (Usage(3, 9, audio_output_tokens=7), Usage(5, 9, 4, 0, 1, audio_output_tokens=7, service_tier="flex")),
    ],
)
def test_the_larger_usage_counts(counted, charged):
    """Separately for input and output; details and the service tier come from the provider."""
    assert REPORTED.at_least(counted) == charged


def test_a_service_tier_that_nobody_reports_is_the_one_that_was_counted_with():
    """As only the request knows it then."""
    assert Usage(5, 1).at_least(Usage(1, 1, service_tier="priority")) == Usage(5, 1, service_tier="priority")


def test_sound_is_a_part_of_the_output():
    """It has a price of its own."""
    assert Usage(5, 2, audio_output_tokens=1).with_sound(3) == Usage(5, 5, audio_output_tokens=4)


@pytest.mark.parametrize(("usage", "is_bill"), [(Usage(1, 1), True), (Usage(1, 0), False), (Usage(0, 1), False)])
def test_nothing_is_said_for_nothing(usage, is_bill):
    """A model has read and written something by then."""
    assert usage.is_bill == is_bill


@pytest.mark.parametrize(
    ("said", "everything"),
    [
        ({"content": "a"}, "a"),
        ({"refusal": "No."}, "No."),
        ({"reasoning": "hm"}, "hm"),
        ({"tool_calls": (ToolCall("c1", "f", "{}"),)}, "f{}"),
        ({"beside": "b"}, "b"),
        ({"sound_tokens": 4}, ""),
    ],
)
def test_whatever_an_answer_says_is_something(said, everything):
    """And counts as such, its sound apart."""
    answer = ProviderAnswer(**{"content": "", "tool_calls": (), "finish_reason": "stop", "usage": Usage(), **said})
    assert (answer.says_something, answer.everything) == (True, everything)
