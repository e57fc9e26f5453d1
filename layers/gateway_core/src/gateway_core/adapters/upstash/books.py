"""Records and counters in Upstash."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import batched

from gateway_core.adapters.upstash import layout
from gateway_core.adapters.upstash.client import Reply
from gateway_core.adapters.upstash.pages import FIRST, Turns
from gateway_core.adapters.upstash.part import Part
from gateway_core.adapters.upstash.reading import named, pairs, read, rows, scanned, text, texts, values
from gateway_core.domain.errors import StoreUnreadable
from gateway_core.store.counters import Counters, all_field
from gateway_core.store.earlier_counters import HOURS, EarlierFields
from gateway_core.store.records import HourPlace, HourRecords, RecordPage, UsageRecord

_PAGE_FIELDS = 1000
"""So many fields are read in one trip: a small part of the store's deadline, also on a slow processor."""
_PAGE_INDEXES = 8
"""Each may be as long as a page of counters."""
_PAGE_KEYS = 32
_PAGE_SCANS = 4
_SCAN_COUNT = 1000
_EARLIER = re.compile(r"\d+-\d+")

type _Command = list[str | int]


@dataclass(frozen=True, slots=True)
class _Want:
    """Fields to read of one key."""

    key: str
    name: str
    fields: tuple[str, ...]

    @property
    def command(self) -> _Command:
        return ["HMGET", self.key, *self.fields]


class UpstashBooks(Part):
    """Implements the port `Books`."""

    async def names(self, project_id: str, indexes: Mapping[str, Sequence[str]]) -> dict[str, dict[str, list[str]]]:
        found: dict[str, dict[str, list[str]]] = {month: {} for month in indexes}
        for month, field, listed in await self._fields(project_id, indexes, _PAGE_INDEXES):
            found[month][field] = listed.split(",")
        return found

    async def counted(self, project_id: str, wanted: Mapping[str, Sequence[str]]) -> dict[str, dict[str, Counters]]:
        found: dict[str, dict[str, Counters]] = {month: {} for month in wanted}
        for month, field, counted in await self._fields(project_id, wanted, _PAGE_FIELDS):
            found[month][field] = _counters(layout.budget_key(project_id, month), field, counted)
        return found

    async def earlier_counters(
        self, project_id: str, days: Sequence[str], wanted: EarlierFields
    ) -> list[dict[str, Counters]]:
        keys = [layout.counters_key(project_id, day) for day in days]
        found: dict[str, dict[str, Counters]] = {key: {} for key in keys}
        wants = [_Want(key, key, wanted.fields) for key in keys]
        for key, field, counted in await self._read(wants, _PAGE_FIELDS):
            found[key][field] = _counters(key, field, counted)
        if wanted.prefix:
            # Each day that was counted has a total, or whatever a filter selects.
            for key, fields in await self._scan([key for key in keys if found[key]], wanted.prefix):
                found[key] |= {name: _counters(key, name, counted) for name, counted in fields.items()}
        return [found[key] for key in keys]

    async def usage_records(self, project_id: str, *, day: str, after: str = "", limit: int = 100) -> RecordPage:
        records: list[UsageRecord] = []
        seen, (hour, behind) = 0, _place(after)
        for part in await self._parts(project_id, day, hour):
            start = f"({behind}" if behind and part == hour else "-"
            key, room = layout.records_key(project_id, day, part), limit - seen
            asked = self._client.execute("XRANGE", key, start, "+", "COUNT", room)
            entries = await read(key, asked, partial(_entries, most=room))
            records += (record for _, fields in entries if (record := _record(fields)))
            seen += len(entries)
            if len(entries) == room:
                last = entries[-1][0]
                return RecordPage(tuple(records), f"{part}-{last}" if part else last, seen - len(records))
        return RecordPage(tuple(records), unreadable=seen - len(records))

    async def hour_records(
        self, project_id: str, places: Sequence[HourPlace], *, limit: int, newest: bool = False
    ) -> list[HourRecords]:
        keys = [layout.records_key(project_id, place.day, place.hour) for place in places]
        asked = self._client.pipeline(
            [
                _newest(key, limit) if newest else _behind(key, place, limit)
                for key, place in zip(keys, places, strict=True)
            ]
        )
        replies = await read(f"records of project {project_id}", asked, partial(_replies, count=len(keys)))
        found: list[HourRecords] = []
        for key, place, reply in zip(keys, places, replies, strict=True):
            with named(key):
                entries = _entries(reply, limit)
            found.append(_hour_records(place, entries[::-1] if newest else entries, limit))
        return found

    async def projects(self) -> list[str]:
        return sorted(await read(layout.PROJECTS, self._client.execute("SMEMBERS", layout.PROJECTS), texts))

    async def _parts(self, project_id: str, day: str, first: str) -> list[str]:
        """The hours of a day that have records, from the first on; an empty one is the day as it was before."""
        key = layout.budget_key(project_id, day[:6])
        asked = self._client.execute("HMGET", key, *(all_field(day[6:], hour) for hour in HOURS))
        counted = await read(key, asked, lambda reply: values(reply, len(HOURS)))
        return [
            part
            for part in ("", *(hour for hour, sums in zip(HOURS, counted, strict=True) if sums is not None))
            if part >= first
        ]

    async def _fields(
        self, project_id: str, wanted: Mapping[str, Sequence[str]], size: int
    ) -> list[tuple[str, str, str]]:
        """Month, field and value of what there is of the fields wanted of each month's hash."""
        return await self._read(
            [
                _Want(layout.budget_key(project_id, month), month, page)
                for month, fields in wanted.items()
                for page in batched(dict.fromkeys(fields), size)
            ],
            size,
        )

    async def _read(self, wants: Sequence[_Want], size: int) -> list[tuple[str, str, str]]:
        """Name, field and value of what there is, `size` fields a trip."""
        found: list[tuple[str, str, str]] = []
        for page in _pages(wants, size):
            asked = self._client.pipeline([want.command for want in page])
            replies = await read(page[0].key, asked, partial(_replies, count=len(page)))
            for want, reply in zip(page, replies, strict=True):
                with named(want.key):
                    stored = zip(want.fields, values(reply, len(want.fields)), strict=True)
                found += ((want.name, field, value) for field, value in stored if value is not None)
        return found

    async def _scan(self, keys: Sequence[str], prefix: str) -> list[tuple[str, dict[str, str]]]:
        """Pieces of hashes: the fields that begin with the prefix, which has no character of a pattern."""
        found: list[tuple[str, dict[str, str]]] = []
        left = [(key, FIRST) for key in keys]
        turns = {key: Turns(key) for key in keys}
        while left:
            page, left = left[:_PAGE_SCANS], left[_PAGE_SCANS:]
            commands: list[_Command] = [
                ["HSCAN", key, cursor, "MATCH", f"{prefix}*", "COUNT", _SCAN_COUNT] for key, cursor in page
            ]
            asked = self._client.pipeline(commands)
            replies = await read(page[0][0], asked, partial(_replies, count=len(page)))
            for (key, _), reply in zip(page, replies, strict=True):
                with named(key):
                    cursor, fields = scanned(reply)
                found.append((key, fields))
                if cursor != FIRST:
                    left.append((key, turns[key].next(cursor)))
        return found


