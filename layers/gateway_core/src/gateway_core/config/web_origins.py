"""Which web pages may call: a browser says whose page it is, and lets that page read only what it is told to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from gateway_core.config.environment import McpEnvironment

LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class WebOrigins:
    """`listed` are whole origins (`https://app.example.com`), as `plain` makes them. `is_local`: this machine's too."""

    listed: tuple[str, ...] = ()
    is_local: bool = False

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        given = McpEnvironment.from_env(environ)
        return cls(plain(given.allowed_origins), given.is_local)

    def allows(self, origin: str) -> bool:
        """Whether a web page of this origin may call. Programs send no Origin at all."""
        origin = origin.lower().rstrip("/")
        if self.is_local and host_of(origin.partition("://")[2]) in LOCAL_HOSTS:
            return True
        return origin in self.listed


def plain(names: tuple[str, ...]) -> tuple[str, ...]:
    """So that equal names compare equal."""
    return tuple(name.lower().rstrip("/") for name in names)


def host_of(authority: str) -> str:
    """The name in `name:port` or `[address]:port`, in lower case."""
    host = authority.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
