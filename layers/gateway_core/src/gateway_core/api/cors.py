"""Lets the pages of some web origins call, and read what they are answered (the Fetch standard's CORS protocol)."""

from __future__ import annotations

from collections.abc import Callable
from typing import override

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway_core.config.web_origins import WebOrigins

# What a route takes is its own to say: a page could not read a 405 whose preflight had failed.
_METHODS = ("GET", "HEAD", "POST", "DELETE")
_TOLD = (
    "allow",
    "mcp-protocol-version",
    "request-id",
    "retry-after",
    "www-authenticate",
    "x-amzn-remapped-www-authenticate",  # what API Gateway makes of it
    "x-gateway-attempts",
    "x-gateway-cached",
    "x-gateway-cost-usd",
    "x-gateway-degraded",
    "x-gateway-downgraded",
    "x-gateway-dropped",
    "x-gateway-model",
    "x-gateway-provider",
    "x-gateway-request-id",
    "x-gateway-saved-usd",
    "x-request-id",
    "x-should-retry",
)


class Pages(CORSMiddleware):
    """Around an app: browsers ask it before they send a page's request, and it answers them without a key.

    Any request header may be sent (SDKs have dozens, and there are no cookies to protect). `origins` are asked for with
    each request.
    """

    def __init__(self, app: ASGIApp, origins: Callable[[], WebOrigins]) -> None:
        super().__init__(app, allow_methods=_METHODS, allow_headers=["*"], expose_headers=_TOLD)
        self._origins = origins

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if any(name == b"origin" for name, _ in scope.get("headers", ())):
            await super().__call__(scope, receive, send)
        else:  # a program
            await self.app(scope, receive, send)

    @override
    def is_allowed_origin(self, origin: str) -> bool:
        return self._origins().allows(origin)
