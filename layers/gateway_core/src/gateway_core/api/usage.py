"""GET /v1/usage, /v1/usage/records and /v1/budgets: what was used, what it cost, what is left."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from gateway_core.access.budget_rows import budget_row
from gateway_core.access.rights import attribute, check_tool
from gateway_core.access.usage_rows import RECORD_COLUMNS, record_row, report_body, report_columns, table_row
from gateway_core.api.auth import identify
from gateway_core.api.body import Party, Strict, validate
from gateway_core.api.forms import Form, chosen_form, table, whole
from gateway_core.api.query import Day, query_of
from gateway_core.api.records import LATEST, RecordFilter, looked, records_since
from gateway_core.api.request_records import records_of
from gateway_core.api.routes import Routes
from gateway_core.api.usage_reports import by_project, by_session, report_of
from gateway_core.domain.caller import Attribution, Caller
from gateway_core.domain.errors import Forbidden
from gateway_core.domain.times import day_key, iso, utc_date
from gateway_core.services import Current, Services
from gateway_core.store.records import UsageRecord
from gateway_core.store.report_query import ReportQuery, period
from gateway_core.store.reports import Report

TOOL = "get_usage"
MOST_SCOPES = 250
"""Of one report on budgets: each has two accounts for each of two periods."""

CURSOR = r"^((([01][0-9]|2[0-3])-)?[0-9]{1,15}(-[0-9]{1,10})?)?$"
"""Behind a record of an hour, or of a day of earlier releases. What the store takes and nothing else: its error for
what a caller made up would look like an outage."""

type Project = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$")]


class UsageQuery(Strict):
    """The query of `/v1/usage`."""

    project_id: Project | None = None
    agent_id: Party | None = None
    user_id: Party | None = None
    model: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    key_id: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    start_date: Day | None = None
    end_date: Day | None = None
    group_by: Literal["day", "hour", "model", "provider", "agent", "user", "key", "session", "project"] = "day"
    format: Form | None = None


class RecordsQuery(RecordFilter):
    """The query of `/v1/usage/records`: one UTC day, a page at a time, or what is new since `after`."""

    project_id: Project | None = None
    date: Day | None = None
    cursor: Annotated[str, Field(max_length=64, pattern=CURSOR)] = ""
    limit: Annotated[int, Field(strict=False, ge=1, le=1000)] = 100
    after: Annotated[str, Field(min_length=1, max_length=800)] | None = None
    format: Form | None = None


class RecordQuery(Strict):
    """The query of `/v1/usage/records/{request_id}`."""

    project_id: Project | None = None
    cursor: Annotated[str, Field(max_length=64, pattern=r"^([0-9]\.([0-9]{1,15}(-[0-9]{1,10})?)?)?$")] = ""


class BudgetsQuery(Strict):
    """The query of `/v1/budgets`."""

    project_id: Project | None = None
    user_id: Party | None = None
    scopes: Literal["all"] | None = None


def router(source: Current[Services]) -> Routes:
    """The routes, closed over where their services come from."""
    routes = Routes()

    @routes.get("/v1/usage")
    async def usage(request: Request) -> Response:
        services = source.now()
        caller = await _allowed(request, services)
        asked = validate(UsageQuery, query_of(request))
        query = _report_query(asked, caller, services)
        report = await _report(query, asked, caller, services)
        if report.unreadable:
            services.telemetry.unreadable_records(request.state.request_id, caller.project_id, report.unreadable)
        return _answer(request, asked, query, report)

    @routes.get("/v1/usage/records")
    async def records(request: Request) -> Response:
        services = source.now()
        caller = await _allowed(request, services)
        asked = validate(RecordsQuery, query_of(request))
        project = attribute(caller, asked.project_id, None, asked.user_id).project_id
        if asked.after:
            return whole(await _new_records(request, services, caller, project, asked))
        return await _day_records(request, services, caller, project, asked)

    @routes.get("/v1/usage/records/{request_id}")
    async def record(request: Request, request_id: str) -> dict[str, Any]:
        services = source.now()
        caller = await _allowed(request, services)
        asked = validate(RecordQuery, query_of(request))
        project = attribute(caller, asked.project_id, None, None).project_id
        now_ms, user_id = services.clock.now_ms(), caller.user_id
        found = await records_of(services.store, project, request_id, user_id, cursor=asked.cursor, now_ms=now_ms)
        return {
            "request_id": request_id,
            "records": [record_row(record) for record in found.records],
            "next_cursor": found.cursor or None,
            "looked_at": found.looked_at,
            "looked_up_to": None if found.looked_up_to_ms is None else iso(found.looked_up_to_ms),
        }

    @routes.get("/v1/budgets")
    async def budgets(request: Request) -> dict[str, Any]:
        services = source.now()
        caller = await _allowed(request, services)
        asked = validate(BudgetsQuery, query_of(request))
        whom = attribute(caller, asked.project_id, None, asked.user_id)
        return await _budgets(caller, whom, services, every=asked.scopes is not None)

    return routes


async def _allowed(request: Request, services: Services) -> Caller:
    caller = await identify(request, services)
    check_tool(caller, TOOL)
    return caller


async def _day_records(
    request: Request, services: Services, caller: Caller, project: str, asked: RecordsQuery
) -> Response:
    day = asked.date or _today(services)
    page = await services.store.usage_records(project, day=day_key(day), after=asked.cursor, limit=asked.limit)
    if page.unreadable:
        services.telemetry.unreadable_records(request.state.request_id, project, page.unreadable)
    own = [record for record in page.records if _is_shown(record, caller, asked)]
    form = chosen_form(request, asked.format)
    if form != "json":
        told = {"x-gateway-next-cursor": page.cursor, "x-gateway-unreadable": str(page.unreadable or "")}
        headers = {name: value for name, value in told.items() if value}
        row_of = table_row if form == "csv" else record_row
        rows = [row_of(record) for record in own]
        return table(form, f"records-{project}-{day.isoformat()}", RECORD_COLUMNS, rows, headers)
    return whole(
        {
            "date": day.isoformat(),
            "records": [record_row(record) for record in own],
            "next_cursor": page.cursor or None,
            **looked(page),
            "unreadable": page.unreadable,
        }
    )


async def _new_records(
    request: Request, services: Services, caller: Caller, project: str, asked: RecordsQuery
) -> dict[str, Any]:
    now_ms = services.clock.now_ms()
    new = await records_since(services.store, project, asked.after or LATEST, now_ms=now_ms, limit=asked.limit)
    if new.unreadable:
        services.telemetry.unreadable_records(request.state.request_id, project, new.unreadable)
    return {
        "records": [record_row(record) for record in new.records if _is_shown(record, caller, asked)],
        "after": new.after,
        "more": new.more,
        "unreadable": new.unreadable,
    }


def _is_shown(record: UsageRecord, caller: Caller, asked: RecordsQuery) -> bool:
    """Whether it is asked for. A key that is bound to a user sees that user's only."""
    return caller.user_id in ("", record.user_id) and asked.has(record)


