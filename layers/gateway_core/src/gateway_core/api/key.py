"""GET /v1/key: what the key that asks may do, for whoever holds it."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from gateway_core.api.auth import identify
from gateway_core.api.routes import Routes
from gateway_core.services import Current, Services


def router(source: Current[Services]) -> Routes:
    """The route, closed over where its services come from. Every key may ask; it is told nothing of others."""
    routes = Routes()

    @routes.get("/v1/key")
    async def key(request: Request) -> dict[str, Any]:
        caller = await identify(request, source.now())
        return {
            "key_id": caller.key_id,
            "project_id": caller.project_id,
            "user_id": caller.user_id,
            "admin": caller.admin,
            "groups": sorted(caller.groups),
            "models": sorted(caller.models),
            "tools": sorted(caller.tools),
        }

    return routes
