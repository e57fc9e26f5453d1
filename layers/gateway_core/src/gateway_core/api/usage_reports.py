"""Reads what a usage report needs, in pages, so that no report is too large for the store's deadline."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from itertools import batched

from gateway_core.domain.errors import InvalidRequest
from gateway_core.domain.times import day_key
from gateway_core.ports import Books
from gateway_core.store.counters import Counters, count
from gateway_core.store.records import RecordPage, UsageRecord
from gateway_core.store.report_query import ReportQuery
from gateway_core.store.reports import Reading, Report

MOST_RECORDS = 20_000
"""Of a report that is made from records."""
_PAGE = 1000
_AT_ONCE = 8
_DAYS = 32
"""So many days of an earlier release are kept in memory at a time: each may have thousands of names."""


async def report_of(books: Books, query: ReportQuery, project_id: str) -> Report:
    """The report on one project. Raises InvalidRequest (422) for a combination that no counter holds."""
    reading = Reading(query)
    names = await books.names(project_id, reading.indexes)
    tally = reading.tally(names, await books.counted(project_id, reading.fields(names)))
    for days in batched(query.days, _DAYS):
        found = await books.earlier_counters(project_id, [day_key(day) for day in days], reading.earlier)
        reading.add_earlier(tally, days, found)
    return tally.report


async def by_project(books: Books, query: ReportQuery, projects: Sequence[str]) -> Report:
    """A row for each project that has anything to report. Raises as `report_of`."""
    rows: list[tuple[str, Counters]] = []
    for some in batched(projects, _AT_ONCE):
        found = await asyncio.gather(*(report_of(books, query, project) for project in some))
        rows += [(name, one.totals) for name, one in zip(some, found, strict=True) if one.totals != Counters()]
    return Report(sum((counted for _name, counted in rows), Counters()), tuple(rows))


async def by_session(books: Books, query: ReportQuery, project_id: str) -> Report:
    """A row for each session, from records. Raises InvalidRequest (422) where there are too many of them."""
    rows: dict[str, Counters] = {}
    totals, read, unreadable = Counters(), 0, 0
    async for page in _pages(books, query, project_id):
        unreadable += page.unreadable
        read += len(page.records) + page.unreadable
        if read > MOST_RECORDS:
            text = f"A report by session adds up at most {MOST_RECORDS} requests. Ask for fewer days."
            raise InvalidRequest(text, param="start_date", schema=True)
        for record in page.records:
            if _matches(query, record):
                added = count(record)
                totals += added
                if record.session_id:
                    rows[record.session_id] = rows.get(record.session_id, Counters()) + added
    return Report(totals, tuple(sorted(rows.items())), unreadable)


async def _pages(books: Books, query: ReportQuery, project_id: str) -> AsyncIterator[RecordPage]:
    for day in query.days:
        cursor, is_first = "", True
        while cursor or is_first:
            page = await books.usage_records(project_id, day=day_key(day), after=cursor, limit=_PAGE)
            yield page
            cursor, is_first = page.cursor, False


def _matches(query: ReportQuery, record: UsageRecord) -> bool:
    wanted = (query.agent_id, query.user_id, query.model, query.key_id)
    told = (record.agent_id, record.user_id, record.model, record.key_id)
    return all(asked in ("", found) for asked, found in zip(wanted, told, strict=True))
