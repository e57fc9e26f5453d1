"""An event loop in which waiting takes no time: when nothing is left to do, its clock jumps to the next timer."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any

STARTED_MS = 1_795_190_400_000


class _Jumping(selectors.DefaultSelector):
    """Never waits: it moves the time of its loop instead."""

    now_s = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise RuntimeError("everybody waits, and nothing will ever happen")
        self.now_s += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """The loop. Whoever uses `asyncio`'s own timers needs no clock of its own."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now_s

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - asyncio's
        """Threads take the machine's time: a limit to it would be over before they have begun."""
        await super().shutdown_default_executor(None)


class LoopClock:
    """Implements the port `Clock` by the time of the running loop."""

    def now_ms(self) -> int:
        return STARTED_MS + round(self.monotonic_s() * 1000)

    def monotonic_s(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def run[T](work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, in virtual time from 0."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)