def _replies(reply: Reply, count: int) -> list[Reply]:
    """One for each command."""
    found = rows(reply)
    if len(found) != count:
        raise ValueError
    return found


def _counters(key: str, field: str, counted: str) -> Counters:
    with named(f"{field} of {key}"):
        return layout.parse_counters(counted)


def _pages(wants: Sequence[_Want], size: int) -> Iterator[list[_Want]]:
    """What is read in one trip: some keys, and some fields of all together."""
    page: list[_Want] = []
    for want in wants:
        fields = sum(len(other.fields) for other in page) + len(want.fields)
        if page and (fields > size or len(page) == _PAGE_KEYS):
            yield page
            page = []
        page.append(want)
    if page:
        yield page


def _place(cursor: str) -> tuple[str, str]:
    """The part and the record in it that a cursor stands behind."""
    if _EARLIER.fullmatch(cursor):
        return "", cursor
    part, _, record = cursor.partition("-")
    return part, record


def _entries(reply: Reply, most: int) -> list[tuple[str, Reply]]:
    """A stream's entries: the id of each, and the flat list of its fields."""
    found = [(text(entry_id), fields) for entry_id, fields in map(rows, rows(reply))]
    if len(found) > most:
        raise ValueError
    return found


def _behind(key: str, place: HourPlace, limit: int) -> _Command:
    exclusive = "(" if "-" in place.behind else ""
    return ["XRANGE", key, f"{exclusive}{place.behind}" if place.behind else "-", "+", "COUNT", limit]


def _newest(key: str, limit: int) -> _Command:
    return ["XREVRANGE", key, "+", "-", "COUNT", limit]


def _hour_records(place: HourPlace, entries: Sequence[tuple[str, Reply]], limit: int) -> HourRecords:
    records = tuple(record for _, fields in entries if (record := _record(fields)))
    last = replace(place, behind=entries[-1][0]) if entries else place
    return HourRecords(last, records, len(entries) == limit, len(entries) - len(records))


def _record(fields: Reply) -> UsageRecord | None:
    """The record in an entry, None for what is none: one does not hide the others."""
    try:
        with named("a record"):
            return layout.parse_record(pairs(fields)["d"])
    except StoreUnreadable:
        return None
