"""Records and counters of the memory store."""

from __future__ import annotations

from collections.abc import Sequence

from gateway_core.adapters.memory.state import MonthAccounts, Part, State
from gateway_core.store.budget import Account
from gateway_core.store.counters import CARDINALITY_CAP, Counters, count, dimensions
from gateway_core.store.messages import Ticket
from gateway_core.store.records import RecordPage, UsageRecord


def write_record(state: State, ticket: Ticket, record: UsageRecord) -> None:
    """Keep the record and add it to the counters of its day."""
    state.records[ticket.project_id, ticket.day].append(record)
    fields = state.counters[ticket.project_id, ticket.day]
    is_full, added = len(fields) >= CARDINALITY_CAP, count(record)
    for dimension in dimensions(record, ticket.hour):
        folds = bool(dimension.rest) and is_full and dimension.fields[0] not in fields
        for name in dimension.rest if folds else dimension.fields:
            fields[name] = fields.get(name, Counters()) + added


class MemoryBooks(Part):
    """Implements the port `Books` over a `State`."""

    async def day_counters(self, project_id: str, days: Sequence[str]) -> list[dict[str, Counters]]:
        return [dict(self._state.counters.get((project_id, day), {})) for day in days]

    async def usage_records(self, project_id: str, *, day: str, after: str = "", limit: int = 100) -> RecordPage:
        records = self._state.records.get((project_id, day), [])
        start = int(after or 0)
        end = start + limit
        return RecordPage(tuple(records[start:end]), str(end) if end < len(records) else "")

    async def projects(self) -> list[str]:
        counted = {project for project, _ in self._state.counters}
        return sorted(counted | {project for (project, _), month in self._state.months.items() if _is_begun(month)})


def _is_begun(month: MonthAccounts) -> bool:
    """Reading an account makes one, but an empty one."""
    spent = (account for (scope, _), account in month.accounts.items() if scope == "p")
    return bool(month.holds or month.marks) or any(account != Account() for account in spent)
