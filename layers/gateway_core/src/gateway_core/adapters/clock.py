"""The clock of the machine. Tests have one that they move by hand, `tests/manual_clock.py`."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime

_HTTP_DATE = re.compile(r"[A-Z][a-z]{2}, (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HALF_A_SECOND_MS = 500
"""A date has whole seconds: on the average it is so much later by now."""
_BORNE_MS = 10_000
"""Clocks that differ by less share limits as they are."""
_JITTER_MS = 2000
_MOST_TRIP_S = 2.0
"""An answer that took longer may have waited in a process that was frozen: it says what the time was."""


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


class SystemClock:
    """Implements the port `Clock`: the machine's, put right where it is far from what the store says.

    Processes share limits, breakers and days by their clocks; one that is minutes ahead would keep a place from all.
    """

    def __init__(self, wall_ms: Callable[[], int] = _wall_ms) -> None:
        self._wall_ms = wall_ms
        self._ahead_ms = 0
        self._heard = ""

    def now_ms(self) -> int:
        return self._wall_ms() - self._ahead_ms

    def monotonic_s(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def hear(self, date: str, trip_s: float) -> None:
        """What the store says that the time is, by the header `date` of an answer that was so long on its way."""
        if date == self._heard or trip_s > _MOST_TRIP_S:
            return
        self._heard = date
        told_ms = _moment_ms(date)
        if told_ms is None:
            return
        ahead_ms = self._wall_ms() - told_ms - _HALF_A_SECOND_MS
        if abs(ahead_ms) <= _BORNE_MS:
            self._ahead_ms = 0
        elif abs(ahead_ms - self._ahead_ms) > _JITTER_MS:
            self._ahead_ms = ahead_ms


def _moment_ms(date: str) -> int | None:
    """Of the one form that servers send (RFC 9110, section 5.6.7); None for any other."""
    found = _HTTP_DATE.fullmatch(date)
    if found is None or found[2] not in _MONTHS:
        return None
    day, year, hour, minute, second = (int(found[place]) for place in (1, 3, 4, 5, 6))
    try:
        moment = datetime(year, _MONTHS.index(found[2]) + 1, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    return round(moment.timestamp()) * 1000
