"""The clock of the machine. Tests have one that they move by hand, `tests/manual_clock.py`."""

from __future__ import annotations

import asyncio
import time


class SystemClock:
    """Implements the port `Clock`."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
