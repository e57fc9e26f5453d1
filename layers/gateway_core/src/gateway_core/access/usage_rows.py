"""How what was used is shown, over HTTP, on the command line and in tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from gateway_core.domain.cost import usd
from gateway_core.domain.times import iso
from gateway_core.store.counters import Counters
from gateway_core.store.records import UsageRecord
from gateway_core.store.report_query import ReportQuery
from gateway_core.store.reports import Report
from gateway_core.store.trail import trail_of

_HIDDEN = frozenset({"input_nano", "output_nano", "estimated_nano"})
RECORD_COLUMNS = (
    *(one.name for one in fields(UsageRecord) if one.name not in _HIDDEN),
    *("at", "input_usd", "output_usd", "cost_usd", "estimated_usd"),
)
"""What the columns of a table of records are called."""


def report_body(query: ReportQuery, found: Report) -> dict[str, Any]:
    """A report on the wire: its days, its totals and a row for each value of the grouping."""
    return {
        "start_date": query.start.isoformat(),
        "end_date": query.end.isoformat(),
        "group_by": query.group_by,
        "totals": counters_row(found.totals),
        "rows": [{query.column: name, **counters_row(counted)} for name, counted in found.rows],
        **({"rest": counters_row(found.rest)} if found.rest else {}),
        **({"unreadable": found.unreadable} if query.group_by == "session" else {}),
    }


def report_columns(query: ReportQuery) -> list[str]:
    """What the columns of a report's table are called."""
    return [query.column, *flat({**counters_row(Counters()), "downgraded": 0})]


def counters_row(counted: Counters) -> dict[str, Any]:
    """Sums on the wire. Money as decimal strings, milliseconds; None for what is not known."""
    return {
        "requests": counted.requests,
        "errors": counted.errors,
        "cache_hits": counted.cache_hits,
        **({"downgraded": counted.downgraded} if counted.downgraded else {}),
        "input_tokens": counted.input_tokens,
        "output_tokens": counted.output_tokens,
        "cost_usd": usd(counted.cost_nano),
        "estimated_usd": usd(counted.estimated_nano),
        "cost_per_success_usd": _usd_or_none(counted.cost_per_success_nano),
        "latency_ms": {
            "average": round(counted.latency_ms / counted.requests) if counted.requests else None,
            "p50": counted.latency_at_most_ms(0.5),
            "p95": counted.latency_at_most_ms(0.95),
        },
    }


def record_row(record: UsageRecord) -> dict[str, Any]:
    """A record on the wire: money as decimal strings, time as RFC 3339."""
    shown = {name: value for name, value in asdict(record).items() if name not in _HIDDEN}
    return {
        **shown,
        "tried": trail_of(record),
        "at": iso(record.at_ms),
        "input_usd": usd(record.input_nano),
        "output_usd": usd(record.output_nano),
        "cost_usd": usd(record.cost_nano),
        "estimated_usd": usd(record.estimated_nano),
    }


def table_row(record: UsageRecord) -> dict[str, Any]:
    """A record as a row of a table: what was tried is one text there, as it is kept."""
    return {**record_row(record), "tried": record.tried}


def flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Without objects in it: what `latency_ms` has as `p95` becomes `latency_ms_p95`."""
    found: dict[str, Any] = {}
    for name, value in row.items():
        parts = value.items() if isinstance(value, Mapping) else ()
        found |= {f"{name}_{part}": one for part, one in parts} if parts else {name: value}
    return found


def _usd_or_none(nano: int | None) -> str | None:
    return None if nano is None else usd(nano)
