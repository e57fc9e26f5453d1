"""Records and counters in Upstash."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched

from gateway_core.adapters.upstash import layout
from gateway_core.adapters.upstash.client import Reply
from gateway_core.adapters.upstash.part import Part
from gateway_core.store.counters import Counters, all_field
from gateway_core.store.earlier_counters import HOURS, EarlierFields
from gateway_core.store.records import RecordPage, UsageRecord

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
        for month, field, text in await self._fields(project_id, indexes, _PAGE_INDEXES):
            found[month][field] = text.split(",")
        return found

    async def counted(self, project_id: str, wanted: Mapping[str, Sequence[str]]) -> dict[str, dict[str, Counters]]:
        found: dict[str, dict[str, Counters]] = {month: {} for month in wanted}
        for month, field, text in await self._fields(project_id, wanted, _PAGE_FIELDS):
            found[month][field] = layout.parse_counters(text)
        return found

    async def earlier_counters(
        self, project_id: str, days: Sequence[str], wanted: EarlierFields
    ) -> list[dict[str, Counters]]:
        keys = [layout.counters_key(project_id, day) for day in days]
        found: dict[str, dict[str, Counters]] = {key: {} for key in keys}
        wants = [_Want(key, key, wanted.fields) for key in keys]
        for key, field, text in await self._read(wants, _PAGE_FIELDS):
            found[key][field] = layout.parse_counters(text)
        if wanted.prefix:
            # Each day that was counted has a total, or whatever a filter selects.
            for key, fields in await self._scan([key for key in keys if found[key]], wanted.prefix):
                found[key] |= {name: layout.parse_counters(text) for name, text in fields.items()}
        return [found[key] for key in keys]

    async def usage_records(self, project_id: str, *, day: str, after: str = "", limit: int = 100) -> RecordPage:
        records: list[UsageRecord] = []
        hour, behind = _place(after)
        for part in await self._parts(project_id, day, hour):
            start = f"({behind}" if behind and part == hour else "-"
            key, room = layout.records_key(project_id, day, part), limit - len(records)
            reply = await self._client.execute("XRANGE", key, start, "+", "COUNT", room)
            entries = reply if isinstance(reply, list) else []
            records += map(_record, entries)
            if len(entries) == room:
                last = _id(entries[-1])
                return RecordPage(tuple(records), f"{part}-{last}" if part else last)
        return RecordPage(tuple(records))

    async def projects(self) -> list[str]:
        reply = await self._client.execute("SMEMBERS", layout.PROJECTS)
        return sorted(str(name) for name in reply) if isinstance(reply, list) else []

    async def _parts(self, project_id: str, day: str, first: str) -> list[str]:
        """The hours of a day that have records, from the first on; an empty one is the day as it was before."""
        key = layout.budget_key(project_id, day[:6])
        reply = await self._client.execute("HMGET", key, *(all_field(day[6:], hour) for hour in HOURS))
        counted = reply if isinstance(reply, list) else []
        return [
            part for part in ("", *(hour for hour, text in zip(HOURS, counted, strict=True) if text)) if part >= first
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
            for want, reply in zip(page, await self._client.pipeline([want.command for want in page]), strict=True):
                values = zip(want.fields, reply if isinstance(reply, list) else [], strict=False)
                found += ((want.name, field, text) for field, text in values if isinstance(text, str))
        return found

    async def _scan(self, keys: Sequence[str], prefix: str) -> list[tuple[str, dict[str, str]]]:
        """Pieces of hashes: the fields that begin with the prefix, which has no character of a pattern."""
        found: list[tuple[str, dict[str, str]]] = []
        left = [(key, "0") for key in keys]
        while left:
            page, left = left[:_PAGE_SCANS], left[_PAGE_SCANS:]
            commands: list[_Command] = [
                ["HSCAN", key, cursor, "MATCH", f"{prefix}*", "COUNT", _SCAN_COUNT] for key, cursor in page
            ]
            for (key, _), reply in zip(page, await self._client.pipeline(commands), strict=True):
                cursor, fields = reply if isinstance(reply, list) else ("0", [])
                found.append((key, pairs(fields)))
                if str(cursor) != "0":
                    left.append((key, str(cursor)))
        return found


def pairs(reply: Reply) -> dict[str, str]:
    """A hash from the flat list of its fields and values."""
    flat = [str(item) for item in reply] if isinstance(reply, list) else []
    return dict(zip(flat[::2], flat[1::2], strict=True))


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


def _id(entry: Reply) -> str:
    return str(entry[0]) if isinstance(entry, list) else ""


def _record(entry: Reply) -> UsageRecord:
    """A stream's entry is its id and the flat list of its fields."""
    fields = pairs(entry[1]) if isinstance(entry, list) else {}
    return layout.parse_record(fields["d"])
