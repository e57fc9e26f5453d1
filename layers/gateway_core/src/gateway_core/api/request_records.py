"""The record of one request, or those of its batch: where its id leads, a bounded number of records a call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from gateway_core.api.records import is_of_request
from gateway_core.domain.errors import InvalidRequest, UnknownRequest
from gateway_core.domain.request_ids import made_ms
from gateway_core.domain.times import LATEST_MS
from gateway_core.ports import Books
from gateway_core.store.following import Search, searches_of
from gateway_core.store.records import HourRecords, UsageRecord

TRIP = 1000
MOST_TRIPS = 5
"""Of one call. A busy project writes thousands of records a minute, and an id may be made up."""
_NOWHERE = (
    "No record is where this id leads: the request is under way, of another project or user, older than 30"
    " days, or from before ids told the time. /v1/usage/records with request_id and date looks through a day."
)


@dataclass(frozen=True, slots=True)
class Found:
    """What one call found, at how many records it looked and until when. `cursor` looks on, empty at the end."""

    records: Sequence[UsageRecord] = ()
    looked_at: int = 0
    looked_up_to_ms: int | None = None
    cursor: str = ""


@dataclass(slots=True)
class _Look:
    """How far a call has come. `number` is that of the search which goes on behind `behind`."""

    request_id: str
    number: int
    behind: str
    trips: int
    looked_at: int = 0
    up_to_ms: int | None = None
    records: list[UsageRecord] = field(default_factory=list)

    def add(self, hour: HourRecords) -> None:
        self.trips -= 1
        self.behind = hour.place.behind
        self.looked_at += len(hour.records) + hour.unreadable
        self.records += [record for record in hour.records if is_of_request(record, self.request_id)]
        if hour.records:
            self.up_to_ms = hour.records[-1].at_ms

    @property
    def is_found(self) -> bool:
        """The request's own record is the only one; questions of a batch may go on."""
        return any(record.request_id == self.request_id for record in self.records)


async def records_of(
    books: Books, project_id: str, request_id: str, user_id: str, *, cursor: str, now_ms: int
) -> Found:
    """The request's record, or those of its questions, of a user if one is named.

    Raises UnknownRequest where the id leads to none, and InvalidRequest for a cursor that is of no such search.
    """
    named_ms = made_ms(request_id)
    searches = () if named_ms is None else searches_of(named_ms, now_ms)
    look = _begun(request_id, cursor, len(searches))
    while not (is_over := _is_over(look, searches)) and look.trips:
        await _go_on(books, project_id, searches[look.number], look)
    own = [record for record in look.records if user_id in ("", record.user_id)]
    if is_over and not own and not cursor:
        raise UnknownRequest(_NOWHERE, param="request_id")
    return Found(own, look.looked_at, look.up_to_ms, "" if is_over else f"{look.number}.{look.behind}")


def _is_over(look: _Look, searches: Sequence[Search]) -> bool:
    """The last search is for what the others have nothing of: it would find theirs again."""
    left = len(searches) - look.number
    return look.is_found or left <= (1 if look.records else 0)


async def _go_on(books: Books, project_id: str, search: Search, look: _Look) -> None:
    place = replace(search.place, behind=look.behind or search.place.behind)
    (hour,) = await books.hour_records(project_id, [place], limit=TRIP)
    look.add(hour)
    if not hour.has_more or _written_ms(look.behind) > search.until_ms:
        look.number, look.behind = look.number + 1, ""


def _begun(request_id: str, cursor: str, searches: int) -> _Look:
    number, _, behind = cursor.partition(".")
    if cursor and (int(number) >= searches or _written_ms(behind) > LATEST_MS):
        raise InvalidRequest("cursor: is of no search for this id.", param="cursor", schema=True)
    return _Look(request_id, int(number or 0), behind, MOST_TRIPS)


def _written_ms(behind: str) -> int:
    """When the record was written that a place is behind."""
    return int(behind.partition("-")[0] or 0)
