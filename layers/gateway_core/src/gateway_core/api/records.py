"""Single usage records: which of a page are asked for, those that are new, and the one of a request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from gateway_core.api.body import Party, Strict
from gateway_core.domain.times import iso
from gateway_core.ports import Books
from gateway_core.store.following import cursor_behind, latest_places, places_after
from gateway_core.store.records import RecordPage, UsageRecord

LATEST = "latest"
ANY_ERROR = "any"

type Wanted = Annotated[str, Field(min_length=1, max_length=160)]


class RecordFilter(Strict):
    """Which records of those that were looked at: all that match every field given."""

    agent_id: Party | None = None
    user_id: Party | None = None
    key_id: Wanted | None = None
    session_id: Wanted | None = None
    model: Wanted | None = None
    request_id: Wanted | None = None
    error: Wanted | None = None

    def has(self, record: UsageRecord) -> bool:
        """`error` is a code, or `any` of them; a request's id stands for the questions of a batch, too."""
        asked = (self.agent_id, self.user_id, self.key_id, self.session_id, self.model)
        told = (record.agent_id, record.user_id, record.key_id, record.session_id, record.model)
        return (
            all(wanted in (None, found) for wanted, found in zip(asked, told, strict=True))
            and (self.request_id is None or is_of_request(record, self.request_id))
            and (
                self.error is None or record.error_code == self.error or (self.error == ANY_ERROR and is_error(record))
            )
        )


def is_error(record: UsageRecord) -> bool:
    return bool(record.error_code)


def is_of_request(record: UsageRecord, request_id: str) -> bool:
    """Whether it is the request's own record, or that of a question of its batch."""
    return record.request_id == request_id or record.request_id.startswith(f"{request_id}-")


def looked(page: RecordPage) -> dict[str, Any]:
    """How far a page has looked: at how many records, and when the last of them was written."""
    return {
        "looked_at": len(page.records) + page.unreadable,
        "looked_up_to": iso(page.records[-1].at_ms) if page.records else None,
    }


@dataclass(frozen=True, slots=True)
class NewRecords:
    """Records oldest first, and the cursor that goes on behind them. `more` of them may be there already.

    `unreadable` is how many more there were that cannot be read.
    """

    records: Sequence[UsageRecord]
    after: str
    more: bool
    unreadable: int


async def records_since(books: Books, project_id: str, after: str, *, now_ms: int, limit: int) -> NewRecords:
    """What was written behind a cursor or since a moment, `limit` for each hour, or the latest `limit` of all.

    Raises InvalidRequest (422) for what is none of these.
    """
    is_latest = after == LATEST
    places = latest_places(now_ms) if is_latest else places_after(after, now_ms)
    found = await books.hour_records(project_id, places, limit=limit, newest=is_latest)
    records = sorted((record for hour in found for record in hour.records), key=lambda record: record.at_ms)
    more = not is_latest and any(hour.has_more for hour in found)
    shown = records[-limit:] if is_latest else records
    return NewRecords(shown, cursor_behind(found, now_ms), more, sum(hour.unreadable for hour in found))
