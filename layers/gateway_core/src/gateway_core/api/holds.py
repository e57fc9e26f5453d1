"""GET /v1/holds: money that is held, or booked as an estimate, until somebody knows what an attempt cost."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field
from starlette.requests import Request

from gateway_core.access.rights import attribute, check_tool
from gateway_core.api.auth import identify
from gateway_core.api.body import Strict, validate
from gateway_core.api.query import query_of
from gateway_core.api.routes import Routes
from gateway_core.api.usage import TOOL, Project
from gateway_core.domain.cost import usd
from gateway_core.domain.times import iso
from gateway_core.services import Current, Services
from gateway_core.store.estimates import months_with_holds
from gateway_core.store.records import HoldPage, OpenHold

_ENOUGH = 100
_LAST_CURSOR = 2**64 - 1
_MOST_TRIPS = 10
"""A page of a month's hash may have no hold in it: so many are looked through for one answer."""


def _taken(cursor: str) -> str:
    """What the store takes: its error for what a caller made up would look like an outage."""
    if int(cursor[7:] or 0) > _LAST_CURSOR:
        raise ValueError("is none of the cursors that were answered")
    return cursor


class HoldsQuery(Strict):
    """The query of `/v1/holds`. A cursor is that of the store, behind the month that it is in."""

    project_id: Project | None = None
    cursor: Annotated[str, Field(pattern=r"^[0-9]{4}(0[1-9]|1[0-2])-[0-9]{0,20}$"), AfterValidator(_taken)] | None = (
        None
    )


def router(source: Current[Services]) -> Routes:
    """The route, closed over where its services come from."""
    routes = Routes()

    @routes.get("/v1/holds")
    async def holds(request: Request) -> dict[str, Any]:
        services = source.now()
        caller = await identify(request, services)
        check_tool(caller, TOOL)
        asked = validate(HoldsQuery, query_of(request))
        whom = attribute(caller, asked.project_id, None, None)
        found, unreadable, after = await _some(services, whom.project_id, asked.cursor or "")
        own = (hold for hold in found.values() if whom.user_id in ("", hold.user_id))
        return {
            "project_id": whom.project_id,
            "holds": [_row(hold) for hold in sorted(own, key=lambda hold: hold.held_since_ms)],
            "next_cursor": after or None,
            "unreadable": unreadable,
        }

    return routes


async def _some(services: Services, project_id: str, cursor: str) -> tuple[dict[tuple[str, int], OpenHold], int, str]:
    """Holds by attempt, how many cannot be read, and where to go on: empty at the end of both months."""
    months = months_with_holds(services.clock.now_ms())
    month, _, behind = cursor.partition("-")
    month = month or months[0]
    found: dict[tuple[str, int], OpenHold] = {}
    unreadable = 0
    for _ in range(_MOST_TRIPS):
        page = await services.store.hold_page(project_id, month=month, cursor=behind)
        found |= {(hold.request_id, hold.attempt): hold for hold in page.holds}
        unreadable += len(page.unreadable)
        month, behind = _next(page, month, months)
        if not month or len(found) >= _ENOUGH:
            break
    return found, unreadable, f"{month}-{behind}" if month else ""


def _next(page: HoldPage, month: str, months: tuple[str, str]) -> tuple[str, str]:
    """The month and the cursor of the next page; empty where there is none."""
    if page.cursor:
        return month, page.cursor
    return (months[1], "") if month == months[0] else ("", "")


def _row(hold: OpenHold) -> dict[str, Any]:
    return {
        "request_id": hold.request_id,
        "attempt": hold.attempt,
        "state": hold.state,
        "key_id": hold.key_id,
        "user_id": hold.user_id,
        "since": iso(hold.held_since_ms),
        "hold_usd": usd(hold.hold_nano),
        "hold_tokens": hold.hold_tokens,
        "charged_usd": usd(hold.paid_nano),
        "charged_tokens": hold.paid_tokens,
    }
