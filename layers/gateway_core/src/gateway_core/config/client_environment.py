"""Reads what the environment says to who calls a gateway: the command line. The gateway itself reads none of it.

Its development key is the exception: it makes that key, and here it is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway_core.config.environment import Environment
from gateway_core.domain.base_url import check_base_url, is_on_this_machine
from gateway_core.domain.credentials import Secret

GATEWAY_URL = "GATEWAY_URL"
KEY = "GATEWAY_KEY"
DEV_KEY = "GATEWAY_DEV_KEY"
_ALLOW_HTTP = "GATEWAY_ALLOW_HTTP"
_SIMULATOR_PORT, _USUAL_PORT = "LOCAL_PROVIDERS_PORT", 8789


@dataclass(frozen=True, slots=True)
class Address:
    """A checked URL without a slash at its end, and whether it leads to this machine itself."""

    url: str
    is_here: bool


def address(environ: Mapping[str, str], option: str | None) -> Address | None:
    """What `--url` names, else the environment; None for nothing. Raises ConfigError."""
    named = option or Environment(environ).text(GATEWAY_URL)
    return address_or(environ, option, named) if named else None


def address_or(environ: Mapping[str, str], option: str | None, default: str) -> Address:
    """The same, or the default for nothing."""
    env = Environment(environ)
    named = option or env.text(GATEWAY_URL) or default
    url = check_base_url(named, "--url" if option else GATEWAY_URL, allow_http=env.flag(_ALLOW_HTTP))
    return Address(url, is_on_this_machine(url))


def simulator(environ: Mapping[str, str], option: str | None) -> Address:
    """What `--url` names, else where `make run` simulates providers. Raises ConfigError."""
    named = option or f"http://127.0.0.1:{Environment(environ).count(_SIMULATOR_PORT) or _USUAL_PORT}"
    url = check_base_url(named, "--url" if option else _SIMULATOR_PORT, allow_http=False)
    return Address(url, is_on_this_machine(url))


def key_in(environ: Mapping[str, str], variable: str) -> Secret | None:
    """The key that a variable holds, None where it is not set. Raises ConfigError for what cannot be a key."""
    return Environment(environ).secret(variable)
