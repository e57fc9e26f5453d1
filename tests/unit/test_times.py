"""The one form of a time on the wire, and of days in keys."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.domain.times import day_key, duration_s, hour_key, iso, moment_of, utc_date

NOON = 1_795_003_200_000
"""2026-11-18T12:00:00Z."""
moments = st.integers(0, 253_402_300_799_999)


@pytest.mark.parametrize(
    ("at_ms", "text"),
    [
        (NOON, "2026-11-18T12:00:00.000Z"),
        (NOON + 7, "2026-11-18T12:00:00.007Z"),
        (0, "1970-01-01T00:00:00.000Z"),
        (1_000_000_000_999, "2001-09-09T01:46:40.999Z"),
    ],
)
def test_a_moment_has_milliseconds_and_says_utc(at_ms, text):
    """Whole seconds have their zeros too: all times are equally long, and so they sort."""
    assert iso(at_ms) == text


@given(moments)
def test_no_millisecond_is_lost(at_ms):
    """What is read back is what was written."""
    read = datetime.fromisoformat(iso(at_ms))
    assert round((read - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000) == at_ms


@given(moments, moments)
def test_texts_sort_as_their_moments_do(one, other):
    """Clients may compare them as they are."""
    assert (iso(one) < iso(other)) == (one < other)


@given(moments)
def test_day_and_hour_are_parts_of_the_moment(at_ms):
    """All of them are told in the same time zone."""
    text = iso(at_ms)
    assert (utc_date(at_ms).isoformat(), hour_key(at_ms)) == (text[:10], text[11:13])


@given(moments)
def test_a_moment_is_read_as_it_was_written(at_ms):
    """Whole seconds may come without their zeros."""
    assert moment_of(iso(at_ms)) == at_ms
    assert moment_of(f"{iso(at_ms)[:19]}Z") == at_ms - at_ms % 1000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026-12-31", "RFC 3339"),
        ("2026-12-31T00:00:00+00:00", "RFC 3339"),
        ("2026-12-31T00:00:00", "RFC 3339"),
        (5, "RFC 3339"),
        ("2026-02-30T00:00:00Z", "no such day"),
        ("2026-02-03T00:61:00Z", "no such day"),
    ],
)
def test_what_is_no_moment_in_utc(text, said):
    """Another zone, a day that there is not."""
    with pytest.raises(ValueError, match=said):
        moment_of(text)


def test_a_day_in_a_key_begins_with_its_month():
    """Budgets are kept by month, counters by day."""
    assert day_key(date(2026, 1, 2)) == "20260102"


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("45s", 45), ("90m", 5400), ("6h", 21_600), ("3d", 259_200), ("0h", 0)]
)
def test_lengths_of_time(text, seconds):
    """A number with a unit, or of seconds."""
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "6.5h", "-1h", "6 h", "6hours", "1e3", "\u0663h", "9999999999"])
def test_what_is_no_length_of_time(text):
    """It says how to write one."""
    with pytest.raises(ValueError, match=r"^is no length of time: write it like 90m, 2h or 3d$"):
        duration_s(text)
