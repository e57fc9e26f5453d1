"""Counters as releases before 0.2 wrote them: a mapping for each UTC day. They are read until they end, 400 days on.

Field names: `t` all, `h{HH}` hour, `m|` model, `a|` agent, `u|` user, `k|` key, and the combinations `h{HH}|m|{model}`,
`am|{agent}|{model}`, `um|{user}|{model}`. Names are percent-encoded, `*` is the rest. There are none by provider.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway_core.store.counters import Counters, Kind

type DayCounters = Mapping[str, Counters]

HOURS = tuple(f"{hour:02}" for hour in range(24))


@dataclass(frozen=True, slots=True)
class EarlierFields:
    """What to read of each day: `fields`, and all those that begin with `prefix`, if it is not empty."""

    fields: tuple[str, ...]
    prefix: str = ""


def earlier_field(kind: str, name: str) -> str:
    """Field of a name or pair of a kind; `t` without a kind."""
    return f"{kind}|{name}" if kind else "t"


def earlier_hours(model: str) -> tuple[str, ...]:
    """Fields of the hours, of one model if it is not empty."""
    return tuple(f"h{hour}|m|{model}" if model else f"h{hour}" for hour in HOURS)


def earlier_names(kind: Kind, counted: DayCounters) -> Mapping[str, Counters]:
    """The names of a kind, with what was counted for them."""
    prefix = f"{kind}|"
    return {field[len(prefix) :]: found for field, found in counted.items() if field.startswith(prefix)}
