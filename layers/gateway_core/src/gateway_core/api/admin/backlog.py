"""/admin/backlog: usage that the store could not be told of yet."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from starlette.requests import Request

from gateway_core.api.admin.operator import Desk
from gateway_core.api.routes import Routes
from gateway_core.domain.errors import BacklogUnavailable
from gateway_core.ports.replaying import BacklogKeeper

_NONE = "There is no backlog here: what cannot be settled is in the log. Settle it by: gateway usage replay LOG."


def add_backlog(routes: Routes, desk: Desk, keeper: BacklogKeeper | None) -> None:
    """The routes of the backlog; `keeper` is None where there is none."""

    @routes.get("/admin/backlog")
    async def show(request: Request) -> dict[str, Any]:
        async with desk.serve(request, "backlog.shown", changes=False):
            return asdict(await _of(keeper).state())

    @routes.post("/admin/backlog/replay")
    async def replay(request: Request) -> dict[str, Any]:
        async with desk.serve(request, "backlog.replayed"):
            return {"replayed": dict(await _of(keeper).replay())}


def _of(keeper: BacklogKeeper | None) -> BacklogKeeper:
    if keeper is None:
        raise BacklogUnavailable(_NONE)
    return keeper
