"""/admin/budgets: of projects and users."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from gateway_core.access.administration import Line
from gateway_core.api.admin.operator import MOST_BODY_BYTES, Desk
from gateway_core.api.admin.schemas import BudgetBody, BudgetsQuery
from gateway_core.api.body import read_json, validate
from gateway_core.api.query import query_of
from gateway_core.api.routes import Routes

_NONE: Mapping[str, None] = dict.fromkeys(("day_nano", "month_nano", "day_tokens", "month_tokens"))


def add_budgets(routes: Routes, desk: Desk) -> None:
    """The routes of budgets."""

    @routes.get("/admin/budgets")
    async def show(request: Request) -> dict[str, Any]:
        async with desk.serve(request, "budget.listed", changes=False) as deed:
            asked = validate(BudgetsQuery, query_of(request))
            deed.target = deed.project_id = asked.project_id or ""
            if asked.project_id:
                await deed.work.check_project(asked.project_id)
                await deed.services.bookkeeper.before_report(asked.project_id)
            page = await deed.work.budget_page(asked.project_id, asked.user_id, after=asked.cursor, limit=asked.limit)
            return {"budgets": [_row(line) for line in page.lines], "next_cursor": page.next_cursor}

    @routes.patch("/admin/budgets")
    async def change(request: Request) -> dict[str, Any]:
        return await _set(request, {})

    @routes.put("/admin/budgets")
    async def replace(request: Request) -> dict[str, Any]:
        return await _set(request, _NONE)

    async def _set(request: Request, unless_named: Mapping[str, None]) -> dict[str, Any]:
        async with desk.serve(request, "budget.set") as deed:
            body = validate(BudgetBody, await read_json(request, MOST_BODY_BYTES))
            deed.project_id, user = body.project_id, body.user_id or ""
            deed.target = f"u:{user}" if user else "p"
            return _row(await deed.work.set_budget(body.project_id, user, {**unless_named, **body.limits()}))


def _row(line: Line) -> dict[str, Any]:
    named = {"user_id": line["user"] or None} if "user" in line else {}
    rest = {name: value for name, value in line.items() if name not in {"project", "user"}}
    return {"project_id": line["project"], **named, **rest}
