"""Usage reports from daily counters. Pure: the counters of the days arrive as arguments.

A day's counters are kept per model, agent, user and key, and for agent x model and user x model; what combines other
dimensions cannot be answered and says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal
from urllib.parse import unquote

from gateway_core.domain.errors import InvalidRequest
from gateway_core.store.counters import Counters, encode

type GroupBy = Literal["day", "hour", "model", "agent", "user", "project"]
type DayCounters = Mapping[str, Counters]

DEFAULT_DAYS = 30
MOST_DAYS = 366
_COLUMNS: dict[GroupBy, str] = {
    "day": "day",
    "hour": "hour",
    "model": "model",
    "agent": "agent_id",
    "user": "user_id",
    "project": "project_id",
}


@dataclass(frozen=True, slots=True)
class ReportQuery:
    """What is asked of one project. Empty filters match everything; both dates are included."""

    start: date
    end: date
    group_by: GroupBy = "day"
    agent_id: str = ""
    user_id: str = ""
    model: str = ""

    @property
    def days(self) -> list[date]:
        return [self.start + timedelta(days=n) for n in range((self.end - self.start).days + 1)]

    @property
    def column(self) -> str:
        """The name of the rows' first field."""
        return _COLUMNS[self.group_by]


@dataclass(frozen=True, slots=True)
class Report:
    """Totals of the whole selection, and a row for each value of the grouping, sorted."""

    totals: Counters
    rows: tuple[tuple[str, Counters], ...]


def period(start: date | None, end: date | None, today: date) -> tuple[date, date]:
    """The days asked for, by default the last 30. Raises InvalidRequest (422)."""
    last = end or (max(today, start) if start else today)
    first = start or last - timedelta(days=DEFAULT_DAYS - 1)
    if first > last:
        raise InvalidRequest("start_date is after end_date.", param="start_date", schema=True)
    if (last - first).days >= MOST_DAYS:
        raise InvalidRequest(f"A report covers at most {MOST_DAYS} days.", param="start_date", schema=True)
    return first, last


def check(query: ReportQuery) -> None:
    """Raises InvalidRequest (422) for a combination that no counter holds."""
    parties = [name for name, value in (("agent_id", query.agent_id), ("user_id", query.user_id)) if value]
    if len(parties) > 1:
        raise _not_served("agent_id and user_id cannot be combined", "user_id")
    other = {"agent": "user_id", "user": "agent_id"}.get(query.group_by)
    if other in parties:
        raise _not_served(f"group_by={query.group_by} cannot be combined with {other}", other or "")
    if query.group_by == "hour" and parties:
        raise _not_served(f"group_by=hour cannot be combined with {parties[0]}", parties[0])


def report(query: ReportQuery, counters: Sequence[DayCounters]) -> Report:
    """The report on one project from the counters of each of `query.days`. `check` must have passed."""
    rows: dict[str, Counters] = {}
    totals = Counters()
    for day, fields in zip(query.days, counters, strict=True):
        totals += fields.get(_selection(query), Counters())
        for value, counted in _rows_of(query, day, fields):
            rows[value] = rows.get(value, Counters()) + counted
    return Report(totals, tuple(sorted(rows.items())))


def _selection(query: ReportQuery) -> str:
    """The field that counts exactly what the filters select."""
    model = encode(query.model)
    for letter, name in (("a", query.agent_id), ("u", query.user_id)):
        if name:
            return f"{letter}m|{encode(name)}|{model}" if model else f"{letter}|{encode(name)}"
    return f"m|{model}" if model else "t"


def _rows_of(query: ReportQuery, day: date, fields: DayCounters) -> list[tuple[str, Counters]]:
    if query.group_by == "hour":
        return _hours(query, day, fields)
    if name := _only_name(query, day):
        found = fields.get(_selection(query))
        return [(name, found)] if found else []
    prefix, suffix = _pattern(query)
    return [
        (unquote(name[len(prefix) : len(name) - len(suffix)]), counted)
        for name, counted in fields.items()
        if name.startswith(prefix) and name.endswith(suffix) and _is_one_name(name, prefix, suffix)
    ]


def _hours(query: ReportQuery, day: date, fields: DayCounters) -> list[tuple[str, Counters]]:
    suffix = f"|m|{encode(query.model)}" if query.model else ""
    hours = ((f"{hour:02}", fields.get(f"h{hour:02}{suffix}")) for hour in range(24))
    return [(f"{day.isoformat()}T{hour}", found) for hour, found in hours if found]


def _only_name(query: ReportQuery, day: date) -> str:
    """The one value that a row can have, where the grouping or a filter leaves only one."""
    match query.group_by:
        case "model":
            return query.model
        case "agent":
            return query.agent_id
        case "user":
            return query.user_id
        case _:
            return day.isoformat()


def _pattern(query: ReportQuery) -> tuple[str, str]:
    """What stands before and after the grouped name in the fields that hold the rows."""
    if query.group_by == "model":
        for letter, name in (("a", query.agent_id), ("u", query.user_id)):
            if name:
                return f"{letter}m|{encode(name)}|", ""
        return "m|", ""
    letter = query.group_by[0]
    return (f"{letter}m|", f"|{encode(query.model)}") if query.model else (f"{letter}|", "")


def _is_one_name(field: str, prefix: str, suffix: str) -> bool:
    return "|" not in field[len(prefix) : len(field) - len(suffix)]


def _not_served(what: str, param: str) -> InvalidRequest:
    return InvalidRequest(f"{what}: no counter holds that. Drop one of the two.", param=param, schema=True)
