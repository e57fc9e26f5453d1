"""When models go."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.domain.lifecycle import RETIREMENT_WARNING_DAYS, lifecycle, retirement_warning
from gateway_core.domain.times import utc_date
from tests.conftest import model

TODAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("days", "status"),
    [(None, "served"), (31, "served"), (30, "retiring"), (1, "retiring"), (0, "retired"), (-400, "retired")],
)
def test_status_follows_the_days_that_are_left(days, status):
    """Served until 30 days before, retired from the day itself."""
    day = None if days is None else TODAY + timedelta(days=days)
    assert lifecycle(model("m", retires_on=day), TODAY) == status


@pytest.mark.parametrize(
    ("days", "words"),
    [(30, "retires on 2026-12-20, in 30 days."), (1, "in 1 day."), (0, "is retired since 2026-11-20.")],
)
def test_a_warning_names_the_model_the_day_and_the_remedy(days, words):
    """In one text for people."""
    warning = retirement_warning(model("m", retires_on=TODAY + timedelta(days=days)), TODAY)
    assert warning is not None
    assert warning.startswith("m ")
    assert words in warning


@given(st.none() | st.integers(-1000, 1000))
def test_whatever_is_not_served_any_more_is_warned_of(days):
    """And nothing else."""
    gone = model("m", retires_on=None if days is None else TODAY + timedelta(days=days))
    assert (retirement_warning(gone, TODAY) is None) == (lifecycle(gone, TODAY) == "served")
    assert (lifecycle(gone, TODAY) == "served") == (days is None or days > RETIREMENT_WARNING_DAYS)


@given(st.integers(0, 4_000_000_000_000))
def test_days_are_utc(now_ms):
    """Whatever the machine's own time zone is."""
    assert utc_date(now_ms) == datetime.fromtimestamp(now_ms // 1000, UTC).date()
