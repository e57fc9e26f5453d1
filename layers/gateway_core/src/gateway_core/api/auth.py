"""From request headers to a Caller."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.requests import Request

from gateway_core.api.turn import let_in
from gateway_core.domain.caller import Caller
from gateway_core.domain.errors import Unauthenticated
from gateway_core.services import Services


async def identify(request: Request, services: Services) -> Caller:
    """The caller of a request, noted on it, once it is the request's turn, see `let_in`. Raises what that does."""
    key = presented_key(request.headers)
    request.state.caller = caller = await let_in(request.scope, key, services.authenticator, services.settings.crowd)
    return caller


def presented_key(headers: Headers) -> str:
    """The key that the request shows. Raises Unauthenticated if there is none, or more than one."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    key = headers.get("x-api-key", "").strip()
    if bearer and key and bearer != key:
        raise Unauthenticated("'Authorization' and 'x-api-key' show different API keys. Send one of them.")
    if bearer or key:
        return bearer or key
    raise Unauthenticated("No API key was sent. Send 'Authorization: Bearer gk_...' or 'x-api-key: gk_...'.")
