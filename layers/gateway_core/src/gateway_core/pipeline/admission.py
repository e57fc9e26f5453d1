"""Whose turn it is: the first candidate, and after a failure the next one, or the same one after a pause.

Fail over first, wait later: a limited or broken deployment is passed over at once, and waiting happens only when
nothing else can serve. A failed attempt is settled and another admitted in a single trip to the store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gateway_core.domain.catalog import Provider
from gateway_core.domain.errors import LLMError, ProviderError, RateLimitError, StoreUnavailable, Unauthenticated
from gateway_core.pipeline.emitter import Emitter
from gateway_core.pipeline.final_error import refusal_error, verdict
from gateway_core.pipeline.request_state import Walk
from gateway_core.ports import Clock, Draw, Ledger
from gateway_core.routing.bounds import Offer
from gateway_core.routing.retry import RetryPolicy, comeback_ms, soonest_ms
from gateway_core.store.messages import Admission, BreakerPolicy, Refused, StaleCaller
from gateway_core.telemetry.telemetry import Telemetry

LEAST_ATTEMPT_S = 0.05
"""With less time left than this nobody is called: it would be billed, and answer too late."""


@dataclass(frozen=True, slots=True)
class FailoverPolicy:
    """Limits of a walk. A provider's `timeout_s` bounds an attempt while other candidates are left to try."""

    breaker: BreakerPolicy
    queue_timeout_s: float
    providers: Mapping[str, Provider]
    retry: RetryPolicy


class CallerChangedError(Exception):
    """The store no longer honours the caller's rights as they were looked up; nothing was called."""


