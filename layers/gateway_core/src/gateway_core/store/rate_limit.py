"""Rate limits as pure functions: GCRA, the generic cell rate algorithm (ITU-T I.371) with a burst of one minute.

All state is one number, the theoretical arrival time (TAT) in microseconds since the epoch: the time at which the
bucket would be full again. A reservation moves it; a caller that does not fit at once learns exactly how long to wait,
and its slot is booked, so that waiting is fair without polling.

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


@dataclass(frozen=True, slots=True)
class Slot:
    """A reservation: the new TAT once it is booked, and how long to wait before using it."""

    tat_us: int
    wait_ms: int


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


def correct(tat_us: int, reserved: int, used: int, per_minute: int) -> int:
    """The TAT once a reservation of `reserved` units turned out to use `used`."""
    return tat_us + _time_us(used, per_minute) - _time_us(reserved, per_minute)


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
