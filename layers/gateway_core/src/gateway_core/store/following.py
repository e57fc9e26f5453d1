"""Which hours may have records that were not there before, and how far each was read. Pure.

A record is kept in the hour in which its request was admitted, and written when that ends: for a quarter of an hour at
most the hour before is still being written to. What an operator or a replay adds to older hours is not followed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gateway_core.domain.errors import InvalidRequest
from gateway_core.domain.times import LATEST_MS, day_key, hour_key, utc_date
from gateway_core.store.records import HourPlace, HourRecords

HOUR_MS = 3_600_000
_TICK_MS = 2000
"""So far apart are clocks that are set by a network."""
_EPOCH = datetime.fromtimestamp(0, UTC)
MOST_HOURS = 26
"""A day, the hour before it, and the one that has begun."""
_FORM = "is 'latest', a time (RFC 3339), or the 'after' of an earlier answer"
_PART = re.compile(r"(\d{8})([01]\d|2[0-3])(\d{1,15}(?:-\d{1,10})?)?", re.ASCII)


def latest_places(now_ms: int) -> tuple[HourPlace, ...]:
    """The two hours that are being written to."""
    return _hours(now_ms - HOUR_MS, now_ms)


def places_after(after: str, now_ms: int) -> tuple[HourPlace, ...]:
    """The places of a cursor, or those of a moment (RFC 3339). Raises InvalidRequest (422)."""
    at_ms = _moment_ms(after)
    if at_ms is None:
        return _cursor(after, now_ms)
    places = _hours(at_ms - HOUR_MS, now_ms)
    if len(places) > MOST_HOURS:
        raise _too_old()
    return tuple(HourPlace(place.day, place.hour, str(at_ms)) for place in places)


@dataclass(frozen=True, slots=True)
class Search:
    """A place at which a request's record may be, and the moment of writing from which on it is not there."""

    place: HourPlace
    until_ms: int


def searches_of(made_ms: int, now_ms: int) -> tuple[Search, ...]:
    """Where the record of a request is that was named then, the likely places first.

    It may have waited into the next hour. `now_ms` bounds what a name may say; empty where it cannot be true.
    """
    if not 0 <= made_ms <= now_ms + HOUR_MS:
        return ()
    first, *others = _hours(made_ms, made_ms + HOUR_MS)
    # Who waited for an hour, as questions of a batch may, answers a quarter of an hour later at most.
    until_ms = made_ms + HOUR_MS + HOUR_MS // 4
    likely = [HourPlace(first.day, first.hour, str(max(0, made_ms - _TICK_MS))), *others]
    # Clocks differ: the store, which numbers what is written, may be far behind.
    early = HourPlace(first.day, first.hour, str(max(0, made_ms - HOUR_MS // 12)))
    return (*(Search(place, until_ms) for place in likely), Search(early, made_ms - _TICK_MS))


def cursor_behind(found: Sequence[HourRecords], now_ms: int) -> str:
    """Goes on behind what was found. Hours that nobody writes to any more are left out once they are read."""
    open_hours = {(place.day, place.hour) for place in latest_places(now_ms)}
    kept = [one.place for one in found if one.has_more or (one.place.day, one.place.hour) in open_hours]
    return ".".join(f"{place.day}{place.hour}{place.behind}" for place in kept)


def _cursor(text: str, now_ms: int) -> tuple[HourPlace, ...]:
    found = [_PART.fullmatch(part) for part in text.split(".")]
    places = {(match[1], match[2]): HourPlace(match[1], match[2], match[3] or "") for match in found if match}
    if len(places) != len(found) or len(places) > MOST_HOURS:
        raise _refused(_FORM)
    begun = [place for place in _hours(_ms_of(*max(places)), now_ms) if (place.day, place.hour) not in places]
    if len(begun) >= MOST_HOURS:
        raise _too_old()
    return (*places.values(), *(place for place in begun if (place.day, place.hour) > max(places)))


def _hours(from_ms: int, to_ms: int) -> tuple[HourPlace, ...]:
    """Every hour from the one of a moment to that of another, but no more than are too many."""
    first, last = max(0, from_ms) // HOUR_MS, to_ms // HOUR_MS
    moments = (hour * HOUR_MS for hour in range(min(first, last), min(last, first + MOST_HOURS) + 1))
    return tuple(HourPlace(day_key(utc_date(at_ms)), hour_key(at_ms)) for at_ms in moments)


def _moment_ms(text: str) -> int | None:
    """None for what has not the form of a moment with its offset from UTC."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    if "T" not in text or at.tzinfo is None:
        return None
    at_ms = round((at - _EPOCH) / timedelta(milliseconds=1))
    return at_ms if 0 <= at_ms <= LATEST_MS else None


def _ms_of(day: str, hour: str) -> int:
    """When an hour began. Raises InvalidRequest for a day that there is not."""
    try:
        return round(datetime.strptime(day + hour, "%Y%m%d%H").replace(tzinfo=UTC).timestamp() * 1000)
    except ValueError:
        raise _refused(_FORM) from None


def _too_old() -> InvalidRequest:
    return _refused("goes back a day at most; read earlier records by 'date'")


def _refused(why: str) -> InvalidRequest:
    return InvalidRequest(f"after: {why}.", param="after", schema=True)
