"""Rate limits as pure functions: GCRA, the generic cell rate algorithm (ITU-T I.371) with a burst of one minute.

All state is one number, the theoretical arrival time (TAT) in microseconds since the epoch: the time at which the
bucket would be full again. A reservation moves it; a caller that does not fit at once learns exactly how long to wait,
and its slot is booked, so that waiting is fair without polling.
A correction by what was really used may put the bucket in debt, for as long as it takes to pay that back.

Limits of our own (a provider's `rpm` and `tpm`, a key's) are such buckets. The rate limits that a provider reports in
its answers are kept as `ProviderLimits`, one for each deployment: a report sets the TAT, and what was admitted since is
added, so that the fleet never has more under way than the provider allows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway_core.domain.rates import UNREPORTED, RateView, ReportedLimit

REPORT_LIFE_MS = 300_000
"""How long a report counts if no newer one comes."""
MOST_PACED = 100_000_000
"""Limits above this are not counted against: their arithmetic would leave a script's exact integers."""
MINUTE_US = 60_000_000
LONGEST_WAIT_MS = 290_000
"""No configuration lets a request wait for its turn for longer (`limits.queue_timeout_s`)."""
LATEST_US = MINUTE_US + LONGEST_WAIT_MS * 1000
"""How far ahead of now a TAT can be, but for what is owed: a minute's worth behind the one that waits the longest."""
SKEW_MS = 120_000
"""Clocks that differ by more than this are wrong: what the one says of its time is nothing to the other."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A reservation: the new TAT once it is booked, and how long to wait before using it."""

    tat_us: int
    wait_ms: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """The TAT of a bucket. `debt_us` is how much of it is owed: used, without having been reserved."""

    tat_us: int = 0
    debt_us: int = 0


FULL = Arrival()
"""Of a bucket that nobody used yet."""


@dataclass(frozen=True, slots=True)
class LimitCounter:
    """One limit of a deployment: what was `reported` at `seen_ms`, and our own count since.

    `count` is how many units were admitted in all. Of all answered attempts, the report of the one that was admitted
    last counts; `sequence` is the value of `count` when it was admitted.
    """

    reported: ReportedLimit = UNREPORTED
    seen_ms: int = 0
    sequence: int = 0
    count: int = 0
    tat_us: int = 0


@dataclass(frozen=True, slots=True)
class ProviderLimits:
    """Rate limits of a deployment as its provider reports them. Nobody calls it before `until_ms`, which only grows."""

    until_ms: int = 0
    requests: LimitCounter = LimitCounter()
    tokens: LimitCounter = LimitCounter()


@dataclass(frozen=True, slots=True)
class Placement:
    """One more request placed within the limits: their state with it, and its wait for the reset and for each limit."""

    limits: ProviderLimits
    reset_wait_ms: int
    requests_wait_ms: int
    tokens_wait_ms: int


@dataclass(frozen=True, slots=True)
class AdmissionSequence:
    """The counts at an attempt's admission, itself included, which put reports in order; zeros before the first one."""

    requests: int = 0
    tokens: int = 0


NO_SEQUENCE = AdmissionSequence()


