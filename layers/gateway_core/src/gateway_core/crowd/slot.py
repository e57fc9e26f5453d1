"""The slot of the request that is being served, found by the context that it runs in."""

from __future__ import annotations

from collections.abc import Awaitable, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, Literal

from gateway_core.crowd.limiter import Claim, CrowdLimits, Limiter, Waiter

type _State = Literal["new", "held", "out", "gone"]


class Slot:
    """One request's right to work, taken once, given back for a while any number of times, and once for good."""

    def __init__(self, limiter: Limiter) -> None:
        self.limiter = limiter
        self._claim = Claim()
        self._limits = CrowdLimits()
        self._state: _State = "new"
        self._returning: Waiter | None = None

    @property
    def is_held(self) -> bool:
        return self._state == "held"

    async def take(self, claim: Claim, limits: CrowdLimits, *, patient: bool = False) -> None:
        """Wait for it, if it was not taken before. Raises Overloaded, see `Limiter.enter`."""
        if self._state != "new":
            return
        self._claim, self._limits = claim, limits
        await self.limiter.enter(claim, limits, patient=patient)
        if self._state == "new":
            self._state = "held"
        else:  # the request ended meanwhile
            self.limiter.release(claim)

    def recognise(self, project: str) -> None:
        """It is known by now whose request this is."""
        if self._claim.stranger and self.is_held:
            self._claim = Claim(project)
            self.limiter.recognise()

    def step_out(self) -> None:
        """Give it back for a while."""
        if self.is_held:
            self._state = "out"
            self.limiter.release(self._claim)

    async def back(self) -> None:
        """Have it again, before all who are new. Without a slot if the request is past working."""
        if self._state != "out" or self._returning:
            return
        waiter = self._returning = self.limiter.rejoin(self._claim)
        try:
            if waiter and not await self.limiter.turn_of(waiter):
                return
        finally:
            self._returning = None
        self._state = "held"

    def leave(self) -> None:
        """Give it back for good."""
        state, self._state = self._state, "gone"
        if state == "held":
            self.limiter.release(self._claim)
        elif self._returning:
            self.limiter.call_off(self._returning)

    def sibling(self) -> Slot:
        """Another one of the same request, to `take_as_sibling`."""
        other = Slot(self.limiter)
        other._claim, other._limits = self._claim, self._limits
        return other

    async def take_as_sibling(self) -> None:
        """For a part of a request that was let in: it waits as long as it takes."""
        await self.take(self._claim, self._limits, patient=True)


_SLOT: ContextVar[Slot | None] = ContextVar("slot", default=None)


@contextmanager
def seated(limiter: Limiter) -> Iterator[Slot]:
    """Within the block the current request has this slot, still to be taken.

    A request that is made for another one, in the same process, shares its slot as long as that one has it, and has
    one of the same limiter afterwards.
    """
    outer = _SLOT.get()
    slot = outer if outer and outer.is_held else Slot(outer.limiter if outer else limiter)
    token = _SLOT.set(slot)
    try:
        yield slot
    finally:
        _SLOT.reset(token)
        slot.leave()


class own_slot:  # noqa: N801 - used like a function
    """`async with own_slot():` around one of several things that a request does at once."""

    async def __aenter__(self) -> None:
        outer = _SLOT.get()
        self._slot = outer.sibling() if outer else None
        self._token = _SLOT.set(self._slot)
        try:
            if self._slot:
                await self._slot.take_as_sibling()
        except BaseException:
            _SLOT.reset(self._token)
            raise

    async def __aexit__(self, *_: object) -> None:
        _SLOT.reset(self._token)
        if self._slot:
            self._slot.leave()


async def outside[T](work: Awaitable[T]) -> T:
    """What `work` gives. If that has to be waited for, the current request has no slot from then on: see `back`."""
    slot = _SLOT.get()
    return await (work if slot is None else _Outside(slot, work))


async def back() -> None:
    """Wait until the current request has its slot again, if it gave it back."""
    if slot := _SLOT.get():
        await slot.back()


async def waited[T](work: Awaitable[T]) -> T:
    """What `work` gives, waited for without a slot and returned with it."""
    result = await outside(work)
    await back()
    return result


class _Outside[T]:
    """Runs the awaitable by hand, to see whether it waits at all."""

    def __init__(self, slot: Slot, work: Awaitable[T]) -> None:
        self._slot = slot
        self._work = work

    def __await__(self) -> Generator[Any, Any, T]:
        running = self._work.__await__()
        step = partial(next, running)
        while True:
            try:
                signal = step()
            except StopIteration as done:
                result: T = done.value
                return result
            self._slot.step_out()
            try:
                yield signal
            except BaseException as error:  # noqa: BLE001 - handed on to whom it is meant for
                step = partial(running.throw, error)
            else:
                step = partial(next, running)
