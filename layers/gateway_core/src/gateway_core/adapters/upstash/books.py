"""Records and counters in Upstash."""

from __future__ import annotations

from collections.abc import Sequence

from gateway_core.adapters.upstash import layout
from gateway_core.adapters.upstash.client import Reply
from gateway_core.adapters.upstash.part import Part
from gateway_core.adapters.upstash.reading import named, pairs, read, rows, text, texts
from gateway_core.domain.errors import StoreUnreadable
from gateway_core.store.counters import Counters
from gateway_core.store.records import RecordPage, UsageRecord


class UpstashBooks(Part):
    """Implements the port `Books`."""

    async def day_counters(self, project_id: str, days: Sequence[str]) -> list[dict[str, Counters]]:
        if not days:
            return []
        asked = self._client.pipeline([["HGETALL", layout.counters_key(project_id, day)] for day in days])
        replies = await read(f"counters of project {project_id}", asked, rows)
        return [_counters(project_id, day, reply) for day, reply in zip(days, replies, strict=True)]

    async def usage_records(self, project_id: str, *, day: str, after: str = "", limit: int = 100) -> RecordPage:
        start = f"({after}" if after else "-"
        key = layout.records_key(project_id, day)
        asked = self._client.execute("XRANGE", key, start, "+", "COUNT", limit)
        entries = await read(key, asked, _entries)
        records = tuple(record for _, fields in entries if (record := _record(fields)))
        return RecordPage(records, entries[-1][0] if len(entries) == limit else "", len(entries) - len(records))

    async def projects(self) -> list[str]:
        return sorted(await read(layout.PROJECTS, self._client.execute("SMEMBERS", layout.PROJECTS), texts))


def _counters(project_id: str, day: str, reply: Reply) -> dict[str, Counters]:
    with named(layout.counters_key(project_id, day)):
        return {name: layout.parse_counters(counted) for name, counted in pairs(reply).items()}


def _entries(reply: Reply) -> list[tuple[str, Reply]]:
    """A stream's entries: the id of each, and the flat list of its fields."""
    return [(text(entry_id), fields) for entry_id, fields in map(rows, rows(reply))]


def _record(fields: Reply) -> UsageRecord | None:
    """The record in an entry, None for what is none: one does not hide the others."""
    try:
        with named("a record"):
            return layout.parse_record(pairs(fields)["d"])
    except StoreUnreadable:
        return None
