"""From request headers to a Caller."""

from __future__ import annotations

from fastapi import Request

from gateway_core.domain.caller import Caller
from gateway_core.domain.errors import Unauthenticated
from gateway_core.services import Services


async def identify(request: Request, services: Services) -> Caller:
    """The caller of a request, noted on it. Raises Unauthenticated, or StoreUnavailable when nobody can tell."""
    request.state.caller = caller = await services.authenticator.authenticate(_presented_key(request))
    return caller


def _presented_key(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    if key := request.headers.get("x-api-key"):
        return key.strip()
    raise Unauthenticated("No API key was sent. Send 'Authorization: Bearer gk_...' or 'x-api-key: gk_...'.")
