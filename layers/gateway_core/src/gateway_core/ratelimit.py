"""Rate limits as pure functions: GCRA, the generic cell rate algorithm (ITU-T I.371) with a burst of one minute.

All state is one number, the theoretical arrival time (TAT) in microseconds since the epoch: the time at which the
bucket would be full again. A reservation moves it; a caller that does not fit at once learns exactly how long to wait,
and its slot is booked, so that waiting is fair without polling.
"""

from __future__ import annotations

from dataclasses import dataclass

_MINUTE_US = 60_000_000


@dataclass(frozen=True, slots=True)
class Slot:
    """A reservation: the new TAT once it is booked, and how long to wait before using it."""

    tat_us: int
    wait_ms: int


def reserve(tat_us: int, units: int, per_minute: int, now_ms: int) -> Slot:
    """Reserve `units` of `per_minute`; more than a minute's worth counts as one minute's worth."""
    # A clock behind the last writer's must not refill the bucket: hence the max.
    moved = max(tat_us, now_ms * 1000) + _time_us(units, per_minute)
    return Slot(moved, max(0, -(-(moved - _MINUTE_US) // 1000) - now_ms))


def correct(tat_us: int, reserved: int, used: int, per_minute: int) -> int:
    """The TAT once a reservation of `reserved` units turned out to use `used`."""
    return tat_us + _time_us(used, per_minute) - _time_us(reserved, per_minute)


def _time_us(units: int, per_minute: int) -> int:
    return -(-min(units, per_minute) * _MINUTE_US // per_minute)
