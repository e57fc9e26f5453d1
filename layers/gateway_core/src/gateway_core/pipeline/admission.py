"""Selects and admits candidates: the first one, and after a failure the next, or the same one after a pause.

Fail over first, wait later: a limited or broken deployment is passed over at once, and waiting happens only when
nothing else can serve. A failed attempt is settled and another admitted in a single round trip to the store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gateway_core.crowd.slot import waited
from gateway_core.domain.catalog import Provider
from gateway_core.domain.errors import LLMError, StoreUnavailable, Unauthenticated
from gateway_core.domain.provider_errors import ProviderError, RateLimitError
from gateway_core.pipeline.emitter import Emitter
from gateway_core.pipeline.final_error import final_error, refusal_error
from gateway_core.pipeline.request_state import RequestState
from gateway_core.ports import Clock, Draw, Ledger
from gateway_core.routing.bounds import BoundedCandidate
from gateway_core.routing.retry import RetryPolicy, comeback_ms, soonest_ms
from gateway_core.store.messages import Admission, BreakerPolicy, Refused, StaleCaller, Terms
from gateway_core.telemetry.telemetry import Telemetry
from gateway_core.waiting import Aside, outlive

LEAST_ATTEMPT_S = 0.05
"""With less time left than this nobody is called: it would be billed, and answer too late."""


@dataclass(frozen=True, slots=True)
class FailoverPolicy:
    """How far failover goes. A provider's `timeout_s` bounds an attempt while other candidates are untried."""

    breaker: BreakerPolicy
    queue_timeout_s: float
    providers: Mapping[str, Provider]
    retry: RetryPolicy


class CallerChangedError(Exception):
    """The store no longer honours the caller's rights as they were looked up; nothing was called."""


