"""How much of an invocation's time a request may use."""

import math

import pytest

from gateway_core.api.deadline import MARGIN_S, time_left_s


class Context:
    """Lambda's, as far as it is read."""

    def __init__(self, milliseconds):
        self._milliseconds = milliseconds

    def get_remaining_time_in_millis(self):
        return self._milliseconds


@pytest.mark.parametrize(
    ("milliseconds", "seconds"),
    [(30_000, 28.0), (2500, 0.5), (MARGIN_S * 1000, 0.0), (1, 0.0), (900_000, 898.0)],
)
def test_lambda_counts_milliseconds_and_some_are_left_for_settling(milliseconds, seconds):
    """Never less than nothing."""
    assert time_left_s({"aws.context": Context(milliseconds)}) == seconds


@pytest.mark.parametrize("scope", [{}, {"aws.context": None}, {"aws.context": object()}])
def test_outside_lambda_time_has_no_end(scope):
    """The request's own deadline is the only one there."""
    assert time_left_s(scope) == math.inf