class Turns:
    """Admits candidates of a walk, one after the other."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        policy: FailoverPolicy,
        telemetry: Telemetry,
        emitter: Emitter,
        draw: Draw,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._policy = policy
        self._telemetry = telemetry
        self._emitter = emitter
        self._draw = draw

    async def first(self, walk: Walk) -> Offer:
        """The candidate to begin with. Raises CallerChangedError, or the LLMError of a refusal."""
        return await self._enter(walk, await self._rested(walk, self._admit, await self._admit(walk)))

    async def after(self, walk: Walk, offer: Offer, error: ProviderError) -> Offer:
        """The candidate to try after `offer` failed: another one at once, else the same after a pause.

        Raises the LLMError that the walk ends in if neither can be.
        """
        return await self._enter(walk, await self._admission_after(walk, offer, error))

    async def _admit(self, walk: Walk) -> Admission:
        try:
            return await self._heard(walk, self._ledger.admit(walk.ticket, walk.candidates, **self._terms(walk)))
        except StoreUnavailable as error:
            self._telemetry.admission_lost(walk.ticket, error)
            raise

    async def _next(self, walk: Walk) -> Admission:
        if walk.ended is None:
            raise RuntimeError("a failed attempt has a settlement")
        self._emitter.send(walk)
        asked = self._ledger.next(walk.ticket, walk.ended, walk.candidates, **self._terms(walk))
        admission = await self._heard(walk, asked)
        walk.pending = None
        return admission

    async def _heard(self, walk: Walk, asked: Coroutine[Any, Any, Admission]) -> Admission:
        """What the store answers. A caller who leaves meanwhile waits for it, and so gives back what was admitted."""
        asking = asyncio.ensure_future(asked)
        try:
            admission = await asyncio.shield(asking)
        except asyncio.CancelledError:
            try:
                admission = await asking
                self._emitter.changed(walk, admission.changes)
                walk.leave(admission)
            except LLMError as error:
                self._telemetry.admission_lost(walk.ticket, error)
            raise
        self._emitter.changed(walk, admission.changes)
        return admission

    async def _admission_after(self, walk: Walk, offer: Offer, error: ProviderError) -> Admission:
        if self._left_s(walk) < LEAST_ATTEMPT_S:
            raise self._verdict(walk) from error
        insisted_ms = self._comeback_ms(walk, offer, error, last=False) if walk.open else None
        if insisted_ms is not None:
            return await self._again(walk, [offer, *walk.open], error, insisted_ms)
        admission = await self._next(walk) if walk.open else None
        if admission is not None and not isinstance(admission, Refused):
            return admission
        pause_ms = self._comeback_ms(walk, offer, error, last=True)
        if pause_ms is not None:
            return await self._again(walk, [*walk.open, offer], error, pause_ms)
        if admission is None:
            raise self._verdict(walk) from error
        return await self._rested(walk, self._next, admission)

    async def _again(self, walk: Walk, candidates: list[Offer], error: ProviderError, pause_ms: int) -> Admission:
        """Admit one of the candidates after the pause. What a rate limit asks for, the store tells once it knows it."""
        walk.open = candidates
        if not isinstance(error, RateLimitError):
            await self._wait(walk, pause_ms)
        return await self._rested(walk, self._next, await self._next(walk))

    async def _rested(self, walk: Walk, ask: Callable[[Walk], Awaitable[Admission]], admission: Admission) -> Admission:
        """`admission`; if all candidates rest, and one of them not for long, what `ask` says once that is over."""
        while isinstance(admission, Refused):
            wait_ms = soonest_ms(admission)
            if wait_ms is None or wait_ms > self._patience_ms(walk) or not self._has_time(walk, wait_ms):
                break
            await self._wait(walk, wait_ms)
            admission = await ask(walk)
        return admission

    async def _wait(self, walk: Walk, wait_ms: int) -> None:
        walk.waited_ms += wait_ms
        await self._clock.sleep(wait_ms / 1000)

    def _comeback_ms(self, walk: Walk, offer: Offer, error: ProviderError, *, last: bool) -> int | None:
        failed, patience_ms = walk.failures[offer.model.key], self._patience_ms(walk)
        pause_ms = comeback_ms(self._policy.retry, error, failed, last=last, patience_ms=patience_ms, draw=self._draw())
        return pause_ms if pause_ms is None or self._has_time(walk, pause_ms) else None

    def _patience_ms(self, walk: Walk) -> int:
        """What is left of the time that a request may wait for its turn."""
        return max(0, round(self._policy.queue_timeout_s * 1000) - walk.waited_ms)

    def _has_time(self, walk: Walk, wait_ms: int) -> bool:
        return self._left_s(walk) - wait_ms / 1000 >= LEAST_ATTEMPT_S

    def _verdict(self, walk: Walk) -> LLMError:
        late = self._left_s(walk) < LEAST_ATTEMPT_S
        return verdict(walk.errors, deadline_passed=late, alone=len(walk.failures) == 1)

    async def _enter(self, walk: Walk, admission: Admission) -> Offer:
        if isinstance(admission, StaleCaller):
            raise CallerChangedError if walk.current is None else Unauthenticated("The API key was revoked meanwhile.")
        if isinstance(admission, Refused):
            raise self._refused(walk, admission)
        was_degraded, before = walk.degraded, walk.current
        offer = walk.take(admission)
        if walk.degraded and not was_degraded:
            self._telemetry.store_degraded(walk.ticket.request_id)
            self._emitter.degraded(walk)
        if before and before is not offer:
            self._emitter.moved_on(walk, before, offer)
        self._emitter.send(walk)
        if not self._has_time(walk, admission.wait_ms):
            # The store took too long. What it admitted is given back: it was not sent.
            raise verdict(walk.errors, deadline_passed=True, alone=False)
        if admission.wait_ms:
            await self._wait(walk, admission.wait_ms)
        return offer

    def _refused(self, walk: Walk, refused: Refused) -> LLMError:
        """The error when nobody can start: of those that were not tried yet, else of what the others ended in."""
        fresh = tuple(r for r in refused.refusals if walk.open[r.index].model.key not in walk.failures)
        if not fresh:
            return self._verdict(walk)
        told = Refused(fresh).told
        walk.skip(fresh)
        self._telemetry.refused(told)
        return refusal_error(told)

    def _terms(self, walk: Walk) -> dict[str, Any]:
        left_ms = max(0, round(self._left_s(walk) * 1000))
        longest_wait_ms = max(0, left_ms - round(LEAST_ATTEMPT_S * 1000))
        breaker = self._policy.breaker
        return {
            "now_ms": self._clock.now_ms(),
            "max_wait_ms": min(self._patience_ms(walk), longest_wait_ms),
            # A probe may run as long as its request: its lease must not end before it.
            "policy": replace(breaker, lease_ms=max(breaker.lease_ms, left_ms)),
        }

    def _left_s(self, walk: Walk) -> float:
        return walk.deadline_s - self._clock.monotonic_s()
