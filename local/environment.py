"""Decides what runs locally and what is real, from the environment alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PROVIDERS = ("ANTHROPIC", "OPENAI", "GEMINI", "DEEPSEEK")


class StackError(Exception):
    """The local stack cannot start; the text says what to do about it."""


@dataclass(frozen=True, slots=True)
class LocalEnvironment:
    """Ports and choices of the local stack."""

    port: int
    store_port: int
    store_token: str
    providers_port: int
    dev_key: str
    real_store: bool
    simulated: tuple[str, ...]
    keyless: tuple[str, ...]


def read(environ: Mapping[str, str]) -> LocalEnvironment:
    """Read the choices. A provider with neither a key nor a base URL is simulated. Raises StackError."""
    return LocalEnvironment(
        port=_port(environ, "PORT", 8787),
        store_port=_port(environ, "LOCAL_STORE_PORT", 8788),
        store_token=environ.get("LOCAL_STORE_TOKEN", "local"),
        providers_port=_port(environ, "LOCAL_PROVIDERS_PORT", 8789),
        dev_key=environ.get("GATEWAY_DEV_KEY", ""),
        real_store=bool(environ.get("UPSTASH_REDIS_REST_URL")),
        simulated=tuple(
            name for name in PROVIDERS if not environ.get(f"{name}_API_KEY") and not environ.get(f"{name}_API_BASE")
        ),
        keyless=tuple(
            name for name in PROVIDERS if not environ.get(f"{name}_API_KEY") and environ.get(f"{name}_API_BASE")
        ),
    )


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name) or str(default)
    if not text.isdecimal() or not 0 <= int(text) <= 65535:  # noqa: PLR2004 - the range of TCP ports
        raise StackError(f"{name} must be a port number from 0 to 65535, not {text!r}.")
    return int(text)
