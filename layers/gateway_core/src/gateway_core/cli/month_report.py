"""A month of one project or of all, as the accounts and the counters have it, and whether the two agree."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import batched

from gateway_core.api.usage_reports import report_of
from gateway_core.domain.times import day_key
from gateway_core.ports import OperatorStore
from gateway_core.store.counters import Counters
from gateway_core.store.records import BudgetLine
from gateway_core.store.report_query import GroupBy, ReportQuery
from gateway_core.store.reports import Report
from gateway_core.store.virtual_keys import KeyRecord

PARTS: tuple[GroupBy, ...] = ("model", "provider", "key", "day")
"""What a project's month is broken down by."""
_AT_ONCE = 4
_SCOPES_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class ProjectMonth:
    """One project's month. `account` is what its budget counts, which no report touches; `budgets` are all scopes'."""

    project_id: str
    parts: Mapping[GroupBy, Report]
    account: BudgetLine
    budgets: tuple[BudgetLine, ...]
    key_names: Mapping[str, str]
    """What keys are called, by id."""

    @property
    def totals(self) -> Counters:
        return self.parts["day"].totals

    @property
    def difference_nano(self) -> int:
        """Nano-USD that the account has more than the counters; 0 where the books are right."""
        return self.account.spent_nano - self.totals.cost_nano


@dataclass(frozen=True, slots=True)
class MonthReport:
    """The days from `start` to `end`, both included, of some projects, sorted."""

    start: date
    end: date
    projects: tuple[ProjectMonth, ...]

    @property
    def totals(self) -> Counters:
        return sum((one.totals for one in self.projects), Counters())

    @property
    def spent_nano(self) -> int:
        return sum(one.account.spent_nano for one in self.projects)

    @property
    def held_nano(self) -> int:
        return sum(one.account.held_nano for one in self.projects)

    def key_title(self, key_id: str) -> str:
        """A key's name, if it has one, with its id: several may be called the same."""
        name = next((one.key_names[key_id] for one in self.projects if key_id in one.key_names), "")
        return f"{name} ({key_id})" if name else key_id

    def rows(self, part: GroupBy) -> tuple[tuple[str, Counters], ...]:
        """What all projects have of a part, by name."""
        if part == "project":
            return tuple((one.project_id, one.totals) for one in self.projects)
        return merged([one.parts[part] for one in self.projects]).rows


def _named(keys: Sequence[KeyRecord]) -> dict[str, str]:
    return {key.id: key.name for key in keys if key.name}


def merged(reports: Iterable[Report]) -> Report:
    """Several projects' reports as one."""
    rows: dict[str, Counters] = {}
    totals, unreadable = Counters(), 0
    for report in reports:
        totals += report.totals
        unreadable += report.unreadable
        for name, counted in report.rows:
            rows[name] = rows.get(name, Counters()) + counted
    return Report(totals, tuple(sorted(rows.items())), unreadable)


def days_of(month: str) -> tuple[date, date]:
    """The first and the last day of `202611`."""
    first = date(int(month[:4]), int(month[4:]), 1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


async def read_month(store: OperatorStore, month: str, projects: Sequence[str]) -> MonthReport:
    """The month (`202611`) of these projects. Raises StoreUnavailable."""
    start, end = days_of(month)
    query = ReportQuery(start, end)
    found: list[ProjectMonth] = []
    for some in batched(projects, _AT_ONCE):
        found += await asyncio.gather(*(_project(store, project, query) for project in some))
    return MonthReport(start, end, tuple(found))


async def _project(store: OperatorStore, project_id: str, query: ReportQuery) -> ProjectMonth:
    parts = {part: await report_of(store, replace(query, group_by=part), project_id) for part in PARTS}
    month = day_key(query.end)[:6]
    scopes = ["p", *(scope for scope in await store.budget_scopes(project_id, month=month) if scope != "p")]
    lines: list[BudgetLine] = []
    for some in batched(scopes, _SCOPES_AT_ONCE):
        found = await store.budget_lines(project_id, day=day_key(query.end), scopes=some)
        lines += [line for line in found if line.period == month]
    return ProjectMonth(project_id, parts, lines[0], tuple(lines), _named(await store.list_keys(project_id)))
