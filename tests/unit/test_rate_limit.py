"""The rate limit's model: never more than a minute's worth, and waits that are exact."""

from hypothesis import given
from hypothesis import strategies as st

from gateway_core.domain.rates import RateView, ReportedLimit
from gateway_core.store.rate_limit import (
    LONGEST_WAIT_MS,
    MINUTE_US,
    AdmissionSequence,
    Arrival,
    LimitCounter,
    ProviderLimits,
    Slot,
    believed,
    believed_limits,
    booked,
    correct,
    place,
    reserve,
    update_from_report,
)

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
    """Whether the bound was too high or too low; a minute's worth bounds what is reserved, not what was used."""
    before = Arrival(reserve(NOW * 1000, reserved, rate, NOW).tat_us)
    after = correct(before, reserved, used, rate)
    assert after.tat_us == NOW * 1000 + -(-used * MINUTE_US // rate)
    assert after.debt_us == max(0, after.tat_us - before.tat_us)


@given(rates, st.lists(st.tuples(st.integers(0, 9000), st.integers(0, 20_000)), min_size=1, max_size=12))
def test_what_was_used_is_paid_back_before_anything_starts(rate, uses):
    """However large the answers, over the whole time no more starts than the rate and one answer allow."""
    arrival, now = Arrival(), NOW
    for used, pause_ms in uses:
        slot = reserve(believed(arrival, now).tat_us, 1, rate, now)
        now += slot.wait_ms
        arrival = believed(arrival, now)
        slot = reserve(arrival.tat_us, 1, rate, now)
        assert slot.wait_ms == 0
        assert arrival.tat_us <= (now + 60_000) * 1000
        arrival = correct(booked(arrival, slot, now), 1, used, rate)
        now += pause_ms
    total = sum(used for used, _ in uses)
    assert (arrival.tat_us - NOW * 1000) * rate >= total * MINUTE_US


@given(rates, st.integers(0, 9000), st.integers(0, 100_000), st.integers(0, 400_000))
def test_an_honest_arrival_is_believed(rate, used, waited_ms, passed_ms):
    """A queue of waiting requests and a debt are no sign of a wrong clock, now or later."""
    slot = reserve((NOW + waited_ms) * 1000, 1, rate, NOW)
    arrival = correct(booked(Arrival(), slot, NOW), 1, used, rate)
    assert believed(arrival, NOW + passed_ms) == arrival
    again = reserve(arrival.tat_us, 1, rate, NOW + passed_ms)
    if again.wait_ms <= LONGEST_WAIT_MS:
        later = booked(arrival, again, NOW + passed_ms)
        assert later.debt_us == 0
        assert believed(later, NOW + passed_ms) == later


@given(rates, st.integers(360_000, 10**9), st.integers(0, 9000))
def test_an_arrival_that_only_a_wrong_clock_writes_empties_the_bucket_and_no_more(rate, ahead_ms, used):
    """Whoever comes next waits for its own share of the minute, and for what is owed."""
    wrong = NOW + ahead_ms
    arrival = correct(booked(Arrival(), reserve(0, 1, rate, wrong), wrong), 1, used, rate)
    found = believed(arrival, NOW)
    assert found.debt_us == arrival.debt_us
    assert reserve(found.tat_us, 1, rate, NOW).wait_ms <= 1 + (found.debt_us + MINUTE_US // rate) // 1000 + 1


@given(st.integers(300_000, 10**9), st.integers(0, 60), st.integers(0, 5000), st.integers(0, 30))
def test_a_report_by_a_wrong_clock_counts_from_now(ahead_ms, remaining, closed_ms, taken):
    """A deployment is closed for as long as its provider said, and no longer."""
    wrong = NOW + ahead_ms
    view = RateView(wrong, ReportedLimit(60, remaining), until_ms=wrong + closed_ms)
    limits, _ = fill(update_from_report(ProviderLimits(), view, None), taken, wrong)
    found = believed_limits(limits, NOW)
    assert found.until_ms == NOW + closed_ms
    assert found.requests.seen_ms == NOW
    placement = place(found, 0, NOW)
    assert placement.reset_wait_ms == closed_ms
    assert placement.requests_wait_ms <= closed_ms + 370_000
    assert believed_limits(found, NOW) == found


def test_an_arrival_far_beyond_any_report_is_not_believed():
    """Whoever comes next waits for one share of a minute."""
    limits = ProviderLimits(requests=LimitCounter(ReportedLimit(60, 60), NOW, tat_us=(NOW + 3_600_000) * 1000))
    assert place(believed_limits(limits, NOW), 0, NOW).requests_wait_ms == 1000


def fill(limits, count, now=NOW, tokens=0):
    """The room after so many more requests, and how long each had to wait."""
    waits = []
    for _ in range(count):
        placement = place(limits, tokens, now)
        limits = placement.limits
        waits.append(max(placement.reset_wait_ms, placement.requests_wait_ms, placement.tokens_wait_ms))
    return limits, waits


@given(st.integers(1, 400), st.data())
def test_what_remains_may_start_at_once_and_not_one_more(limit, data):
    """Rounding costs a millisecond at most; the next one waits for its share of the minute."""
    remaining = data.draw(st.integers(0, limit))
    limits = update_from_report(ProviderLimits(), RateView(NOW, ReportedLimit(limit, remaining)), AdmissionSequence())
    _, waits = fill(limits, remaining + 1)
    assert all(wait <= 1 for wait in waits[:-1])
    assert 0 <= waits[-1] - 60_000 // limit <= 2


@given(st.integers(1, 400), st.integers(0, 30), st.integers(0, 30), st.data())
def test_what_was_admitted_since_is_not_there_any_more(limit, before, since, data):
    """An answer knows of the requests up to its own."""
    told = data.draw(st.integers(0, limit))
    limits, _ = fill(update_from_report(ProviderLimits(), RateView(NOW, ReportedLimit(limit, limit)), None), before + 1)
    sequence = AdmissionSequence(limits.requests.count, limits.tokens.count)
    limits, _ = fill(limits, since)
    left = max(0, told - since)
    _, waits = fill(update_from_report(limits, RateView(NOW, ReportedLimit(limit, told)), sequence), left + 1)
    assert all(wait <= 1 for wait in waits[:-1])
    assert waits[-1] > 1


words = st.builds(
    RateView,
    st.integers(NOW - 5000, NOW),
    st.builds(ReportedLimit, st.just(60), st.integers(0, 60), st.none() | st.integers(NOW - 5000, NOW + 60_000)),
    until_ms=st.sampled_from([0, NOW + 1, NOW + 5000]),
)


@given(words, words, st.integers(1, 20), st.integers(1, 20))
def test_the_order_in_which_answers_arrive_changes_nothing(one, other, first, second):
    """What the later request learned holds, and no limit is opened early."""
    limits, _ = fill(
        update_from_report(ProviderLimits(), RateView(NOW - 5000, ReportedLimit(60, 60)), None), 20, NOW - 5000
    )
    one_sequence, other_sequence = AdmissionSequence(first), AdmissionSequence(min(first + second, 20))
    if one_sequence == other_sequence:
        return
    forth = update_from_report(update_from_report(limits, one, one_sequence), other, other_sequence)
    back = update_from_report(update_from_report(limits, other, other_sequence), one, one_sequence)
    assert forth == back
    assert (forth.requests.reported, forth.until_ms) == (other.requests, max(one.until_ms, other.until_ms))


def test_a_reset_that_comes_first_makes_the_limit_whole():
    """A provider whose limit is not one a minute says so by its reset."""
    view = RateView(NOW, ReportedLimit(60, 0, NOW + 2000))
    assert fill(update_from_report(ProviderLimits(), view, None), 60, NOW + 2000)[1] == [0] * 60


def test_a_limit_beyond_exact_arithmetic_is_not_counted_against():
    """A billion tokens a minute limit nobody."""
    limits = update_from_report(ProviderLimits(), RateView(NOW, tokens=ReportedLimit(10**9, 5)), None)
    assert fill(limits, 20, tokens=100)[1] == [0] * 20
