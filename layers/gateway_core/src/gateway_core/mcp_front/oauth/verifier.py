"""Whether a token is what it says: a JSON Web Token that the configured issuer signed for us, and that is good now.

PyJWT proves the signature and nothing else. What the claims have to be is ours to say, as is the time, and the key
comes over our own HTTP: its client of key sets would block, and follow redirects.
"""

from __future__ import annotations

import re
from typing import Any

from gateway_core.access.token_claims import TokenIdentity, identity_of
from gateway_core.domain.errors import InvalidToken
from gateway_core.domain.oauth import OAuthPolicy
from gateway_core.mcp_front.oauth.signing_keys import SigningKeys
from gateway_core.ports import Clock, KeySetSource

MOST_CHARACTERS = 8192
_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_MOST_KID = 256
_MALFORMED = "The token is not a signed JSON Web Token. Send an access token of the issuer, or a virtual key."
_UNSIGNED = "The token is not signed as the gateway asks for. Sign in again."
_WRONG = "The token's signature is wrong. Sign in again."


class TokenVerifier:
    """Checks tokens against the policy of the moment."""

    def __init__(self, source: KeySetSource, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._keys: tuple[tuple[str, int], SigningKeys] | None = None

    async def verify(self, token: str, policy: OAuthPolicy) -> TokenIdentity:
        """Whose token it is. Raises InvalidToken, InsufficientScope, Forbidden, IssuerUnavailable."""
        algorithm, kid = _header(token, policy)
        key = await self._keys_of(policy).find(kid)
        if key.algorithm not in (None, algorithm):  # a key is for one algorithm, whatever the token says
            raise InvalidToken(_UNSIGNED)
        return identity_of(_claims(token, key.material, algorithm), policy, self._clock.now_ms())

    def _keys_of(self, policy: OAuthPolicy) -> SigningKeys:
        place = (policy.jwks_url, policy.jwks_ttl_s)
        if self._keys is None or self._keys[0] != place:
            self._keys = (place, SigningKeys(self._source, *place, self._clock))
        return self._keys[1]


def _header(token: str, policy: OAuthPolicy) -> tuple[str, str]:
    """The algorithm, one that is allowed, and the name of the key."""
    import jwt  # noqa: PLC0415 - only who takes tokens loads it, and cryptography

    if len(token) > MOST_CHARACTERS or not _TOKEN.fullmatch(token):
        raise InvalidToken(_MALFORMED)
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise InvalidToken(_MALFORMED) from None
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in policy.algorithms or "crit" in header:
        raise InvalidToken(_UNSIGNED)
    if not isinstance(kid, str) or not 0 < len(kid) <= _MOST_KID:
        raise InvalidToken("The token does not name the key that signed it ('kid'). Sign in again.")
    return algorithm, kid


def _claims(token: str, key: Any, algorithm: str) -> dict[str, Any]:
    import jwt  # noqa: PLC0415 - as above

    try:
        return jwt.decode(
            token,
            key,
            [algorithm],
            options={
                "verify_aud": False,
                "verify_exp": False,
                "verify_iat": False,
                "verify_iss": False,
                "verify_jti": False,
                "verify_nbf": False,
                "verify_sub": False,
            },
        )
    except jwt.InvalidSignatureError:
        raise InvalidToken(_WRONG) from None
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise InvalidToken(_MALFORMED) from None
