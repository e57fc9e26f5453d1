"""The application factory: routers in, one ASGI app out."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from fastapi import APIRouter, FastAPI
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway_core.api.errors import error_response, install
from gateway_core.domain.errors import LLMError
from gateway_core.services import Current, Services
from gateway_core.telemetry.telemetry import Telemetry


def create_app[S: Services](source: Current[S], *routers: Callable[[Current[S]], APIRouter]) -> FastAPI:
    """An app that serves `routers`, each request with what `source` has then.

    It publishes no schema page: the wire is documented, not discovered. `app.state.events` is where its events go.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    for router in routers:
        app.include_router(router(source))
    telemetry = source.now().telemetry
    app.state.events = source.now().events
    install(app, telemetry)
    app.add_middleware(RequestGuard, telemetry=telemetry)
    return app


class RequestGuard:
    """Names each request, and turns a crash into an answer without its trace."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        self._app = app
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = f"req_{uuid.uuid4().hex}"
        scope.setdefault("state", {})["request_id"] = request_id
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            return  # the caller left before the body was whole: nothing was done, and nobody is there to be told
        except Exception as error:
            self._telemetry.crashed(request_id, error, scope["path"])
            if started:
                raise
            answer = error_response(LLMError("The gateway failed. Quote the request_id to its operator."), request_id)
            await answer(scope, receive, send)
