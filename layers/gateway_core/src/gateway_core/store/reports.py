"""Usage reports from counters. Pure: what is to be read is told by a `Reading`, what was read arrives as arguments.

What combines dimensions that no counter holds cannot be answered, and says so. A month that is asked for as a whole is
read from the counters of the month, any other from those of its days.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal
from urllib.parse import unquote

from gateway_core.domain.times import day_key
from gateway_core.store.counters import (
    MONTH,
    REST,
    Counters,
    Kind,
    add_vectors,
    all_field,
    encode,
    index_field,
    named_field,
    pair,
)
from gateway_core.store.earlier_counters import (
    HOURS,
    DayCounters,
    EarlierFields,
    earlier_field,
    earlier_hours,
    earlier_names,
)
from gateway_core.store.report_query import GroupBy, ReportQuery, check

type Names = Mapping[str, Mapping[str, Sequence[str]]]
"""Names by month and index."""
type Counted = Mapping[str, Mapping[str, Counters]]
"""Counters by month and field."""

OTHER = "~other"
"""The row of names beyond the bound of a day or month."""
_KINDS: Mapping[GroupBy, Kind] = {"model": "m", "provider": "p", "key": "k", "agent": "a", "user": "u"}


@dataclass(frozen=True, slots=True)
class Report:
    """Totals of the whole selection, and a row for each value of the grouping, sorted.

    `unreadable` records are in none of them, where it is made from records.
    """

    totals: Counters
    rows: tuple[tuple[str, Counters], ...]
    unreadable: int = 0

    @property
    def rest(self) -> Counters | None:
        """What is of no row: requests that named no agent, say. None where the rows have it all."""
        rest = self.totals - sum((counted for _name, counted in self.rows), Counters())
        return rest if rest.requests > 0 or rest.cost_nano else None


@dataclass(frozen=True, slots=True)
class Grouping:
    """Rows by the names of an index: those that begin and end like this, without it."""

    kind: Kind
    prefix: str = ""
    suffix: str = ""

    def rows(self, names: Sequence[str]) -> Iterator[tuple[str, str]]:
        """What a row is called, and its name in the index."""
        for name in names:
            if name.startswith(self.prefix) and name.endswith(self.suffix):
                yield name[len(self.prefix) : len(name) - len(self.suffix)], name


@dataclass(frozen=True, slots=True)
class Selection:
    """What the filters select: all, or one name of a kind."""

    kind: Kind | Literal[""] = ""
    name: str = ""

    def of(self, period: str) -> str:
        return named_field(self.kind, period, self.name) if self.kind else all_field(period)


@dataclass(frozen=True, slots=True)
class Part:
    """The days of one month (`202611`) that a report covers, and the periods to read for names."""

    month: str
    days: tuple[date, ...]
    periods: tuple[str, ...]


@dataclass(slots=True)
class Tally:
    """A report that is being added up, in lists of numbers: there may be hundreds of thousands of counters."""

    totals: list[int] = field(default_factory=list)
    rows: dict[str, list[int]] = field(default_factory=dict)

    def add_total(self, found: Counters | None) -> None:
        if found:
            self.totals = add_vectors(self.totals, found.vector)

    def add(self, name: str, found: Counters | None) -> None:
        if found:
            self.rows[name] = add_vectors(self.rows.get(name, ()), found.vector)

    @property
    def report(self) -> Report:
        shown = ((_shown(name), Counters.of(numbers)) for name, numbers in self.rows.items())
        return Report(Counters.of(self.totals), tuple(sorted(shown, key=lambda row: row[0])))


class Reading:
    """How a report is read: `indexes`, then `fields` with the names found, and `earlier` of each of the query's days.

    What was read is added up: first `tally`, then `add_earlier` for some days at a time.

    Raises:
        InvalidRequest: 422, no counter holds the combination.
    """

    def __init__(self, query: ReportQuery) -> None:
        check(query)
        self._query = query
        self._selection = _selection(query)
        self._grouping = _grouping(query)
        self._parts = tuple(_parts(query.days))

    @property
    def indexes(self) -> Mapping[str, Sequence[str]]:
        """Fields of the indexes to read, by month."""
        if not self._grouping:
            return {}
        kind = self._grouping.kind
        return {part.month: [index_field(kind, period) for period in part.periods] for part in self._parts}

    def fields(self, names: Names) -> Mapping[str, Sequence[str]]:
        """Fields of counters to read, by month."""
        return {
            part.month: [*self._total_fields(part), *(name for _, name in self._row_fields(part, names))]
            for part in self._parts
        }

    @property
    def earlier(self) -> EarlierFields:
        """What to read of days that were counted by an earlier release."""
        selection, query = self._selection, self._query
        total = earlier_field(selection.kind, selection.name)
        if query.group_by == "hour":
            return EarlierFields((total, *earlier_hours(encode(query.model))))
        return EarlierFields((total,), f"{self._grouping.kind}|{self._grouping.prefix}" if self._grouping else "")

    def tally(self, names: Names, counted: Counted) -> Tally:
        """What this release counted."""
        tally = Tally()
        for part in self._parts:
            found = counted.get(part.month, {})
            for one in self._total_fields(part):
                tally.add_total(found.get(one))
            for row, name in self._row_fields(part, names):
                tally.add(row, found.get(name))
        return tally

    def add_earlier(self, tally: Tally, days: Sequence[date], counted: Sequence[DayCounters]) -> None:
        """Add what an earlier release counted on these days of the query."""
        for day, fields in zip(days, counted, strict=True):
            tally.add_total(fields.get(earlier_field(self._selection.kind, self._selection.name)))
            for row, found in self._earlier_rows(day, fields):
                tally.add(row, found)

    def _total_fields(self, part: Part) -> list[str]:
        periods = part.periods if self._selection.kind else [_day(day) for day in part.days]
        return [self._selection.of(period) for period in periods]

    def _row_fields(self, part: Part, names: Names) -> Iterator[tuple[str, str]]:
        """Each row with a field that counts in it."""
        if self._grouping:
            kind, indexes = self._grouping.kind, names.get(part.month, {})
            for period in part.periods:
                for row, name in self._grouping.rows(indexes.get(index_field(kind, period), ())):
                    yield row, named_field(kind, period, name)
        elif self._query.group_by == "hour":
            for day in part.days:
                yield from ((f"{day.isoformat()}T{hour}", self._hour(_day(day), hour)) for hour in HOURS)
        elif self._query.group_by == "day":
            yield from ((day.isoformat(), self._selection.of(_day(day))) for day in part.days)
        elif name := self._only_name:
            yield from ((name, one) for one in self._total_fields(part))

    def _earlier_rows(self, day: date, fields: DayCounters) -> Iterator[tuple[str, Counters | None]]:
        if self._grouping:
            found = earlier_names(self._grouping.kind, fields)
            yield from ((row, found[name]) for row, name in self._grouping.rows(tuple(found)))
        elif self._query.group_by == "hour":
            hours = zip(HOURS, earlier_hours(encode(self._query.model)), strict=True)
            yield from ((f"{day.isoformat()}T{hour}", fields.get(one)) for hour, one in hours)
        else:
            name = day.isoformat() if self._query.group_by == "day" else self._only_name
            found_one = fields.get(earlier_field(self._selection.kind, self._selection.name))
            yield from ((name, found_one) for _ in range(bool(name)))

    def _hour(self, day: str, hour: str) -> str:
        model = encode(self._query.model)
        return named_field("hm", day + hour, model) if model else all_field(day, hour)

    @property
    def _only_name(self) -> str:
        """The one row that a filter leaves of its own grouping."""
        return encode(self._query.filters.get(self._query.column, ""))


def _selection(query: ReportQuery) -> Selection:
    model = encode(query.model)
    singles: tuple[tuple[Kind, Kind, str], ...] = (("a", "am", query.agent_id), ("u", "um", query.user_id))
    for kind, with_model, name in singles:
        if name:
            return Selection(with_model, pair(encode(name), model)) if model else Selection(kind, encode(name))
    if query.key_id:
        return Selection("k", encode(query.key_id))
    return Selection("m", model) if model else Selection()


def _grouping(query: ReportQuery) -> Grouping | None:
    """None where each row is a field that is known beforehand."""
    kind = _KINDS.get(query.group_by)
    filters = query.filters
    if kind is None or query.column in filters:
        return None
    if kind == "m":
        parties: tuple[tuple[Kind, str], ...] = (("am", query.agent_id), ("um", query.user_id))
        pairs = (Grouping(pairs, pair(encode(name), "")) for pairs, name in parties if name)
        return next(pairs, Grouping("m"))
    if query.model:
        return Grouping("am" if kind == "a" else "um", suffix=pair("", encode(query.model)))
    return Grouping(kind)


def _parts(days: Sequence[date]) -> Iterator[Part]:
    months: dict[str, list[date]] = {}
    for day in days:
        months.setdefault(day_key(day)[:6], []).append(day)
    for month, covered in months.items():
        is_whole = len(covered) == monthrange(covered[0].year, covered[0].month)[1]
        yield Part(month, tuple(covered), (MONTH,) if is_whole else tuple(map(_day, covered)))


def _day(day: date) -> str:
    return f"{day.day:02}"


def _shown(name: str) -> str:
    return OTHER if name == REST else unquote(name)
