"""From a request to a Caller."""

from __future__ import annotations

from functools import partial

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Scope

from gateway_core.access.internal_identity import IdentitySeal
from gateway_core.access.rights import narrowed
from gateway_core.api.turn import in_turn, let_in
from gateway_core.crowd.limiter import Claim
from gateway_core.domain.caller import Caller
from gateway_core.domain.errors import Unauthenticated
from gateway_core.invocation import identity_in
from gateway_core.services import Services


async def identify(request: Request, services: Services) -> Caller:
    """The caller of a request, noted on it, once it is the request's turn, see `let_in`. Raises what that does.

    It is by its key, or by what the MCP front says of who came with a token.
    """
    sealed = identity_in(request.scope.get("aws.event"))
    if sealed is None:
        key = presented_key(request.headers)
        caller = await let_in(request.scope, key, services.authenticator, services.settings.crowd)
    else:
        caller = await _vouched(request.scope, sealed, services)
    request.state.caller = caller
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


async def _vouched(scope: Scope, sealed: str, services: Services) -> Caller:
    """Who is named by an identity that the MCP front has sealed."""
    store = services.settings.store
    if store is None:
        raise Unauthenticated("No identity is taken here. Send a key.", detail="no store is named")
    identity = IdentitySeal(store.token).open(sealed, services.clock.now_ms())
    authenticator, of = services.authenticator, (identity.project_id, identity.digest)
    claim = Claim(identity.project_id, stranger=not authenticator.known_by(*of))
    found = await in_turn(scope, claim, services.settings.crowd, partial(authenticator.find, *of))
    if found.user_id != identity.user_id:
        raise Unauthenticated("The user of this identity has changed. Call again.")
    return narrowed(found, identity.grant)
