"""GET /v1/usage, /v1/usage/records and /v1/budgets: what was used, what it cost, what is left."""

from __future__ import annotations

import asyncio
import re
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from starlette.requests import Request

from gateway_core.access.budget_rows import budget_row
from gateway_core.access.rights import attribute, check_tool
from gateway_core.api.auth import identify
from gateway_core.api.body import Party, Strict, validate
from gateway_core.api.query import query_of
from gateway_core.api.routes import Routes
from gateway_core.api.usage_reports import by_project, by_session, report_of
from gateway_core.domain.caller import Caller
from gateway_core.domain.cost import usd
from gateway_core.domain.errors import Forbidden
from gateway_core.domain.times import day_key, iso, utc_date
from gateway_core.services import Current, Services
from gateway_core.store.counters import Counters
from gateway_core.store.records import UsageRecord
from gateway_core.store.report_query import ReportQuery, period
from gateway_core.store.reports import Report

TOOL = "get_usage"
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_HIDDEN = frozenset({"input_nano", "output_nano", "estimated_nano"})

type Project = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$")]


def _is_iso(text: object) -> object:
    if isinstance(text, str) and not _ISO_DAY.fullmatch(text):  # pydantic takes seconds since 1970 as well
        raise ValueError("must be a day, such as 2026-01-31")
    return text


type Day = Annotated[date, BeforeValidator(_is_iso), Field(strict=False)]


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


class RecordsQuery(Strict):
    """The query of `/v1/usage/records`: one UTC day, a page at a time."""

    project_id: Project | None = None
    date: Day | None = None
    cursor: Annotated[str, Field(max_length=64, pattern=r"^[0-9-]*$")] = ""
    limit: Annotated[int, Field(strict=False, ge=1, le=1000)] = 100


class BudgetsQuery(Strict):
    """The query of `/v1/budgets`."""

    project_id: Project | None = None
    user_id: Party | None = None


def router(source: Current[Services]) -> Routes:
    """The routes, closed over where their services come from."""
    routes = Routes()

    @routes.get("/v1/usage")
    async def usage(request: Request) -> dict[str, Any]:
        services = source.now()
        caller = await _allowed(request, services)
        asked = validate(UsageQuery, query_of(request))
        query = _report_query(asked, caller, services)
        report = await _report(query, asked, caller, services)
        if report.unreadable:
            services.telemetry.unreadable_records(request.state.request_id, caller.project_id, report.unreadable)
        return _body(query, report)

    @routes.get("/v1/usage/records")
    async def records(request: Request) -> dict[str, Any]:
        services = source.now()
        caller = await _allowed(request, services)
        asked = validate(RecordsQuery, query_of(request))
        day = asked.date or _today(services)
        project = attribute(caller, asked.project_id, None, None).project_id
        page = await services.store.usage_records(project, day=day_key(day), after=asked.cursor, limit=asked.limit)
        if page.unreadable:
            services.telemetry.unreadable_records(request.state.request_id, project, page.unreadable)
        own = [record for record in page.records if caller.user_id in ("", record.user_id)]
        return {
            "date": day.isoformat(),
            "records": [record_body(record) for record in own],
            "next_cursor": page.cursor or None,
            "unreadable": page.unreadable,
        }

    @routes.get("/v1/budgets")
    async def budgets(request: Request) -> dict[str, Any]:
        services = source.now()
        caller = await _allowed(request, services)
        asked = validate(BudgetsQuery, query_of(request))
        whom = attribute(caller, asked.project_id, None, asked.user_id)
        await services.bookkeeper.before_report(whom.project_id)
        scopes = ["p", *([f"k:{caller.key_id}"] if whom.project_id == caller.project_id else [])]
        scopes += [f"u:{whom.user_id}"] if whom.user_id else []
        lines = await services.store.budget_lines(whom.project_id, day=day_key(_today(services)), scopes=scopes)
        return {"project_id": whom.project_id, "budgets": [budget_row(line) for line in lines]}

    return routes


async def _allowed(request: Request, services: Services) -> Caller:
    caller = await identify(request, services)
    check_tool(caller, TOOL)
    return caller


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


def _body(query: ReportQuery, found: Report) -> dict[str, Any]:
    return {
        "start_date": query.start.isoformat(),
        "end_date": query.end.isoformat(),
        "group_by": query.group_by,
        "totals": _counters_body(found.totals),
        "rows": [{query.column: name, **_counters_body(counted)} for name, counted in found.rows],
        **({"unreadable": found.unreadable} if query.group_by == "session" else {}),
    }


def _counters_body(counted: Counters) -> dict[str, Any]:
    return {
        "requests": counted.requests,
        "errors": counted.errors,
        "cache_hits": counted.cache_hits,
        **({"downgraded": counted.downgraded} if counted.downgraded else {}),
        "input_tokens": counted.input_tokens,
        "output_tokens": counted.output_tokens,
        "cost_usd": usd(counted.cost_nano),
        "estimated_usd": usd(counted.estimated_nano),
        "latency_ms": {
            "average": round(counted.latency_ms / counted.requests) if counted.requests else None,
            "p50": counted.latency_at_most_ms(0.5),
            "p95": counted.latency_at_most_ms(0.95),
        },
    }


def record_body(record: UsageRecord) -> dict[str, Any]:
    """A record on the wire: money as decimal strings, time as RFC 3339."""
    shown = {name: value for name, value in asdict(record).items() if name not in _HIDDEN}
    return {
        **shown,
        "at": iso(record.at_ms),
        "input_usd": usd(record.input_nano),
        "output_usd": usd(record.output_nano),
        "cost_usd": usd(record.cost_nano),
        "estimated_usd": usd(record.estimated_nano),
    }


def _today(services: Services) -> date:
    return utc_date(services.clock.now_ms())
