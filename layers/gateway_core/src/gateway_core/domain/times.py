"""Times on the wire and in keys of the store, all in UTC. `at_ms` is milliseconds since the epoch."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

LATEST_MS = 253_402_300_799_999
"""The last moment that has a date: the end of 9999-12-31."""
_RFC_3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,3})?Z")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_MOST_DIGITS = 9
_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_EPOCH = date(1970, 1, 1).toordinal()


def iso(at_ms: int) -> str:
    """The one form of a moment on the wire: RFC 3339 in UTC with milliseconds, `2026-11-20T12:00:00.123Z`."""
    return _moment(at_ms).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def moment_of(text: object) -> int:
    """The reverse, of RFC 3339 in UTC; milliseconds may be left out. Raises ValueError."""
    if not isinstance(text, str) or not _RFC_3339.fullmatch(text):
        raise ValueError("must be a moment in UTC as in RFC 3339, like 2026-12-31T00:00:00Z")
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("has no such day or hour") from None
    return (found - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1)


def utc_date(at_ms: int) -> date:
    """The day that the moment is in."""
    return date.fromordinal(_EPOCH + at_ms // _DAY_MS)


@lru_cache(maxsize=64)
def day_key(day: date) -> str:
    """A day as it stands in keys, `20261120`; its month is the first six characters."""
    return f"{day.year:04}{day.month:02}{day.day:02}"


def duration_s(text: str) -> int:
    """Seconds of a length of time: `90m`, `2h`, `3d`, or a number of seconds. Raises ValueError."""
    number, unit = (text[:-1], text[-1]) if text[-1:] in _UNITS else (text, "s")
    if not number.isascii() or not number.isdecimal() or len(number) > _MOST_DIGITS:
        raise ValueError("is no length of time: write it like 90m, 2h or 3d")
    return int(number) * _UNITS[unit]


def hour_key(at_ms: int) -> str:
    """The hour of the moment's day, `00` to `23`."""
    return f"{at_ms % _DAY_MS // _HOUR_MS:02}"


def _moment(at_ms: int) -> datetime:
    # Whole seconds and milliseconds apart: a float of both rounds the last millisecond away.
    return datetime.fromtimestamp(at_ms // 1000, UTC).replace(microsecond=at_ms % 1000 * 1000)