def reserve(tat_us: int, units: int, per_minute: int, now_ms: int) -> Slot:
    """Reserve `units` of `per_minute`; more than a minute's worth counts as one minute's worth."""
    # A clock behind the last writer's must not refill the bucket: hence the max.
    moved = max(tat_us, now_ms * 1000) + _time_us(units, per_minute)
    return Slot(moved, max(0, -(-(moved - MINUTE_US) // 1000) - now_ms))


def believed(arrival: Arrival, now_ms: int) -> Arrival:
    """The arrival, unless only a wrong clock can have written it: then the bucket is empty, with nobody waiting.

    What is owed has no bound, and stays owed.
    """
    if arrival.tat_us <= now_ms * 1000 + LATEST_US + arrival.debt_us:
        return arrival
    return replace(arrival, tat_us=now_ms * 1000 + MINUTE_US + arrival.debt_us)


def booked(arrival: Arrival, slot: Slot, now_ms: int) -> Arrival:
    """The arrival once the slot is taken; what reservations alone explain is not owed any more."""
    owed_us = max(0, slot.tat_us - now_ms * 1000 - LATEST_US)
    return Arrival(slot.tat_us, min(arrival.debt_us, owed_us))


def correct(arrival: Arrival, reserved: int, used: int, per_minute: int) -> Arrival:
    """The arrival once a reservation of `reserved` units turned out to use `used`, however many these are."""
    change_us = _whole_time_us(used, per_minute) - _time_us(reserved, per_minute)
    return Arrival(arrival.tat_us + change_us, arrival.debt_us + max(0, change_us))


def believed_limits(limits: ProviderLimits, now_ms: int) -> ProviderLimits:
    """The limits, with what only a wrong clock can have written put right: its times count from now."""
    ahead_ms = max(limits.requests.seen_ms, limits.tokens.seen_ms) - now_ms
    until_ms = limits.until_ms - ahead_ms if ahead_ms > SKEW_MS else limits.until_ms
    opens_ms = max(now_ms, until_ms)
    return ProviderLimits(
        max(0, until_ms),
        _believed_counter(limits.requests, opens_ms, now_ms),
        _believed_counter(limits.tokens, opens_ms, now_ms),
    )


def place(limits: ProviderLimits, tokens: int, now_ms: int) -> Placement:
    """Count in a request that the provider will probably count as `tokens`."""
    opens_ms = max(now_ms, limits.until_ms)
    requests, requests_wait_ms = _take(limits.requests, 1, now_ms, opens_ms)
    of_tokens, tokens_wait_ms = _take(limits.tokens, tokens, now_ms, opens_ms)
    after = ProviderLimits(limits.until_ms, requests, of_tokens)
    return Placement(after, opens_ms - now_ms, requests_wait_ms, tokens_wait_ms)


def update_from_report(limits: ProviderLimits, view: RateView, sequence: AdmissionSequence | None) -> ProviderLimits:
    """The limits after a report in the answer to the attempt that was admitted at `sequence` (None: unknown).

    An answer overrules those of attempts admitted before its own, and none of attempts admitted after it. Of equals,
    the stricter counts.
    """
    return ProviderLimits(
        max(limits.until_ms, view.until_ms),
        _update(limits.requests, view.requests, view.seen_ms, sequence.requests if sequence else None),
        _update(limits.tokens, view.tokens, view.seen_ms, sequence.tokens if sequence else None),
    )


def _believed_counter(counter: LimitCounter, opens_ms: int, now_ms: int) -> LimitCounter:
    seen_ms = now_ms if counter.seen_ms > now_ms + SKEW_MS else counter.seen_ms
    # A report is a minute's worth at most, and what was admitted since as much again.
    is_possible = counter.tat_us <= opens_ms * 1000 + MINUTE_US + LATEST_US
    return replace(counter, seen_ms=seen_ms, tat_us=counter.tat_us if is_possible else opens_ms * 1000 + MINUTE_US)


def _take(counter: LimitCounter, units: int, now_ms: int, opens_ms: int) -> tuple[LimitCounter, int]:
    counted = replace(counter, count=counter.count + units)
    limit = _paced(counter.reported) if now_ms - counter.seen_ms <= REPORT_LIFE_MS else 0
    if not limit:
        return counted, 0
    slot = reserve(counter.tat_us, units, limit, opens_ms)
    return replace(counted, tat_us=slot.tat_us), slot.wait_ms + opens_ms - now_ms


def _update(counter: LimitCounter, reported: ReportedLimit, seen_ms: int, sequence: int | None) -> LimitCounter:
    if reported == UNREPORTED or (sequence is not None and sequence < counter.sequence):
        return counter
    tat_us = _whole_at_us(reported, seen_ms)
    # A sequence that the count has not reached is from before the store lost its memory.
    if sequence is not None and counter.sequence < sequence <= counter.count:
        limit = _paced(reported)
        since_us = _time_us(counter.count - sequence, limit) if limit else 0
        return LimitCounter(reported, seen_ms, sequence, counter.count, tat_us + since_us)
    stricter = replace(counter, tat_us=max(counter.tat_us, tat_us))
    return replace(stricter, reported=reported, seen_ms=seen_ms) if seen_ms >= counter.seen_ms else stricter


def _whole_at_us(reported: ReportedLimit, seen_ms: int) -> int:
    """When all of the limit is there again: its share of a minute from now, or the reset if that comes first."""
    limit, seen_us = _paced(reported), seen_ms * 1000
    if not limit or reported.remaining is None:
        return seen_us
    by_rate = seen_us + _time_us(max(0, limit - reported.remaining), limit)
    return by_rate if reported.reset_at_ms is None else max(seen_us, min(by_rate, reported.reset_at_ms * 1000))


def _paced(reported: ReportedLimit) -> int:
    """The limit to count against; 0 = none."""
    return reported.limit if reported.limit and reported.limit <= MOST_PACED else 0


def _time_us(units: int, per_minute: int) -> int:
    return -(-min(units, per_minute) * MINUTE_US // per_minute)


def _whole_time_us(units: int, per_minute: int) -> int:
    """As `_time_us` for more than a minute's worth; a script's integers end with what it stops at."""
    return -(-min(units, max(per_minute, MOST_PACED)) * MINUTE_US // per_minute)
