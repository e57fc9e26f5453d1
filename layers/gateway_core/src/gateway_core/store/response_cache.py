"""Looking up an answer that was kept for an equal request: what the store is asked, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass

from gateway_core.store.messages import Refused, StaleCaller

HIT_LIFE_S = 30 * 86_400
"""For how long a hit may be recorded: as long as records live. Most are at once, and nothing is left of them."""


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """Whether answers are kept, for how long, and up to which size in bytes before compression."""

    enabled: bool = True
    ttl_s: int = 3600
    max_bytes: int = 262_144


@dataclass(frozen=True, slots=True)
class Hit:
    """There is an answer, which the caller may have after `wait_ms`; empty where the caller had it already."""

    value: str
    wait_ms: int = 0


@dataclass(frozen=True, slots=True)
class Miss:
    """There is none. Nothing has changed."""


type LookUp = Hit | Miss | Refused | StaleCaller
"""`Refused` by the key's requests a minute, the only limit that a hit meets."""
