"""The machine's clock, put right by the store's where it is far off."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from gateway_core.adapters.clock import SystemClock

TRUE_MS = 1_795_003_200_000


def heard(ahead_ms: int, *, at_ms: int = TRUE_MS, trip_s: float = 0.1, clock: SystemClock | None = None) -> SystemClock:
    """A clock that is so far ahead, after an answer of the store's."""
    clock = clock or SystemClock(lambda: TRUE_MS + ahead_ms)
    clock.hear(format_datetime(datetime.fromtimestamp(at_ms // 1000, UTC), usegmt=True), trip_s)
    return clock


@pytest.mark.parametrize("minutes", [-600, -6, 5, 60])
def test_a_clock_that_is_wrong_is_put_right(minutes):
    """To the second, as the store's date has no more."""
    clock = heard(minutes * 60_000)
    assert abs(clock.now_ms() - TRUE_MS) <= 1000


@pytest.mark.parametrize("ahead_ms", [0, 3000, -9000])
def test_a_clock_that_is_nearly_right_goes_on_as_it_is(ahead_ms):
    """It has milliseconds, and the other one has none."""
    assert heard(ahead_ms).now_ms() == TRUE_MS + ahead_ms


def test_a_clock_that_was_mended_is_believed_again():
    """And the rounding of later dates does not move the time to and fro."""
    off = 300_000
    clock = SystemClock(lambda: TRUE_MS + off)
    first = heard(0, clock=clock).now_ms()
    heard(0, at_ms=TRUE_MS + 1000, clock=clock)
    assert clock.now_ms() == first
    off = 0
    heard(0, at_ms=TRUE_MS - 1000, clock=clock)
    assert clock.now_ms() == TRUE_MS


def test_an_answer_that_was_long_on_its_way_says_nothing():
    """The process may have been frozen in between."""
    assert heard(0, at_ms=TRUE_MS - 3_600_000, trip_s=5).now_ms() == TRUE_MS


@pytest.mark.parametrize("date", ["", "yesterday", "Sun, 31 Feb 2026 10:00:00 GMT", "Sun, 01 Xyz 2026 10:00:00 GMT"])
def test_what_is_no_date_changes_nothing(date):
    """Whoever sent it."""
    clock = SystemClock(lambda: TRUE_MS)
    clock.hear(date, 0.1)
    assert clock.now_ms() == TRUE_MS
