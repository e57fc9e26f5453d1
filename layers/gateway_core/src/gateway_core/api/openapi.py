"""GET /openapi.json: the API as an OpenAPI document, where the operator lets it be read. `make openapi` writes it."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway_core.api.errors import serves_openapi
from gateway_core.api.routes import Routes
from gateway_core.config.documents import packaged
from gateway_core.services import Current, Services

DOCUMENT = "openapi.json"


def router(source: Current[Services]) -> Routes:
    """The route, closed over where its settings come from. It needs no key: tools that read it have none."""
    routes = Routes()

    @routes.get(f"/{DOCUMENT}")
    async def openapi(request: Request) -> Response:
        if not serves_openapi(request.scope, source.now().settings.serve_openapi):
            raise HTTPException(404)
        return Response(packaged(DOCUMENT), media_type="application/json")

    return routes
