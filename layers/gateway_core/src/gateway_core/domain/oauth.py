"""What is configured of OAuth: whose tokens are taken at `/mcp`, for what, and what they may say. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from gateway_core.domain.caller import Limits

type Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"
]
"""Those with a public key: a secret that both sides had would let the gateway make tokens, and so its readers."""
WELL_KNOWN = "/.well-known/oauth-protected-resource"
"""Where RFC 9728 has what a resource says of itself, before the resource's path."""


@dataclass(frozen=True, slots=True)
class FirstRights:
    """What a user of tokens gets with his first call; from then on it is an operator's to change."""

    groups: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class ClaimNames:
    """Which claims say what. Of rights no claim says anything unless it is named here."""

    project: str | None = None
    user: str = "sub"
    groups: str | None = None
    tools: str | None = None
    models: str | None = None
    admin: str | None = None


@dataclass(frozen=True, slots=True)
class OAuthPolicy:
    """Tokens of `issuer` for `audience` are taken at `resource`, the URL of `/mcp` as clients call it.

    `project` is whose they all are, unless a claim says which of `projects`. All `scopes` are needed.
    """

    issuer: str
    resource: str
    audience: str
    jwks_url: str
    algorithms: frozenset[str]
    scopes: tuple[str, ...]
    leeway_s: int
    jwks_ttl_s: int
    project: str | None
    projects: frozenset[str]
    claims: ClaimNames
    first: FirstRights

    @property
    def metadata_url(self) -> str:
        """Where the gateway tells it: below a path that comes before `/mcp`, as nothing of ours is beside that."""
        base, _, _ = self.resource.rpartition("/")
        return f"{base}{WELL_KNOWN}/mcp"
