"""Who calls, as the MCP front tells it to the functions that it invokes: a token itself never leaves the front.

Sealed by HMAC-SHA256 with a secret that is derived (HKDF, RFC 5869) from the store's token, which all functions read
anyway and nobody else has. Whoever may invoke the functions, but not read that, can name nobody.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from gateway_core.domain.caller import Caller, Grant
from gateway_core.domain.credentials import Secret
from gateway_core.domain.errors import Unauthenticated

LIFE_MS = 60_000
"""For an invocation to begin; who has been let in by then is not asked again."""
_EARLY_MS = 10_000
"""How far the clocks of two functions may be apart."""
_HASH = "sha256"
_SALT, _INFO = b"llm-gateway", b"internal identity 1"


@dataclass(frozen=True, slots=True)
class InternalIdentity:
    """A user of tokens by the record that the store has of him, and what his token leaves of its rights."""

    project_id: str
    digest: str
    user_id: str
    grant: Grant

    @classmethod
    def of(cls, caller: Caller) -> Self:
        """That of a caller by token."""
        return cls(caller.project_id, caller.digest, caller.user_id, caller.grant or Grant())


class IdentitySeal:
    """Seals identities, and opens what was sealed by the same secret."""

    def __init__(self, store_token: Secret) -> None:
        extracted = hmac.digest(_SALT, store_token.reveal().encode(), _HASH)
        self._key = hmac.digest(extracted, _INFO + b"\x01", _HASH)

    def seal(self, identity: InternalIdentity, now_ms: int) -> str:
        """The identity, to be told until `LIFE_MS` from now. It holds no secret, and cannot be changed."""
        facts = {
            "project": identity.project_id,
            "digest": identity.digest,
            "user": identity.user_id,
            "rights": _packed(identity.grant),
            "from": now_ms,
            "jti": secrets.token_hex(8),
        }
        body = _encoded(json.dumps(facts, separators=(",", ":")).encode())
        return f"{body}.{self._sign(body)}"

    def open(self, text: str, now_ms: int) -> InternalIdentity:
        """What was sealed. Raises Unauthenticated for anything else, and once its time is over."""
        body, _, signature = text.partition(".")
        if not hmac.compare_digest(self._sign(body).encode(), signature.encode()):
            raise _refused("its seal is not ours")
        try:
            facts = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
            identity = InternalIdentity(facts["project"], facts["digest"], facts["user"], _unpacked(facts["rights"]))
            age_ms = now_ms - facts["from"]
        except (binascii.Error, ValueError, LookupError, TypeError):
            raise _refused("it cannot be read") from None
        if not -_EARLY_MS <= age_ms < LIFE_MS:
            raise _refused(f"it is {age_ms} ms old")
        return identity

    def _sign(self, body: str) -> str:
        return _encoded(hmac.digest(self._key, body.encode(), _HASH))


def pack_grant(grant: Grant | None) -> str:
    """As text, empty for none, for who has to keep it."""
    return "" if grant is None else json.dumps(_packed(grant), separators=(",", ":"))


def parse_grant(text: str) -> Grant | None:
    """Raises LookupError, TypeError, ValueError for what is none."""
    return _unpacked(json.loads(text)) if text else None


def _packed(grant: Grant) -> dict[str, Any]:
    sets = {"groups": grant.groups, "tools": grant.tools, "models": grant.models}
    return {"admin": grant.admin} | {name: sorted(names) for name, names in sets.items() if names is not None}


def _unpacked(rights: dict[str, Any]) -> Grant:
    if not isinstance(rights["admin"], bool):
        raise TypeError
    return Grant(_names(rights, "groups"), _names(rights, "tools"), _names(rights, "models"), rights["admin"])


def _names(rights: dict[str, Any], what: str) -> frozenset[str] | None:
    names: Sequence[str] | None = rights.get(what)
    return None if names is None else frozenset(names)


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _refused(why: str) -> Unauthenticated:
    return Unauthenticated("The identity that another function told is not valid. Call again.", detail=why)
