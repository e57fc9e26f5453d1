"""/admin/holds: what is held for attempts whose end nobody knows, and what becomes of it."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from gateway_core.access.administration import Line
from gateway_core.access.reconciling import Charge, Selection
from gateway_core.api.admin.operator import MOST_BODY_BYTES, Deed, Desk
from gateway_core.api.admin.schemas import HoldsQuery, ReleaseBody
from gateway_core.api.body import read_json, validate
from gateway_core.api.query import query_of
from gateway_core.api.routes import Routes
from gateway_core.domain.errors import InvalidRequest
from gateway_core.store.budget import NOTHING, Amount


def add_holds(routes: Routes, desk: Desk) -> None:
    """The routes of holds."""

    @routes.get("/admin/holds")
    async def several(request: Request) -> dict[str, Any]:
        async with desk.serve(request, "hold.listed", changes=False) as deed:
            asked = validate(HoldsQuery, query_of(request))
            deed.target = deed.project_id = asked.project_id or ""
            work = deed.work.reconciling
            found = await work.select(_selection(asked))
            lines = work.lines(found.holds[: asked.limit])
            left_off = len(found.holds) - len(lines)
            return {"holds": [_row(line) for line in lines], "left_off": left_off, "sums": work.sums(found)}

    @routes.post("/admin/holds/release")
    async def release(request: Request) -> dict[str, Any]:
        async with desk.serve(request, "hold.released") as deed:
            body = validate(ReleaseBody, await read_json(request, MOST_BODY_BYTES))
            deed.project_id, deed.changes = body.project_id or "", not body.dry_run
            lines = await (_one(deed, body) if body.hold else _all(deed, body))
            return {"holds": [_row(line) for line in lines], "dry_run": body.dry_run}


async def _one(deed: Deed, body: ReleaseBody) -> list[Line]:
    if not body.hold or not body.project_id:
        raise InvalidRequest("project_id: name the hold's, as the list shows it.", param="project_id", schema=True)
    deed.target = f"{body.hold[0]}.{body.hold[1]}"
    charge, work = _charge(body) or NOTHING, deed.work.reconciling
    return [await work.release(body.project_id, body.month, body.hold, charge, dry_run=body.dry_run)]


async def _all(deed: Deed, body: ReleaseBody) -> list[Line]:
    """The operator has to say what they cost: nothing is given back, and nothing spent, unsaid."""
    charge = _charge(body)
    if charge is None:
        text = "charge: say what to charge for all of them: known, bound, or an amount of USD; or name one hold."
        raise InvalidRequest(text, param="charge", schema=True)
    deed.target = "all"
    work = deed.work.reconciling
    found = await work.select(_selection(body))
    return await work.release_all(found.holds, charge, dry_run=body.dry_run)


def _charge(body: ReleaseBody) -> Charge | None:
    charge: Charge | None = body.charge
    if not body.charge_tokens:
        return charge
    if isinstance(charge, str):
        text = "charge_tokens: goes with an amount of USD. known and bound say how many tokens by themselves."
        raise InvalidRequest(text, param="charge_tokens", schema=True)
    return Amount(charge.nano if charge else 0, body.charge_tokens)


def _selection(asked: HoldsQuery | ReleaseBody) -> Selection:
    return Selection(asked.project_id or "", asked.month, asked.state, asked.older_than * 1000)


def _row(line: Line) -> dict[str, Any]:
    return {"hold": line["hold"], "project_id": line["project"], **{k: v for k, v in line.items() if k != "project"}}