def _report_query(asked: UsageQuery, caller: Caller, services: Services) -> ReportQuery:
    if asked.group_by == "project" and not caller.admin:
        raise Forbidden("Only an admin key may group by project.", param="group_by")
    start, end = period(asked.start_date, asked.end_date, _today(services))
    model = services.settings.catalog.resolve(asked.model).key if asked.model else ""
    # A key that is bound to a user sees that user's numbers only.
    user = attribute(caller, asked.project_id, None, asked.user_id).user_id
    return ReportQuery(start, end, asked.group_by, asked.agent_id or "", user, model, asked.key_id or "")


async def _report(query: ReportQuery, asked: UsageQuery, caller: Caller, services: Services) -> Report:
    store = services.store
    if query.group_by == "project":
        projects = [asked.project_id] if asked.project_id else await store.projects()
        await asyncio.gather(*(services.bookkeeper.before_report(project) for project in projects))
        return await by_project(store, query, projects)
    project = attribute(caller, asked.project_id, None, None).project_id
    await services.bookkeeper.before_report(project)
    if query.group_by == "session":
        return await by_session(store, query, project)
    return await report_of(store, query, project)


def _answer(request: Request, asked: UsageQuery, query: ReportQuery, found: Report) -> Response:
    body = report_body(query, found)
    form = chosen_form(request, asked.format)
    if form == "json":
        return whole(body)
    name = f"usage-by-{query.group_by}-{query.start.isoformat()}-{query.end.isoformat()}"
    return table(form, name, report_columns(query), body["rows"], {})


async def _budgets(caller: Caller, whom: Attribution, services: Services, *, every: bool) -> dict[str, Any]:
    """What the project, the key and the user have left, or `every` scope that has spent anything this month."""
    await services.bookkeeper.before_report(whom.project_id)
    scopes = ["p", *([f"k:{caller.key_id}"] if whom.project_id == caller.project_id else [])]
    scopes += [f"u:{whom.user_id}"] if whom.user_id else []
    day = day_key(_today(services))
    more: dict[str, int] = {}
    if every and not whom.user_id:
        found = await services.store.budget_scopes(whom.project_id, month=day[:6])
        scopes, more = found[:MOST_SCOPES], {"left_out": max(0, len(found) - MOST_SCOPES)}
    lines = await services.store.budget_lines(whom.project_id, day=day, scopes=scopes)
    return {"project_id": whom.project_id, "budgets": [budget_row(line) for line in lines], **more}


def _today(services: Services) -> date:
    return utc_date(services.clock.now_ms())
