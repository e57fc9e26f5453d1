"""The rate limit's model: never more than a minute's worth, and waits that are exact."""

from hypothesis import given
from hypothesis import strategies as st

from gateway_core.ratelimit import Slot, correct, reserve

rates = st.integers(1, 5000)
NOW = 1_795_176_000_000


def test_a_fresh_bucket_gives_a_minutes_worth_at_once():
    """Two a minute: two at once, then one every 30 s."""
    waits, tat = [], 0
    for _ in range(4):
        slot = reserve(tat, 1, 2, NOW)
        tat = slot.tat_us
        waits.append(slot.wait_ms)
    assert waits == [0, 0, 30_000, 60_000]


def test_more_than_a_minutes_worth_counts_as_one_minute():
    """A request larger than the limit passes when the bucket is full."""
    assert reserve(0, 5000, 100, NOW) == Slot((NOW + 60_000) * 1000, 0)


@given(rates, st.lists(st.tuples(st.integers(1, 300), st.integers(-2000, 30_000)), max_size=30))
def test_no_minute_sees_more_than_two_minutes_worth(rate, arrivals):
    """What starts within any minute is at most the burst and what a minute refills."""
    tat, now, starts = 0, NOW, []
    for units, step in arrivals:
        now += step
        slot = reserve(tat, units, rate, now)
        if slot.wait_ms == 0:
            tat = slot.tat_us
            starts.append((now, min(units, rate)))
    assert all(sum(n for at, n in starts if begin <= at < begin + 60_000) <= 2 * rate for begin, _ in starts)


@given(rates, st.integers(1, 400), st.integers(0, 100_000))
def test_a_wait_is_exact(rate, units, ahead_ms):
    """After it the same reservation is free at once; a millisecond earlier it is not."""
    tat = (NOW + ahead_ms) * 1000
    wait = reserve(tat, units, rate, NOW).wait_ms
    assert reserve(tat, units, rate, NOW + wait).wait_ms == 0
    assert wait == 0 or reserve(tat, units, rate, NOW + wait - 1).wait_ms == 1


@given(rates, st.integers(0, 400), st.integers(0, 400))
def test_a_correction_is_as_if_the_right_number_had_been_reserved(rate, reserved, used):
    """Whether the bound was too high or too low."""
    tat = NOW * 1000
    assert (
        correct(reserve(tat, reserved, rate, NOW).tat_us, reserved, used, rate) == reserve(tat, used, rate, NOW).tat_us
    )
