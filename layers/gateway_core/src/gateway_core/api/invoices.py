"""GET /v1/invoices: what providers say that they bill, beside what was booked. For admin keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Annotated, Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from gateway_core.access.rights import check_tool
from gateway_core.api.auth import identify
from gateway_core.api.body import Strict, validate
from gateway_core.api.forms import Form, chosen_form, table, whole
from gateway_core.api.query import Day, query_of
from gateway_core.api.routes import Routes
from gateway_core.domain.cost import usd
from gateway_core.domain.errors import Forbidden, InvalidRequest
from gateway_core.domain.times import iso, utc_date
from gateway_core.services import Current, Services
from gateway_core.store.invoices import InvoiceDay
from gateway_core.store.report_query import ReportQuery, period
from gateway_core.wires.billing import BILLED

TOOL = "get_usage"
_COLUMNS = ("provider", "day", "partial", "name", "billed_usd", "booked_usd", "difference_usd", "checked_at")


class InvoicesQuery(Strict):
    """The query of `/v1/invoices`."""

    start_date: Day | None = None
    end_date: Day | None = None
    provider: Annotated[str, Field(max_length=64)] | None = None
    format: Form | None = None


def router(source: Current[Services]) -> Routes:
    """The route, closed over where its services come from."""
    routes = Routes()

    @routes.get("/v1/invoices")
    async def invoices(request: Request) -> Response:
        services = source.now()
        caller = await identify(request, services)
        check_tool(caller, TOOL)
        if not caller.admin:
            raise Forbidden("Only an admin key may see what providers bill: it is for all projects together.")
        asked = validate(InvoicesQuery, query_of(request))
        start, end = period(asked.start_date, asked.end_date, utc_date(services.clock.now_ms()))
        providers = BILLED if asked.provider is None else [_billed(asked.provider)]
        found = await services.store.invoices(providers, ReportQuery(start, end).days)
        form = chosen_form(request, asked.format)
        if form == "json":
            return whole(_body(start, end, found))
        rows = [row for one in found for row in _rows(one)]
        return table(form, f"invoices-{start.isoformat()}-{end.isoformat()}", _COLUMNS, rows, {})

    return routes


def _billed(provider: str) -> str:
    if provider not in BILLED:
        known = " and ".join(BILLED)
        raise InvalidRequest(f"provider: only {known} tell what they bill.", param="provider", schema=True)
    return provider


def _body(start: date, end: date, found: Sequence[InvoiceDay]) -> dict[str, Any]:
    """Totals are by provider, of days that are over."""
    names = sorted({one.provider for one in found})
    totals = [
        {"provider": name, **_sums(one for one in found if one.provider == name and not one.partial)} for name in names
    ]
    return {
        "start_date": start.isoformat(),
        "end_date": end.isoformat(),
        "totals": totals,
        "days": [_day(one) for one in found],
    }


def _day(found: InvoiceDay) -> dict[str, Any]:
    return {
        "provider": found.provider,
        "day": found.day.isoformat(),
        "partial": found.partial,
        "differs": found.differs,
        "checked_at": iso(found.checked_ms),
        **_amounts(found.billed_nano, found.booked_nano),
        "lines": [{"name": one.name, **_amounts(one.billed_nano, one.booked_nano)} for one in found.lines],
    }


def _rows(found: InvoiceDay) -> Iterable[dict[str, Any]]:
    day = {name: value for name, value in _day(found).items() if name in _COLUMNS}
    return ({**day, "name": one.name, **_amounts(one.billed_nano, one.booked_nano)} for one in found.lines)


def _sums(found: Iterable[InvoiceDay]) -> dict[str, str]:
    days = list(found)
    return _amounts(sum(one.billed_nano for one in days), sum(one.booked_nano for one in days))


def _amounts(billed_nano: int, booked_nano: int) -> dict[str, str]:
    """Decimal strings of USD; the difference is negative where less was billed than booked."""
    return {
        "billed_usd": usd(billed_nano),
        "booked_usd": usd(booked_nano),
        "difference_usd": usd(billed_nano - booked_nano),
    }
