"""A clock that stands still until it is moved."""

from __future__ import annotations

import asyncio


class ManualClock:
    """Implements the port `Clock`: time moves only when it is told to, and `sleep` tells it."""

    def __init__(self, now_ms: int = 1_795_190_400_000) -> None:
        self._now_ms = float(now_ms)
        self._started_ms = self._now_ms

    def now_ms(self) -> int:
        return round(self._now_ms)

    def monotonic_s(self) -> float:
        return (self._now_ms - self._started_ms) / 1000

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self._now_ms += seconds * 1000
