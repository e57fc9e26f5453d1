"""Records and counters in Upstash."""

from __future__ import annotations

from collections.abc import Sequence

from gateway_core.adapters.upstash import layout
from gateway_core.adapters.upstash.client import Reply
from gateway_core.adapters.upstash.part import Part
from gateway_core.store.counters import Counters
from gateway_core.store.messages import RecordPage, UsageRecord


class UpstashBooks(Part):
    """Implements the port `Books`."""

    async def day_counters(self, project_id: str, days: Sequence[str]) -> list[dict[str, Counters]]:
        if not days:
            return []
        replies = await self._client.pipeline([["HGETALL", layout.counters_key(project_id, day)] for day in days])
        return [{name: layout.parse_counters(text) for name, text in pairs(reply).items()} for reply in replies]

    async def usage_records(self, project_id: str, *, day: str, after: str = "", limit: int = 100) -> RecordPage:
        start = f"({after}" if after else "-"
        key = layout.records_key(project_id, day)
        reply = await self._client.execute("XRANGE", key, start, "+", "COUNT", limit)
        entries = reply if isinstance(reply, list) else []
        records = tuple(_record(entry) for entry in entries)
        return RecordPage(records, _id(entries[-1]) if len(entries) == limit else "")

    async def projects(self) -> list[str]:
        reply = await self._client.execute("SMEMBERS", layout.PROJECTS)
        return sorted(str(name) for name in reply) if isinstance(reply, list) else []


def pairs(reply: Reply) -> dict[str, str]:
    """A hash from the flat list of its fields and values."""
    flat = [str(item) for item in reply] if isinstance(reply, list) else []
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _id(entry: Reply) -> str:
    return str(entry[0]) if isinstance(entry, list) else ""


def _record(entry: Reply) -> UsageRecord:
    """A stream's entry is its id and the flat list of its fields."""
    fields = pairs(entry[1]) if isinstance(entry, list) else {}
    return layout.parse_record(fields["d"])
