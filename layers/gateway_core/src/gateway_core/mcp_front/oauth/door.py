"""Lets in who comes with a token, and vouches for him to the functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from starlette.datastructures import Headers
from starlette.types import Scope

from gateway_core.access.internal_identity import IdentitySeal, InternalIdentity
from gateway_core.access.subjects import Subjects
from gateway_core.api.turn import in_turn
from gateway_core.crowd.limiter import Claim, CrowdLimits
from gateway_core.domain.caller import Caller
from gateway_core.domain.errors import Forbidden, InvalidToken
from gateway_core.domain.oauth import OAuthPolicy
from gateway_core.mcp_front.oauth.verifier import TokenVerifier
from gateway_core.ports import Clock

type Vouch = Callable[[], str]
"""An identity, sealed now."""
_KEY_BEGINS = "gk_"


class WrongKey(Forbidden):
    """A virtual key that is not good, where tokens are taken too.

    At a 401 clients of OAuth would sign their user in, and send the wrong key again.
    """


@dataclass(frozen=True, slots=True)
class TokenDoor:
    """Checks tokens, and finds their users."""

    verifier: TokenVerifier
    subjects: Subjects
    seal: IdentitySeal
    clock: Clock

    async def let_in(self, scope: Scope, token: str, policy: OAuthPolicy, limits: CrowdLimits) -> tuple[Caller, Vouch]:
        """The caller, once it is the request's turn, and what names him to a function.

        Raises InvalidToken, Forbidden, IssuerUnavailable, Overloaded, StoreUnavailable.
        """
        identity = await self.verifier.verify(token, policy)
        claim = Claim(identity.project_id, stranger=not self.subjects.known(identity))
        caller = await in_turn(scope, claim, limits, partial(self.subjects.caller, identity, policy.first))
        return caller, partial(self._vouch, InternalIdentity.of(caller))

    def _vouch(self, identity: InternalIdentity) -> str:
        return self.seal.seal(identity, self.clock.now_ms())


def shown_token(headers: Headers, key: str) -> str | None:
    """The token among the headers, None where what is shown is, or is to be, a virtual key.

    Raises InvalidToken where there are several.
    """
    if key.startswith(_KEY_BEGINS) or headers.get("x-api-key", "").strip():
        return None
    if len(headers.getlist("authorization")) > 1:
        raise InvalidToken("'Authorization' is there several times. Send it once.")
    return key
