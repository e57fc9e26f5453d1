"""What is done for a settlement that the store did not take: it goes to the backlog at once, which outlives us.

Only where the backlog fails too, or there is none, is it tried on, store and backlog in turn and past the store's
circuit, for as long as the process may: on Lambda while the answer waits, as nothing runs after it; elsewhere in the
background. The log line `usage not settled` is the last resort. See ADR 19.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from gateway_core.adapters.log_backlog import LogBacklog
from gateway_core.domain.errors import LLMError, StoreUnavailable
from gateway_core.ports import Backlog, Clock, Ledger
from gateway_core.ports.replaying import replay
from gateway_core.store.messages import BreakerPolicy, Terms
from gateway_core.store.records import Unsettled
from gateway_core.store.unsettled import pack
from gateway_core.telemetry.telemetry import Telemetry

FIRST_PAUSE_S = 0.25
MOST_PAUSE_S = 15.0
MOST_WAIT_S = 10.0
"""The longest that an answer is kept back for its settlement, if its invocation has as much time."""
MARGIN_S = 1.0
"""Of an invocation's time, kept for the last try and for the answer."""
MOST_KEPT = 1000
MOST_KEPT_BYTES = 4 * 1024 * 1024
LAST_S = 3.0
"""How long the last round may take when the process is told to stop."""


@dataclass(frozen=True, slots=True)
class Retrier:
    """One try to settle or to keep. `backlog` is None where there is none."""

    store: Ledger
    clock: Clock
    telemetry: Telemetry
    backlog: Backlog | None = None

    @property
    def last_resort(self) -> LogBacklog:
        return LogBacklog(self.telemetry)

    async def keep(self, unsettled: Unsettled, error: LLMError) -> bool:
        """Whether the backlog took it."""
        if self.backlog is None:
            return False
        try:
            await self.backlog.put(unsettled, error)
        except Exception:  # noqa: BLE001 - whatever is wrong with it, there is still the store, and the log
            return False
        self.telemetry.backlogged(unsettled.record, error)
        return True

    async def settle_or_keep(self, unsettled: Unsettled) -> bool:
        """Whether the store took it after all, or the backlog."""
        try:
            settled = await replay(self.store, unsettled, Terms(self.clock.now_ms(), BreakerPolicy()))
        except LLMError as failure:
            return await self.keep(unsettled, failure)
        except Exception as error:  # noqa: BLE001 - a fault of ours may be mended by the time that it is replayed
            detail = f"unexpected {type(error).__name__} of the store's adapter"
            return await self.keep(unsettled, StoreUnavailable("The gateway could not settle.", detail=detail))
        self.telemetry.replayed(unsettled.record, written=settled.written)
        return True


class InlineBacklog:
    """Implements the port `Backlog` for Lambda; `time_left_s` tells how long the invocation may still run."""

    def __init__(self, retrier: Retrier, time_left_s: Callable[[], float]) -> None:
        self._retrier = retrier
        self._time_left_s = time_left_s

    async def put(self, unsettled: Unsettled, error: LLMError) -> None:
        """Never raises; what is lost is in the log."""
        is_safe = False
        try:
            is_safe = await self._retrier.keep(unsettled, error) or await self._insist(unsettled)
        finally:  # also where the invocation ends in the middle of it
            if not is_safe:
                await self._retrier.last_resort.put(unsettled, error)

    async def _insist(self, unsettled: Unsettled) -> bool:
        clock, pause_s = self._retrier.clock, FIRST_PAUSE_S
        ends_s = clock.monotonic_s() + min(MOST_WAIT_S, self._time_left_s() - MARGIN_S)
        while clock.monotonic_s() + pause_s <= ends_s:
            await clock.sleep(pause_s)
            if await self._retrier.settle_or_keep(unsettled):
                return True
            pause_s = min(2 * pause_s, MOST_PAUSE_S)
        return False


class BackgroundBacklog:
    """Implements the port `Backlog` for a process that lives on. What waits in memory is bounded, and in the log."""

    def __init__(self, retrier: Retrier) -> None:
        self._retrier = retrier
        self._waiting: dict[str, Unsettled] = {}
        self._bytes = 0
        self._task: asyncio.Task[None] | None = None

    async def put(self, unsettled: Unsettled, error: LLMError) -> None:
        """Never raises; what waits in memory is in the log as well, as the process may be killed."""
        if await self._retrier.keep(unsettled, error):
            return
        await self._retrier.last_resort.put(unsettled, error)
        text = pack(unsettled)
        if len(self._waiting) < MOST_KEPT and self._bytes + len(text) <= MOST_KEPT_BYTES:
            self._waiting[text] = unsettled
            self._bytes += len(text)
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._work())

    async def _work(self) -> None:
        """Until nothing waits. Told to stop, it tries once more."""
        try:
            pause_s = FIRST_PAUSE_S
            while self._waiting:
                await self._retrier.clock.sleep(pause_s)
                await self._round()
                pause_s = min(2 * pause_s, MOST_PAUSE_S)
        except asyncio.CancelledError:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_S):
                    await self._round()
            raise

    async def _round(self) -> None:
        for text, unsettled in list(self._waiting.items()):
            if await self._retrier.settle_or_keep(unsettled):
                del self._waiting[text]
                self._bytes -= len(text)
