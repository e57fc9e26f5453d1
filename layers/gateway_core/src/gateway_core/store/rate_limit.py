"""Rate limits as pure functions: GCRA, the generic cell rate algorithm (ITU-T I.371) with a burst of one minute.

All state is one number, the theoretical arrival time (TAT) in microseconds since the epoch: the time at which the
bucket would be full again. A reservation moves it; a caller that does not fit at once learns exactly how long to wait,
and its slot is booked, so that waiting is fair without polling.

Limits of our own (a provider's `rpm` and `tpm`, a key's) are such buckets. What a provider says of its limits makes a
`Room` of each deployment: its word sets the TAT, and what was admitted since is added, so that the fleet never has
more under way than the provider has room for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway_core.domain.rates import UNTOLD, Quota, RateView

WORD_LIFE_MS = 300_000
"""How long what a provider said holds while it says nothing new."""
MOST_PACED = 100_000_000
"""Limits above this are not counted against: their arithmetic would leave a script's exact integers."""
_MINUTE_US = 60_000_000


@dataclass(frozen=True, slots=True)
class Slot:
    """A reservation: the new TAT once it is booked, and how long to wait before using it."""

    tat_us: int
    wait_ms: int


@dataclass(frozen=True, slots=True)
class Gauge:
    """One limit of a deployment: its `quota` as told at `seen_ms`, and our reckoning since.

    `count` is how many units were admitted in all. What counts is the word of the attempt that was admitted last among
    those that were answered; `mark` is the count when it was admitted.
    """

    quota: Quota = UNTOLD
    seen_ms: int = 0
    mark: int = 0
    count: int = 0
    tat_us: int = 0


@dataclass(frozen=True, slots=True)
class Room:
    """What a deployment has room for. Nobody calls it before `until_ms`, which only ever moves later."""

    until_ms: int = 0
    requests: Gauge = Gauge()
    tokens: Gauge = Gauge()


@dataclass(frozen=True, slots=True)
class Entry:
    """One more request in a room: the room after it, and how long it must wait for the reset and for each limit."""

    room: Room
    reset_wait_ms: int
    requests_wait_ms: int
    tokens_wait_ms: int


@dataclass(frozen=True, slots=True)
class Marks:
    """The counts of a room when an attempt was admitted to it, itself included; zeros while nothing was said."""

    requests: int = 0
    tokens: int = 0


UNPLACED = Marks()


def reserve(tat_us: int, units: int, per_minute: int, now_ms: int) -> Slot:
    """Reserve `units` of `per_minute`; more than a minute's worth counts as one minute's worth."""
    # A clock behind the last writer's must not refill the bucket: hence the max.
    moved = max(tat_us, now_ms * 1000) + _time_us(units, per_minute)
    return Slot(moved, max(0, -(-(moved - _MINUTE_US) // 1000) - now_ms))


def correct(tat_us: int, reserved: int, used: int, per_minute: int) -> int:
    """The TAT once a reservation of `reserved` units turned out to use `used`."""
    return tat_us + _time_us(used, per_minute) - _time_us(reserved, per_minute)


def enter(room: Room, tokens: int, now_ms: int) -> Entry:
    """Let a request in that the provider will take for `tokens`."""
    opens_ms = max(now_ms, room.until_ms)
    requests, requests_wait_ms = _take(room.requests, 1, now_ms, opens_ms)
    of_tokens, tokens_wait_ms = _take(room.tokens, tokens, now_ms, opens_ms)
    after = Room(room.until_ms, requests, of_tokens)
    return Entry(after, opens_ms - now_ms, requests_wait_ms, tokens_wait_ms)


def hear(room: Room, view: RateView, marks: Marks | None) -> Room:
    """The room after a provider's answer to the attempt that was admitted with `marks` (None: unknown).

    An answer overrules those of attempts admitted before its own, and none of attempts admitted after it. Of equals,
    the stricter counts.
    """
    return Room(
        max(room.until_ms, view.until_ms),
        _hear(room.requests, view.requests, view.seen_ms, marks.requests if marks else None),
        _hear(room.tokens, view.tokens, view.seen_ms, marks.tokens if marks else None),
    )


def _take(gauge: Gauge, units: int, now_ms: int, opens_ms: int) -> tuple[Gauge, int]:
    counted = replace(gauge, count=gauge.count + units)
    limit = _paced(gauge.quota) if now_ms - gauge.seen_ms <= WORD_LIFE_MS else 0
    if not limit:
        return counted, 0
    slot = reserve(gauge.tat_us, units, limit, opens_ms)
    return replace(counted, tat_us=slot.tat_us), slot.wait_ms + opens_ms - now_ms


def _hear(gauge: Gauge, quota: Quota, seen_ms: int, mark: int | None) -> Gauge:
    if quota == UNTOLD or (mark is not None and mark < gauge.mark):
        return gauge
    tat_us = _whole_at_us(quota, seen_ms)
    # A mark that the count has not reached is from before the store lost its memory.
    if mark is not None and gauge.mark < mark <= gauge.count:
        limit = _paced(quota)
        since_us = _time_us(gauge.count - mark, limit) if limit else 0
        return Gauge(quota, seen_ms, mark, gauge.count, tat_us + since_us)
    stricter = replace(gauge, tat_us=max(gauge.tat_us, tat_us))
    return replace(stricter, quota=quota, seen_ms=seen_ms) if seen_ms >= gauge.seen_ms else stricter


def _whole_at_us(quota: Quota, seen_ms: int) -> int:
    """When all of the limit is there again: its share of a minute from now, or the reset if that comes first."""
    limit, seen_us = _paced(quota), seen_ms * 1000
    if not limit or quota.remaining is None:
        return seen_us
    by_rate = seen_us + _time_us(max(0, limit - quota.remaining), limit)
    return by_rate if quota.reset_at_ms is None else max(seen_us, min(by_rate, quota.reset_at_ms * 1000))


def _paced(quota: Quota) -> int:
    """The limit to count against; 0 = none."""
    return quota.limit if quota.limit and quota.limit <= MOST_PACED else 0


def _time_us(units: int, per_minute: int) -> int:
    return -(-min(units, per_minute) * _MINUTE_US // per_minute)
