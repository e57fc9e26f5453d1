"""Gives slots to requests: so many work at once in this process, the rest wait in order, or are refused."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway_core.crowd.line import FairLine
from gateway_core.domain.errors import Overloaded

STRANGERS_PERCENT = 5
"""The share of the slots, but one at least, that requests may have whose key nobody here knows yet."""
REPORT_S = 10.0
"""How often a crowd is told of."""
_BUSY = "The gateway has more requests than it can work on. Try again later."


@dataclass(frozen=True, slots=True)
class CrowdLimits:
    """So many requests `working` at once, so many `waiting`, and each of these for `patience_s` seconds at most."""

    working: int = 16
    waiting: int = 1024
    patience_s: float = 30.0


@dataclass(frozen=True, slots=True)
class CrowdReport:
    """What became of requests that found all slots taken, since the last report; `waiting` and `working` are now's."""

    working: int
    waiting: int
    waited: int
    waited_ms: int
    longest_ms: int
    refused: int


@dataclass(frozen=True, slots=True)
class Claim:
    """Whose request it is: of which project, by the key; a stranger's key is not proven yet."""

    project: str = ""
    stranger: bool = False


@dataclass(slots=True, eq=False)
class Waiter:
    """One request in a line, until it is `granted` a slot, gives up, or leaves. `granted` tells False in the end."""

    claim: Claim
    since_s: float
    granted: asyncio.Future[bool]
    timer: asyncio.TimerHandle | None = None


@dataclass(slots=True)
class _Tally:
    waited: int = 0
    waited_s: float = 0.0
    longest_s: float = 0.0
    refused: int = 0
    timer: asyncio.TimerHandle | None = field(default=None)


class Limiter:
    """The slots of one process, for one event loop at a time. A crowd is told of to `tell`, from time to time.

    Three lines, in this order: who had a slot already and gave it back for a while, strangers as far as they may, and
    the others; the latter two take turns.
    """

    def __init__(self, tell: Callable[[CrowdReport], None], limits: CrowdLimits | None = None) -> None:
        self._tell = tell
        self._limits = limits or CrowdLimits()
        self._working = 0
        self._strangers = 0
        self._returning: FairLine[Waiter] = FairLine()
        self._known: FairLine[Waiter] = FairLine()
        self._unknown: FairLine[Waiter] = FairLine()
        self._stranger_was_last = False
        self._last_wait_s = 0.0  # of who was let in last: as long as the line takes now
        self._tally = _Tally()

    @property
    def working(self) -> int:
        """How many have a slot now."""
        return self._working

    @property
    def waiting(self) -> int:
        """How many wait for their first one."""
        return len(self._known) + len(self._unknown)

    async def enter(self, claim: Claim, limits: CrowdLimits, *, patient: bool = False) -> None:
        """Returns with a slot; give it back by `release`. Limits may change from one request to the next.

        Raises Overloaded when too many wait, or when its own turn has not come in time, unless it is `patient`.
        """
        self._limits = limits
        line = self._unknown if claim.stranger else self._known
        if not line and not self._returning and self._has_room(claim):
            self._seat(claim)
            return
        if not patient and (self.waiting >= limits.waiting or limits.patience_s <= 0):
            raise self._refusal()
        waiter = self._waiter(claim)
        if not patient:
            waiter.timer = asyncio.get_running_loop().call_later(limits.patience_s, self._give_up, line, waiter)
        line.add(claim.project, waiter)
        if not await self._turn(line, waiter):
            raise self._refusal()
        self._note_wait(waiter)

    def rejoin(self, claim: Claim) -> Waiter | None:
        """Who had a slot wants one again, before all newcomers: None if it has it, else wait by `turn_of`."""
        if not self._returning and self._has_room(claim):
            self._seat(claim)
            return None
        waiter = self._waiter(claim)
        self._returning.add(claim.project, waiter)
        return waiter

    async def turn_of(self, waiter: Waiter) -> bool:
        """Whether it got a slot; not if it was called off."""
        return await self._turn(self._returning, waiter)

    def call_off(self, waiter: Waiter) -> None:
        """It wants no slot any more; who waits for it goes on without."""
        self._give_up(self._returning, waiter)

    def release(self, claim: Claim) -> None:
        """A slot is free again: whoever is next has it."""
        self._working -= 1
        self._strangers -= claim.stranger
        self._admit()

    def recognise(self) -> None:
        """A stranger with a slot has turned out to be known: another one may try."""
        self._strangers -= 1
        self._admit()

    async def _turn(self, line: FairLine[Waiter], waiter: Waiter) -> bool:
        try:
            return await waiter.granted
        except asyncio.CancelledError:
            if waiter.granted.done() and not waiter.granted.cancelled() and waiter.granted.result():
                self.release(waiter.claim)
            line.discard(waiter.claim.project, waiter)
            raise
        finally:
            if waiter.timer:
                waiter.timer.cancel()

    def _give_up(self, line: FairLine[Waiter], waiter: Waiter) -> None:
        if not waiter.granted.done():
            line.discard(waiter.claim.project, waiter)
            waiter.granted.set_result(False)

    def _admit(self) -> None:
        while waiter := self._next():
            self._seat(waiter.claim)
            waiter.granted.set_result(True)

    def _next(self) -> Waiter | None:
        if self._working >= self._limits.working:
            return None
        if self._returning:
            return self._returning.pop()
        if self._unknown and self._room_for_strangers and not (self._stranger_was_last and self._known):
            self._stranger_was_last = True
            return self._unknown.pop()
        self._stranger_was_last = False
        return self._known.pop() if self._known else None

    def _has_room(self, claim: Claim) -> bool:
        return self._working < self._limits.working and (not claim.stranger or self._room_for_strangers)

    @property
    def _room_for_strangers(self) -> bool:
        return self._strangers < max(1, self._limits.working * STRANGERS_PERCENT // 100)

    def _seat(self, claim: Claim) -> None:
        self._working += 1
        self._strangers += claim.stranger

    def _waiter(self, claim: Claim) -> Waiter:
        loop = asyncio.get_running_loop()
        return Waiter(claim, loop.time(), loop.create_future())

    def _refusal(self) -> Overloaded:
        self._tally.refused += 1
        self._report_soon()
        detail = f"{self._working} requests work, {self.waiting} wait"
        wait_s = min(max(1.0, self._last_wait_s), max(1.0, self._limits.patience_s))
        return Overloaded(_BUSY, detail=detail, retry_after_s=wait_s)

    def _note_wait(self, waiter: Waiter) -> None:
        waited_s = asyncio.get_running_loop().time() - waiter.since_s
        self._last_wait_s = waited_s
        self._tally.waited += 1
        self._tally.waited_s += waited_s
        self._tally.longest_s = max(self._tally.longest_s, waited_s)
        self._report_soon()

    def _report_soon(self) -> None:
        if self._tally.timer is None:
            self._tally.timer = asyncio.get_running_loop().call_later(REPORT_S, self._report)

    def _report(self) -> None:
        tally, self._tally = self._tally, _Tally()
        waited_ms = math.ceil(tally.waited_s * 1000)
        longest_ms = math.ceil(tally.longest_s * 1000)
        self._tell(CrowdReport(self._working, self.waiting, tally.waited, waited_ms, longest_ms, tally.refused))
