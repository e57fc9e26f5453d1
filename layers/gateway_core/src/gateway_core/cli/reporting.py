"""`gateway usage report` and `gateway report`: what was used, for a terminal, a spreadsheet, a program and finance."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from contextlib import aclosing
from datetime import date
from pathlib import Path

from gateway_core.access.csv_text import csv_text
from gateway_core.access.usage_rows import flat, report_body, report_columns
from gateway_core.adapters.clock import SystemClock
from gateway_core.adapters.config_sources import open_sources
from gateway_core.api.usage_reports import by_project, by_session, report_of
from gateway_core.cli.answers import Answer
from gateway_core.cli.documents import html, markdown
from gateway_core.cli.month_page import Prices, sections, title_of
from gateway_core.cli.month_report import merged, read_month
from gateway_core.cli.opening import open_store
from gateway_core.cli.output import table
from gateway_core.config.environment import documents_named
from gateway_core.config.loader import Inputs, SettingsLoader
from gateway_core.domain.errors import ConfigError
from gateway_core.domain.times import iso, utc_date
from gateway_core.ports import OperatorStore
from gateway_core.store.report_query import ReportQuery, check, period
from gateway_core.store.reports import Report

_SHOWN = ("requests", "errors", "cache_hits", "input_tokens", "output_tokens", "cost_usd", "cost_per_success_usd")
_NONE = "(none)"
"""The row of what is of no other, such as requests without an agent."""
_LATENCY = "latency_ms_p95"
_HASH = 16
"""So many characters of the prices' hash are in each record."""


async def usage_report(options: argparse.Namespace, environ: Mapping[str, str]) -> Answer:
    """A row for each value of the grouping, and their sum."""
    start, end = period(options.start, options.end, _today())
    query = ReportQuery(start, end, options.group_by, options.agent, options.user, options.model, options.key)
    async with aclosing(_Closing(environ)) as opened:
        found = await _read(opened.store, query, options.project)
    body = report_body(query, found)
    rows = [flat(row) for row in body["rows"]]
    if options.csv:
        _say(csv_text(report_columns(query), rows))
    elif options.json or not sys.stdout.isatty():
        _say(json.dumps(body, ensure_ascii=False) + "\n")
    else:
        rest = [{query.column: _NONE, **flat(body["rest"])}] if "rest" in body else []
        shown = [*rows, *rest, {query.column: "Sum", **flat(body["totals"])}]
        _say("".join(f"{text}\n" for text in table(shown, (query.column, *_SHOWN, _LATENCY))))
    return Answer()


async def month_report(options: argparse.Namespace, environ: Mapping[str, str]) -> Answer:
    """Markdown on standard output, or HTML in a file; then its name is told."""
    prices = _prices(environ)
    async with aclosing(_Closing(environ)) as opened:
        projects = [options.project] if options.project else await opened.store.projects()
        report = await read_month(opened.store, options.month, projects)
    parts = sections(report, iso(SystemClock().now_ms()), prices)
    if not options.html:
        _say(markdown(title_of(report), parts))
        return Answer()
    _write(Path(options.html), html(title_of(report), parts))
    return Answer([{"file": options.html, "month": options.month, "projects": len(report.projects)}])


class _Closing:
    """The store of the environment, for `aclosing`."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.store = open_store(environ)

    async def aclose(self) -> None:
        await self.store.close()


async def _read(store: OperatorStore, query: ReportQuery, project: str | None) -> Report:
    if query.group_by != "session":
        check(query)  # also where there is no project to ask
    projects = [project] if project else await store.projects()
    if query.group_by == "project":
        return await by_project(store, query, projects)
    read = by_session if query.group_by == "session" else report_of
    return merged([await read(store, query, one) for one in projects])


def _prices(environ: Mapping[str, str]) -> Prices:
    loader = SettingsLoader(environ, open_sources(documents_named(environ)), None)
    catalog = loader.settings(Inputs(loader.documents(), {})).catalog
    day = catalog.prices_date.isoformat() if catalog.prices_date else ""
    return Prices(tuple(catalog.models.values()), catalog.prices_sha256[:_HASH], day)


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{file}: cannot be written: {error.strerror}.") from error


def _today() -> date:
    return utc_date(SystemClock().now_ms())


def _say(text: str) -> None:
    """Print what is no line of JSON."""
    sys.stdout.write(text)
    sys.stdout.flush()
