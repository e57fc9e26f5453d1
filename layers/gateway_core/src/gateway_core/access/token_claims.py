"""Who a token is of, for which project and with which rights, by its claims. Pure; the signature is proven before."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway_core.domain.caller import Grant
from gateway_core.domain.errors import Forbidden, InsufficientScope, InvalidToken
from gateway_core.domain.oauth import OAuthPolicy
from gateway_core.store.virtual_keys import subject_digest

type Claims = Mapping[str, Any]
_MOST_SUBJECT = 255
"""Bytes of `sub`, as OpenID Connect has it; the store keeps it in the name of a field."""
_MOST_USER = 128
"""Of a user's name, as on every route."""
_MOST_NAMES = 100
_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,128}")


@dataclass(frozen=True, slots=True)
class TokenIdentity:
    """Whose token it is: `subject` of `issuer`, who counts as the user `user_id` of the project."""

    project_id: str
    issuer: str
    subject: str
    user_id: str
    grant: Grant

    @property
    def digest(self) -> str:
        """What the user's record is stored by."""
        return subject_digest(self.issuer, self.subject)


def identity_of(claims: Claims, policy: OAuthPolicy, now_ms: int) -> TokenIdentity:
    """Raises InvalidToken for a token that is not for us or not for now, InsufficientScope, and Forbidden.

    No text quotes the token.
    """
    _check_address(claims, policy)
    _check_time(claims, policy.leeway_s, now_ms / 1000)
    subject = _text(claims, "sub", _MOST_SUBJECT)
    if subject is None:
        raise InvalidToken("The token does not say whose it is: it has no 'sub'. Sign in again.")
    _check_scopes(claims, policy)
    project = _project(claims, policy)
    user = _text(claims, policy.claims.user, _MOST_USER)
    if user is None:
        raise Forbidden(f"The token does not name its user in '{policy.claims.user}'. {_ASK}")
    return TokenIdentity(project, policy.issuer, subject, user, _grant(claims, policy))


_ASK = "Ask who runs the issuer."


def _check_address(claims: Claims, policy: OAuthPolicy) -> None:
    if claims.get("iss") != policy.issuer:
        raise InvalidToken("The token is of another issuer. Sign in at the one that the gateway names.")
    audience = claims.get("aud")
    meant = audience if isinstance(audience, list) else [audience]
    if policy.audience not in meant:
        raise InvalidToken("The token is meant for somebody else: this gateway is not in its 'aud'. Sign in again.")


def _check_time(claims: Claims, leeway_s: int, now_s: float) -> None:
    expires_s = _moment(claims, "exp")
    if expires_s is None:
        raise InvalidToken("The token says of no end: it has no 'exp'. Sign in again.")
    if now_s >= expires_s + leeway_s:
        raise InvalidToken("The token has expired. Sign in again, or have it renewed.")
    for name in ("nbf", "iat"):
        begins_s = _moment(claims, name)
        if begins_s is not None and now_s < begins_s - leeway_s:
            raise InvalidToken(f"The token is not good yet, by its '{name}'. Wait, or check the issuer's clock.")


def _moment(claims: Claims, name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InvalidToken(f"The token's '{name}' is no number of seconds. Sign in again.")
    return value


def _check_scopes(claims: Claims, policy: OAuthPolicy) -> None:
    """Most issuers have one text in `scope`, some a list there or in `scp`."""
    had = _names(claims.get("scope")) | _names(claims.get("scp"))
    missing = [scope for scope in policy.scopes if scope not in had]
    if missing:
        raise InsufficientScope(f"The token lacks the scope {' '.join(missing)}. Sign in again, and agree to it.")


def _project(claims: Claims, policy: OAuthPolicy) -> str:
    if policy.project is not None:
        return policy.project
    name = policy.claims.project or ""
    project = claims.get(name)
    if not isinstance(project, str) or project not in policy.projects:
        raise Forbidden(f"The token names no project in '{name}' that may use this gateway. {_ASK}")
    return project


def _grant(claims: Claims, policy: OAuthPolicy) -> Grant:
    named = policy.claims
    return Grant(
        groups=_right(claims, named.groups),
        tools=_right(claims, named.tools),
        models=_right(claims, named.models),
        admin=named.admin is not None and claims.get(named.admin) is True,
    )


def _right(claims: Claims, name: str | None) -> frozenset[str] | None:
    """What a claim allows: nothing where it is missing, or is neither a text nor a list of texts."""
    return None if name is None else _names(claims.get(name))


def _names(value: object) -> frozenset[str]:
    names = value.split() if isinstance(value, str) else value
    if not isinstance(names, list) or len(names) > _MOST_NAMES:
        return frozenset()
    return frozenset(name for name in names if isinstance(name, str) and _NAME.fullmatch(name))


def _text(claims: Claims, name: str, most: int) -> str | None:
    """What can be kept as a name."""
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value.encode(errors="replace")) <= most:
        return None
    return value if value.isprintable() and value.strip() == value else None
