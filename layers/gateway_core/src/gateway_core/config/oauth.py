"""The section `oauth`: whose tokens are taken at `/mcp`, and what they may say."""

from __future__ import annotations

from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from gateway_core.config.documents import Rate, Schema
from gateway_core.domain.base_url import check_base_url
from gateway_core.domain.caller import Limits
from gateway_core.domain.catalog import Catalog
from gateway_core.domain.errors import ConfigError
from gateway_core.domain.oauth import Algorithm, ClaimNames, FirstRights, OAuthPolicy
from gateway_core.store.budget import MAX_AMOUNT

_NANO_DIGITS = 9
_NEEDED = ("issuer", "resource", "jwks_url")


def _usual() -> list[Algorithm]:
    return ["RS256", "ES256"]


def _is_url(url: str) -> str:
    try:
        check_base_url(url, "", allow_http=False)
    except ConfigError:
        raise ValueError("Should be an https URL without a query, or http to this machine itself") from None
    return url


def _is_mcp(url: str) -> str:
    if not url.endswith("/mcp"):
        raise ValueError("Should be the URL of /mcp, as clients call it")
    return url


def _is_kept(amount: Decimal) -> Decimal:
    nano = amount.scaleb(_NANO_DIGITS)
    if nano > MAX_AMOUNT or nano != nano.to_integral_value():
        raise ValueError("Should be an amount of USD that budgets can have, with 9 decimals at most")
    return amount


type ToolName = Literal[
    "complete",
    "stream_complete",
    "litellm_batch_ask",
    "embed",
    "get_usage",
    "health_check",
    "list_models",
    "count_tokens",
]
"""`access.rights.TOOLS`, which this room may not import; a test compares the two."""
type TokenUrl = Annotated[str, AfterValidator(_is_url)]
type Claim = Annotated[str, StringConstraints(min_length=1, max_length=128)]
type Scope = Annotated[str, StringConstraints(pattern=r"^[!#-\[\]-~]{1,128}$")]
type RightName = Annotated[str, StringConstraints(min_length=1, max_length=128)]
type TokenProject = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,32}$")]
type Usd = Annotated[Rate, AfterValidator(_is_kept)]
type Tokens = Annotated[int, Field(ge=0, le=MAX_AMOUNT)]
type PerMinute = Annotated[int, Field(ge=1, le=MAX_AMOUNT)]


class ClaimsSection(Schema):
    """`ClaimNames`."""

    project: Claim | None = None
    user: Claim = "sub"
    groups: Claim | None = None
    tools: Claim | None = None
    models: Claim | None = None
    admin: Claim | None = None

    def names(self) -> ClaimNames:
        return ClaimNames(**self.model_dump())


class FirstSection(Schema):
    """`FirstRights`, with money in USD."""

    groups: list[RightName] = Field(default_factory=list)
    tools: list[ToolName] = Field(default_factory=list)
    models: list[RightName] = Field(default_factory=list)
    day_usd: Usd | None = None
    month_usd: Usd | None = None
    day_tokens: Tokens | None = None
    month_tokens: Tokens | None = None
    rpm: PerMinute | None = None
    tpm: PerMinute | None = None

    def rights(self) -> FirstRights:
        limits = Limits(
            _nano(self.day_usd), _nano(self.month_usd), self.day_tokens, self.month_tokens, self.rpm, self.tpm
        )
        return FirstRights(tuple(self.groups), tuple(self.tools), tuple(self.models), limits)

    def fault(self, catalog: Catalog) -> str:
        """Which name there is not, empty if there are all."""
        for name in self.groups:
            if name not in catalog.groups:
                return f"first.groups: there is no group '{name}'. Correct it."
        for name in self.models:
            if not ("/" in name or name == "*" or _is_known(name, catalog)):
                return f"first.models: there is no model '{name}'. Correct it."
        return ""


class OAuthSection(Schema):
    """`OAuthPolicy`; without an issuer there is none. Which fields belong together is checked once all are merged."""

    issuer: TokenUrl | None = None
    resource: Annotated[TokenUrl, AfterValidator(_is_mcp)] | None = None
    audience: Annotated[str, StringConstraints(min_length=1, max_length=512)] | None = None
    jwks_url: TokenUrl | None = None
    algorithms: Annotated[list[Algorithm], Field(min_length=1)] = Field(default_factory=_usual)
    scopes: list[Scope] = Field(default_factory=list)
    leeway_s: Annotated[int, Field(ge=0, le=300)] = 30
    jwks_ttl_s: Annotated[int, Field(ge=60, le=86_400)] = 3600
    project: TokenProject | None = None
    projects: list[TokenProject] = Field(default_factory=list)
    claims: ClaimsSection = ClaimsSection()
    first: FirstSection = FirstSection()

    def policy(self, catalog: Catalog | None, source: str) -> OAuthPolicy | None:
        """The policy, None where nothing is configured. Raises ConfigError for what does not go together.

        Groups and models of `first` have to be of `catalog`; None if nobody knows that.
        """
        if self == OAuthSection():
            return None
        if fault := self._fault() or (self.first.fault(catalog) if catalog else ""):
            raise ConfigError(f"{source}: oauth.{fault}")
        return OAuthPolicy(
            issuer=self.issuer or "",
            resource=self.resource or "",
            audience=self.audience or self.resource or "",
            jwks_url=self.jwks_url or "",
            algorithms=frozenset(self.algorithms),
            scopes=tuple(self.scopes),
            leeway_s=self.leeway_s,
            jwks_ttl_s=self.jwks_ttl_s,
            project=self.project,
            projects=frozenset(self.projects),
            claims=self.claims.names(),
            first=self.first.rights(),
        )

    def _fault(self) -> str:
        """What is missing, or does not fit, with the remedy; empty if nothing is."""
        missing = next((name for name in _NEEDED if getattr(self, name) is None), None)
        if missing:
            return f"{missing}: Field required. Add it."
        if (self.project is None) == (self.claims.project is None):
            return "project: Name either the project of all tokens, or in claims.project the claim that says which."
        if bool(self.projects) != bool(self.claims.project):
            return "projects: List the projects that the claim of claims.project may name, and only with that."
        return ""


def _is_known(pattern: str, catalog: Catalog) -> bool:
    key = catalog.aliases.get(pattern, pattern)
    return any(fnmatchcase(known, key) for known in catalog.models)


def _nano(amount: Decimal | None) -> int | None:
    return None if amount is None else int(amount.scaleb(_NANO_DIGITS))
