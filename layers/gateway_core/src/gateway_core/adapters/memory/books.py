"""Records and counters of the memory store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from gateway_core.adapters.memory.state import MonthAccounts, Part, State
from gateway_core.store.budget import Account
from gateway_core.store.counters import Counters, Dimension, count, dimensions
from gateway_core.store.earlier_counters import EarlierFields
from gateway_core.store.messages import Ticket
from gateway_core.store.records import HourPlace, HourRecords, RecordPage, UsageRecord


def write_record(state: State, ticket: Ticket, record: UsageRecord) -> tuple[str, ...]:
    """Keep the record and add it to the counters of its day and month; the kinds of names that had to be folded."""
    state.records[ticket.project_id, ticket.day].append((ticket.hour, record))
    fields, added = state.counters[ticket.project_id, ticket.month], count(record)
    folded: list[str] = []
    for dimension in dimensions(record, ticket.day, ticket.hour):
        chosen = _chosen(state, ticket, dimension)
        if chosen is dimension.rest:
            folded.append(dimension.kind)
        for name in chosen:
            fields[name] = fields.get(name, Counters()) + added
    return tuple(folded)


def _chosen(state: State, ticket: Ticket, dimension: Dimension) -> tuple[str, ...]:
    """The fields that count: a name's own, unless it is new where there are many. Lists what is new."""
    fields = state.counters[ticket.project_id, ticket.month]
    if not dimension.index or dimension.fields[0] in fields:
        return dimension.fields
    listed = state.names[ticket.project_id, ticket.month].setdefault(dimension.index, [])
    is_full = len(listed) >= dimension.most
    name, chosen = (dimension.rest_name, dimension.rest) if is_full else (dimension.name, dimension.fields)
    if chosen[0] not in fields:
        listed.append(name)
    return chosen


class MemoryBooks(Part):
    """Implements the port `Books` over a `State`."""

    async def names(self, project_id: str, indexes: Mapping[str, Sequence[str]]) -> dict[str, dict[str, list[str]]]:
        known = {month: self._state.names.get((project_id, month), {}) for month in indexes}
        return {
            month: {index: list(known[month][index]) for index in asked if index in known[month]}
            for month, asked in indexes.items()
        }

    async def counted(self, project_id: str, wanted: Mapping[str, Sequence[str]]) -> dict[str, dict[str, Counters]]:
        known = {month: self._state.counters.get((project_id, month), {}) for month in wanted}
        return {
            month: {field: known[month][field] for field in asked if field in known[month]}
            for month, asked in wanted.items()
        }

    async def earlier_counters(
        self,
        project_id: str,  # noqa: ARG002 - no earlier release has written here
        days: Sequence[str],
        wanted: EarlierFields,  # noqa: ARG002
    ) -> list[dict[str, Counters]]:
        return [{} for _ in days]

    async def usage_records(self, project_id: str, *, day: str, after: str = "", limit: int = 100) -> RecordPage:
        stored = sorted(self._state.records.get((project_id, day), []), key=lambda entry: entry[0])
        start = int(after or 0)
        end = start + limit
        records = tuple(record for _hour, record in stored[start:end])
        return RecordPage(records, str(end) if end < len(stored) else "")

    async def hour_records(
        self, project_id: str, places: Sequence[HourPlace], *, limit: int, newest: bool = False
    ) -> list[HourRecords]:
        return [self._hour_records(project_id, place, limit, newest=newest) for place in places]

    def _hour_records(self, project_id: str, place: HourPlace, limit: int, *, newest: bool) -> HourRecords:
        stored = self._state.records.get((project_id, place.day), [])
        written = [record for hour, record in stored if hour == place.hour]
        first = max(0, len(written) - limit) if newest else _first_behind(written, place.behind)
        found = tuple(written[first : first + limit])
        end = first + len(found)
        behind = f"{found[-1].at_ms}-{end}" if found else place.behind
        return HourRecords(replace(place, behind=behind), found, len(found) == limit)

    async def projects(self) -> list[str]:
        counted = {project for project, _ in self._state.counters}
        return sorted(counted | {project for (project, _), month in self._state.months.items() if _is_begun(month)})


def _first_behind(written: Sequence[UsageRecord], behind: str) -> int:
    """The number of the first record behind a place; such places end with that number."""
    moment, _, number = behind.partition("-")
    if number:
        return int(number)
    return next((at for at, record in enumerate(written) if record.at_ms >= int(moment or 0)), len(written))


def _is_begun(month: MonthAccounts) -> bool:
    """Reading an account makes one, but an empty one."""
    spent = (account for (scope, _), account in month.accounts.items() if scope == "p")
    return bool(month.holds or month.marks) or any(account != Account() for account in spent)
