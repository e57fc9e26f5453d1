"""Base URLs that callers name: which the configuration allows, and which the key. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from gateway_core.domain.base_url import check_base_url
from gateway_core.domain.caller import Caller
from gateway_core.domain.chat import Reach
from gateway_core.domain.errors import ConfigError, Forbidden, InvalidRequest

_PARAM = "api_base"
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class ApiBasePolicy:
    """What the configuration allows: `host`, or `host:port` for that port alone.

    Those in `private_hosts` may also be at private and loopback addresses. `allow_http` is for trusted networks.
    """

    hosts: frozenset[str] = frozenset()
    private_hosts: frozenset[str] = frozenset()
    allow_http: bool = False

    def allow(self, url: str) -> tuple[str, Reach]:
        """The URL as it is compared and called, and how far it may reach.

        Raises InvalidRequest for what is no base URL, and Forbidden with the remedy.
        """
        try:
            base = check_base_url(url, _PARAM, allow_http=True)
        except ConfigError as error:
            raise InvalidRequest(error.message, param=_PARAM) from None
        parts = urlsplit(base)
        if parts.scheme != "https" and not self.allow_http:
            raise Forbidden(
                "api_base is not https. Use https; in a trusted network the operator may set GATEWAY_ALLOW_HTTP=1.",
                param=_PARAM,
            )
        host = parts.hostname or ""
        names = {host, f"{host}:{parts.port or _PORTS[parts.scheme]}"}
        if names & self.private_hosts:
            return base, "private"
        if names & self.hosts:
            return base, "public"
        raise Forbidden(
            f"The configuration does not allow {host} in api_base. Its operator can add it to api_base_hosts.",
            param=_PARAM,
        )


def check_key(caller: Caller, url: str) -> None:
    """Raises Forbidden unless the key may name this base URL, which the configuration allows."""
    host = urlsplit(url).hostname or ""
    if host not in caller.api_base_hosts:
        raise Forbidden(
            f"This key may not name {host} in api_base. "
            f"Ask for one that may: gateway keys create --project ID --api-base-host {host}.",
            param=_PARAM,
        )
