"""Who may reach the MCP endpoint: the hosts it is known by and the web pages that may call it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from gateway_core.config.environment import McpEnvironment
from gateway_core.config.web_origins import LOCAL_HOSTS, WebOrigins, host_of, plain
from gateway_core.crowd.limiter import CrowdLimits
from gateway_core.domain.oauth import OAuthPolicy


@dataclass(frozen=True, slots=True)
class McpSettings:
    """`allowed_hosts` are names without a port, `*.example.com` for all below; empty trusts API Gateway's own name.

    `allowed_origins` are whole origins (`https://app.example.com`). `is_local` allows this machine as host and origin.
    `oauth` says whose tokens are taken beside keys, None for nobody's.
    """

    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    is_local: bool = False
    body_limit: int = 4 * 1024 * 1024
    default_timeout_s: float = 120.0
    crowd: CrowdLimits = field(default_factory=CrowdLimits)
    oauth: OAuthPolicy | None = None

    @classmethod
    def from_env(
        cls,
        environ: Mapping[str, str],
        crowd: CrowdLimits | None = None,
        oauth: OAuthPolicy | None = None,
        *,
        body_limit: int,
        default_timeout_s: float,
    ) -> McpSettings:
        """Who is let in as the environment says, with limits that the gateway's settings have."""
        given = McpEnvironment.from_env(environ)
        return cls(
            allowed_hosts=plain(given.allowed_hosts),
            allowed_origins=plain(given.allowed_origins),
            is_local=given.is_local,
            body_limit=body_limit,
            default_timeout_s=default_timeout_s,
            crowd=crowd or CrowdLimits(),
            oauth=oauth,
        )

    def now(self) -> Self:
        """Itself: implements `Current` for settings that nothing replaces."""
        return self

    def allows_host(self, header: str, gateway_domain: str | None) -> bool:
        """Whether a Host header names us. `gateway_domain` is the name by which API Gateway was reached.

        API Gateway answers for its own names only, so that name cannot be an attacker's (DNS rebinding). FastMCP's
        own guard also trusts the server's name in the ASGI scope, which on Lambda is made from this very header.
        """
        host = host_of(header)
        if self.is_local and host in LOCAL_HOSTS:
            return True
        if self.allowed_hosts:
            return any(_matches(host, allowed) for allowed in self.allowed_hosts)
        return gateway_domain is not None and host == gateway_domain.lower()

    def allows_origin(self, header: str) -> bool:
        """Whether a web page of this origin may call. Programs send no Origin at all."""
        return self.web_origins.allows(header)

    @property
    def web_origins(self) -> WebOrigins:
        return WebOrigins(self.allowed_origins, self.is_local)


def _matches(host: str, allowed: str) -> bool:
    if allowed.startswith("*."):
        return host.endswith(allowed[1:])
    return host == host_of(allowed)
