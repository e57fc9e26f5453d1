"""What a usage report is asked for, and what cannot be answered. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from gateway_core.domain.errors import InvalidRequest

type GroupBy = Literal["day", "hour", "model", "provider", "agent", "user", "key", "session", "project"]

DEFAULT_DAYS = 30
MOST_DAYS = 366
_COLUMNS: Mapping[GroupBy, str] = {
    "day": "day",
    "hour": "hour",
    "model": "model",
    "provider": "provider",
    "agent": "agent_id",
    "user": "user_id",
    "key": "key_id",
    "session": "session_id",
    "project": "project_id",
}
_ALONE: Mapping[GroupBy, str] = {"provider": "", "key": "key_id"}
"""Groupings that no filter combines with but one."""


@dataclass(frozen=True, slots=True)
class ReportQuery:
    """What is asked of one project. Empty filters match everything; both dates are included."""

    start: date
    end: date
    group_by: GroupBy = "day"
    agent_id: str = ""
    user_id: str = ""
    model: str = ""
    key_id: str = ""

    @property
    def days(self) -> list[date]:
        return [self.start + timedelta(days=n) for n in range((self.end - self.start).days + 1)]

    @property
    def filters(self) -> Mapping[str, str]:
        """Those that are set, by name."""
        named = {"agent_id": self.agent_id, "user_id": self.user_id, "model": self.model, "key_id": self.key_id}
        return {name: value for name, value in named.items() if value}

    @property
    def column(self) -> str:
        """The name of the rows' first field."""
        return _COLUMNS[self.group_by]


def period(start: date | None, end: date | None, today: date) -> tuple[date, date]:
    """The days asked for, by default the last 30. Raises InvalidRequest (422)."""
    last = end or (max(today, start) if start else today)
    first = start or date.fromordinal(max(1, last.toordinal() - DEFAULT_DAYS + 1))
    if first > last:
        raise InvalidRequest("start_date is after end_date.", param="start_date", schema=True)
    if (last - first).days >= MOST_DAYS:
        raise InvalidRequest(f"A report covers at most {MOST_DAYS} days.", param="start_date", schema=True)
    return first, last


def check(query: ReportQuery) -> None:
    """Raises InvalidRequest (422) for a combination that no counter holds."""
    filters = query.filters
    others = [name for name in filters if name != "model"]
    if len(others) > 1:
        raise _not_served(f"{others[0]} and {others[1]} cannot be combined", others[1])
    if "key_id" in filters and "model" in filters:
        raise _not_served("key_id and model cannot be combined", "key_id")
    for name in filters:
        if not _combines(query.group_by, name):
            raise _not_served(f"group_by={query.group_by} cannot be combined with {name}", name)


def _combines(group_by: GroupBy, name: str) -> bool:
    """Whether counters of a grouping are kept by a filter, too."""
    match group_by:
        case "day" | "project":
            return True
        case "hour":
            return name == "model"
        case "model":
            return name != "key_id"
        case "agent" | "user":
            return name in {"model", _COLUMNS[group_by]}
        case _:
            return name == _ALONE.get(group_by)


def _not_served(what: str, param: str) -> InvalidRequest:
    return InvalidRequest(f"{what}: no counter holds that. Drop one of the two.", param=param, schema=True)
