"""The ASGI app of the MCP endpoint."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastmcp import FastMCP
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway_core.access.authenticator import Authenticator
from gateway_core.api.cors import Pages
from gateway_core.domain.oauth import WELL_KNOWN
from gateway_core.domain.request_ids import new_request_id
from gateway_core.mcp_front.gate import Gate, no_route
from gateway_core.mcp_front.oauth.challenge import metadata
from gateway_core.mcp_front.oauth.door import TokenDoor
from gateway_core.mcp_front.server import create_server
from gateway_core.mcp_front.settings import McpSettings
from gateway_core.ports import Clock, Invoker
from gateway_core.services import Current
from gateway_core.telemetry.telemetry import Telemetry

PATH = "/mcp"
REGISTRATION = "/register"
"""Where a client of OAuth that was refused, and found no metadata, asks to be registered (MCP of 2025-03-26)."""
METADATA = (WELL_KNOWN, f"{WELL_KNOWN}{PATH}")
_NO_OAUTH = (
    "The gateway's key is wrong or missing, and there is no OAuth. Send a valid key as 'Authorization: Bearer gk_...'."
)
_BRIEFLY = "max-age=300"


def create_mcp(
    invoker: Invoker,
    authenticator: Authenticator,
    settings: Current[McpSettings],
    telemetry: Telemetry,
    clock: Clock,
    tokens: TokenDoor | None = None,
) -> ASGIApp:
    """POST /mcp over the functions that `invoker` reaches. Without `tokens` only keys are taken."""
    return serve_server(create_server(invoker, telemetry, clock), authenticator, settings, telemetry, tokens)


def serve_server(
    server: FastMCP[Any],
    authenticator: Authenticator,
    settings: Current[McpSettings],
    telemetry: Telemetry,
    tokens: TokenDoor | None = None,
) -> ASGIApp:
    """POST /mcp for any server. GET and DELETE are 405: there are no sessions, and an open stream would cost."""
    gate = Gate(_Stateless(server), authenticator, settings, telemetry, tokens)
    about = _About(settings)
    app = Starlette(
        routes=[
            Route(PATH, gate, methods=["POST"]),
            Route(REGISTRATION, about.refuse_registration, methods=["POST"]),
            *(Route(path, about.metadata, methods=["GET"]) for path in METADATA),
        ],
        middleware=[Middleware(Pages, origins=lambda: settings.now().web_origins)],
        exception_handlers={HTTPException: no_route},
    )
    app.router.redirect_slashes = False
    return app


class _About:
    """What clients of OAuth ask beside `/mcp`."""

    def __init__(self, settings: Current[McpSettings]) -> None:
        self._settings = settings

    async def metadata(self, request: Request) -> Response:
        """Who issues tokens for `/mcp` (RFC 9728); 404 where none are taken, as for a path that there is not."""
        oauth = self._settings.now().oauth
        if oauth is None:
            return no_route(request, HTTPException(HTTPStatus.NOT_FOUND))
        return JSONResponse(metadata(oauth), headers={"x-request-id": new_request_id(), "cache-control": _BRIEFLY})

    async def refuse_registration(self, _request: Request) -> Response:
        """In OAuth's form (RFC 7591), whose text such clients show. Of any other they say that they cannot read it."""
        oauth = self._settings.now().oauth
        text = _NO_OAUTH if oauth is None else f"Clients are registered by the issuer of tokens, {oauth.issuer}."
        headers = {"x-request-id": new_request_id(), "cache-control": "no-store"}
        body = {"error": "invalid_client_metadata", "error_description": text}
        return JSONResponse(body, HTTPStatus.BAD_REQUEST, headers)


class _Stateless:
    """FastMCP's app, made and started for each request.

    Its lifespan holds the sessions' tasks, and Lambda gives no place to keep one: Mangum starts it for each
    invocation, our own runtime never. Started here it works anywhere, and nothing outlives its request.
    """

    def __init__(self, server: FastMCP[Any]) -> None:
        self._server = server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The gate guards host and origin.
        app = self._server.http_app(path=PATH, stateless_http=True, json_response=False, host_origin_protection=False)
        async with app.lifespan(app):
            await app(scope, receive, send)