class CandidateSelector:
    """Admits the candidates of requests, one after the other."""

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

    async def first(self, state: RequestState) -> BoundedCandidate:
        """The candidate to begin with. Raises CallerChangedError, or the LLMError of a refusal."""
        return await self._enter(state, await self._rested(state, self._admit, await self._admit(state)))

    async def after(self, state: RequestState, bounded: BoundedCandidate, error: ProviderError) -> BoundedCandidate:
        """The candidate to try after `bounded` failed: another one at once, else the same after a pause.

        Raises the LLMError that the request ends in if neither can be.
        """
        return await self._enter(state, await self._admission_after(state, bounded, error))

    async def _admit(self, state: RequestState) -> Admission:
        try:
            return await self._answer_of(state, self._ledger.admit(state.ticket, state.candidates, self._terms(state)))
        except StoreUnavailable as error:
            self._telemetry.admission_lost(state.ticket, error)
            raise

    async def _next(self, state: RequestState) -> Admission:
        if state.ended is None:
            raise RuntimeError("a failed attempt has a settlement")
        self._emitter.send(state)
        asked = self._ledger.next(state.ticket, state.ended, state.candidates, self._terms(state))
        admission = await self._answer_of(state, asked)
        state.pending = None
        return admission

    async def _answer_of(self, state: RequestState, asked: Coroutine[Any, Any, Admission]) -> Admission:
        """What the store answers. A caller who leaves meanwhile waits for it, and so gives back what was admitted."""
        asking = Aside(asked)
        if state.calls and state.untried and not asking.task.done():
            state.calls.foresee(state.untried[0])  # while the store decides
        try:
            admission = await asking.result()
        except asyncio.CancelledError:
            await self._leave(state, asking.task)
            raise
        self._emitter.changed(state, admission.changes)
        return admission

    async def _leave(self, state: RequestState, asked: asyncio.Task[Admission]) -> None:
        """Note what the store answers to who does not wait for it any more; what nobody will hear is logged."""
        await outlive(asked)
        try:
            admission = asked.result()
            self._emitter.changed(state, admission.changes)
            state.leave(admission)
        except LLMError as error:
            self._telemetry.admission_lost(state.ticket, error)
        except asyncio.CancelledError:
            self._telemetry.admission_lost(
                state.ticket, StoreUnavailable("The request ended before the store answered.")
            )

    async def _admission_after(self, state: RequestState, bounded: BoundedCandidate, error: ProviderError) -> Admission:
        if self._left_s(state) < LEAST_ATTEMPT_S:
            raise self._final_error(state) from error
        insisted_ms = self._comeback_ms(state, bounded, error, last=False) if state.untried else None
        if insisted_ms is not None:
            return await self._again(state, [bounded, *state.untried], error, insisted_ms)
        admission = await self._next(state) if state.untried else None
        if admission is not None and not isinstance(admission, Refused):
            return admission
        pause_ms = self._comeback_ms(state, bounded, error, last=True)
        if pause_ms is not None:
            return await self._again(state, [*state.untried, bounded], error, pause_ms)
        if admission is None:
            raise self._final_error(state) from error
        return await self._rested(state, self._next, admission)

    async def _again(
        self, state: RequestState, candidates: list[BoundedCandidate], error: ProviderError, pause_ms: int
    ) -> Admission:
        """Admit one of the candidates after the pause. What a rate limit asks for, the store tells once it knows it."""
        state.untried = candidates
        if not isinstance(error, RateLimitError):
            await self._wait(state, pause_ms)
        return await self._rested(state, self._next, await self._next(state))

    async def _rested(
        self, state: RequestState, ask: Callable[[RequestState], Awaitable[Admission]], admission: Admission
    ) -> Admission:
        """`admission`; what `ask` says once the holds fit a budget, or one that rests for a little has done so."""
        while isinstance(admission, Refused):
            if await self._fits_now(state, admission):
                admission = await ask(state)
                continue
            wait_ms = soonest_ms(admission)
            if wait_ms is None or wait_ms > self._patience_ms(state) or not self._has_time(state, wait_ms):
                break
            await self._wait(state, wait_ms)
            admission = await ask(state)
        return admission

    async def _fits_now(self, state: RequestState, refused: Refused) -> bool:
        """Whether less is to be held for a request that a budget has no room for."""
        if state.fitting is None:
            return False
        before = state.untried
        state.untried = await state.fitting.fit(before, refused)
        return state.untried != before

    async def _wait(self, state: RequestState, wait_ms: int) -> None:
        state.waited_ms += wait_ms
        if state.calls:
            state.calls.forget()
        await waited(self._clock.sleep(wait_ms / 1000))

    def _comeback_ms(
        self, state: RequestState, bounded: BoundedCandidate, error: ProviderError, *, last: bool
    ) -> int | None:
        failed, patience_ms = state.failures[bounded.model.key], self._patience_ms(state)
        pause_ms = comeback_ms(self._policy.retry, error, failed, last=last, patience_ms=patience_ms, draw=self._draw())
        return pause_ms if pause_ms is None or self._has_time(state, pause_ms) else None

    def _patience_ms(self, state: RequestState) -> int:
        """What is left of the time that a request may wait for its turn."""
        return max(0, round(self._policy.queue_timeout_s * 1000) - state.waited_ms)

    def _has_time(self, state: RequestState, wait_ms: int) -> bool:
        return self._left_s(state) - wait_ms / 1000 >= LEAST_ATTEMPT_S

    def _final_error(self, state: RequestState) -> LLMError:
        late = self._left_s(state) < LEAST_ATTEMPT_S
        return final_error(state.errors, deadline_passed=late, alone=len(state.failures) == 1)

    async def _enter(self, state: RequestState, admission: Admission) -> BoundedCandidate:
        if isinstance(admission, StaleCaller):
            raise (
                CallerChangedError
                if state.current is None
                else Unauthenticated("The API key was revoked or changed, or ended, meanwhile.")
            )
        if isinstance(admission, Refused):
            raise self._refused(state, admission)
        was_degraded, before = state.degraded, state.current
        bounded = state.take(admission)
        if state.degraded and not was_degraded:
            self._telemetry.store_degraded(state.ticket.request_id)
            self._emitter.degraded(state)
        if before and before is not bounded:
            self._emitter.moved_on(state, before, bounded)
        self._emitter.send(state)
        if not self._has_time(state, admission.wait_ms):
            # The store took too long. What it admitted is given back: it was not sent.
            raise final_error(state.errors, deadline_passed=True, alone=False)
        if admission.wait_ms:
            await self._wait(state, admission.wait_ms)
        return bounded

    def _refused(self, state: RequestState, refused: Refused) -> LLMError:
        """The error when nobody can start: of those that were not tried yet, else of what the others ended in."""
        fresh = tuple(r for r in refused.refusals if state.untried[r.index].model.key not in state.failures)
        if not fresh:
            return self._final_error(state)
        reported = Refused(fresh).reported
        state.skip(fresh)
        self._telemetry.refused(reported)
        return refusal_error(reported, state.untried)

    def _terms(self, state: RequestState) -> Terms:
        left_ms = max(0, round(self._left_s(state) * 1000))
        longest_wait_ms = max(0, left_ms - round(LEAST_ATTEMPT_S * 1000))
        breaker = self._policy.breaker
        # A probe may run as long as its request: its lease must not end before it.
        policy = replace(breaker, lease_ms=max(breaker.lease_ms, left_ms))
        return Terms(self._clock.now_ms(), policy, min(self._patience_ms(state), longest_wait_ms))

    def _left_s(self, state: RequestState) -> float:
        return state.deadline_s - self._clock.monotonic_s()
