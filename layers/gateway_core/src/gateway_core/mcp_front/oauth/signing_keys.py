"""The keys by which an issuer signs: fetched when they are needed, kept for as long as is configured.

A token may name a key that is not known yet, as issuers change theirs. So may any stranger, as often as he likes: the
issuer is asked once a minute at most. Where it does not answer, nobody can tell whether such a token is good: that is
503, and what was known goes on to count for an hour.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway_core.domain.errors import InvalidToken, IssuerUnavailable
from gateway_core.ports import Clock, KeySetSource

PAUSE_MS = 60_000
"""Between two questions to an issuer that answered."""
RETRY_MS = 5_000
"""After one that it did not answer: nobody waits for another one meanwhile."""
STALE_MS = 3_600_000
_LEAST_RSA_BITS = 2048
_UNKNOWN = "The token is signed by a key that its issuer does not have. Sign in again."


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key, and the one algorithm that it is for, None where its issuer does not say."""

    material: Any
    algorithm: str | None


class SigningKeys:
    """The keys at one URL."""

    def __init__(self, source: KeySetSource, url: str, ttl_s: int, clock: Clock) -> None:
        self._source = source
        self._url = url
        self._ttl_ms = ttl_s * 1000
        self._clock = clock
        self._keys: Mapping[str, SigningKey] | None = None
        self._fetched_ms = 0
        self._ask_again_ms = 0
        self._line: tuple[asyncio.AbstractEventLoop, asyncio.Lock] | None = None

    async def find(self, kid: str) -> SigningKey:
        """The key of this name. Raises InvalidToken where there is none, IssuerUnavailable where nobody can tell."""
        if (key := self._known(kid, self._ttl_ms)) is not None:
            return key
        async with self._turn():
            if (key := self._known(kid, self._ttl_ms)) is not None:
                return key
            return await self._asked(kid)

    async def _asked(self, kid: str) -> SigningKey:
        try:
            await self._refresh()
        except IssuerUnavailable:
            if (key := self._known(kid, self._ttl_ms + STALE_MS)) is not None:
                return key
            raise
        if (key := self._known(kid, self._ttl_ms)) is None:
            raise InvalidToken(_UNKNOWN)
        return key

    async def _refresh(self) -> None:
        """Ask, unless that was done a moment ago."""
        now_ms = self._clock.now_ms()
        if now_ms < self._ask_again_ms:
            if self._is_younger(PAUSE_MS):
                return
            raise IssuerUnavailable.of("it did not answer a moment ago", RETRY_MS / 1000)
        self._ask_again_ms = now_ms + RETRY_MS
        self._keys = _parse(await self._source.fetch(self._url))
        self._fetched_ms = now_ms
        self._ask_again_ms = now_ms + PAUSE_MS

    def _known(self, kid: str, for_ms: int) -> SigningKey | None:
        return self._keys.get(kid) if self._keys is not None and self._is_younger(for_ms) else None

    def _is_younger(self, age_ms: int) -> bool:
        return self._keys is not None and self._clock.now_ms() < self._fetched_ms + age_ms

    def _turn(self) -> asyncio.Lock:
        """One asks at a time. A lock belongs to its event loop, and a process may have one after another."""
        loop = asyncio.get_running_loop()
        if self._line is None or self._line[0] is not loop:
            self._line = (loop, asyncio.Lock())
        return self._line[1]


def _parse(text: bytes) -> dict[str, SigningKey]:
    """The keys that sign, by their names. What we cannot use is passed over: sets have other keys, too."""
    try:
        entries = json.loads(text)["keys"]
        found = [(entry["kid"], _key(entry)) for entry in entries if isinstance(entry.get("kid"), str)]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise IssuerUnavailable.of("the answer is not a JSON Web Key Set", RETRY_MS / 1000) from None
    return {kid: key for kid, key in found if key is not None}


def _key(entry: Mapping[str, Any]) -> SigningKey | None:
    import jwt  # noqa: PLC0415 - only who takes tokens loads it, and cryptography

    if entry.get("kty") not in {"RSA", "EC", "OKP"} or entry.get("use", "sig") != "sig":
        return None
    try:
        material = jwt.PyJWK(dict(entry)).key
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
        return None
    is_short = entry["kty"] == "RSA" and material.key_size < _LEAST_RSA_BITS
    return None if is_short else SigningKey(material, entry.get("alg"))
