"""The only retry loop in the program: walks the candidates until one answers, inside one deadline.

Fail over first, wait later: a limited or broken deployment is passed over at once, and waiting happens only when
nothing else can serve. Each failed attempt is settled and the next one admitted in a single trip to the store.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from gateway_core.admission import Admission, BreakerPolicy, Refused, StaleCaller
from gateway_core.catalog import Provider
from gateway_core.cost import price
from gateway_core.domain import Chunk, Cost, Model, Usage
from gateway_core.emitter import Emitter
from gateway_core.errors import (
    ContextLengthError,
    LLMError,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
    StoreUnavailable,
    Unauthenticated,
)
from gateway_core.live import LiveStream
from gateway_core.ports import Clock, Ledger
from gateway_core.ratelimit import RateView
from gateway_core.routing import longer_context
from gateway_core.telemetry import Telemetry
from gateway_core.verdict import refusal_error, verdict
from gateway_core.walk import Offer, Walk

LEAST_ATTEMPT_S = 0.05


class Billed(Protocol):
    """What every kind of answer has."""

    @property
    def usage(self) -> Usage: ...

    @property
    def rates(self) -> RateView | None: ...


type Send[A] = Callable[[Model, float], Awaitable[A]]
"""Makes one attempt at a model within so many seconds. Raises a ProviderError."""


@dataclass(frozen=True, slots=True)
class FailoverPolicy:
    """Limits of a walk. A provider's `timeout_s` bounds an attempt while other candidates are left to try."""

    breaker: BreakerPolicy
    queue_timeout_s: float
    providers: Mapping[str, Provider]


class CallerChangedError(Exception):
    """The store no longer honours the caller's rights as they were looked up; nothing was called."""


class Failover:
    """Runs one request to its end, whatever happens on the way; see `run`."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        policy: FailoverPolicy,
        telemetry: Telemetry,
        emitter: Emitter,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._policy = policy
        self._telemetry = telemetry
        self._emitter = emitter

    async def run[A: Billed](self, walk: Walk, send: Send[A]) -> A:
        """The first answer that a candidate gives; the walk then tells which, at what cost, after which attempts.

        Raises CallerChangedError before anything was called, else an LLMError that carries the attempts. Whatever
        was admitted is settled on the way out, also when the task is cancelled.
        """
        started_s = self._clock.monotonic_s()
        error_code = "cancelled"
        try:
            answer = await self._first_answer(walk, send)
            self._won(walk, answer)
            error_code = ""
        except LLMError as error:
            error.attempts = tuple(walk.attempts)
            error_code = error.code
            raise
        finally:
            # Shielded: a caller who hangs up must not leave the books open.
            await asyncio.shield(self._close(walk, error_code, started_s))
        return answer

    async def stream(self, walk: Walk, open_stream: Send[LiveStream]) -> AsyncGenerator[Chunk]:
        """The chunks of the first candidate that gives any content; after that, nobody else can answer.

        Settled before it ends. Raises like `run`; an error in the middle of the answer also carries what is billed.
        Close it: a caller who leaves early closes the provider's connection and is charged for what was delivered.
        """
        started_s = self._clock.monotonic_s()
        error_code, live = "cancelled", None
        try:
            live = await self._first_answer(walk, open_stream)
            walk.first_token_ms = self._since_ms(started_s)
            async for chunk in live:
                yield chunk
            self._won(walk, live)
            error_code = ""
        except LLMError as error:
            broken = self._broken(walk, error) if live and isinstance(error, ProviderError) else error
            broken.attempts = tuple(walk.attempts)
            error_code = broken.code
            if broken is error:
                raise
            raise broken from error
        finally:
            # Shielded: a caller who hangs up must not leave the books open.
            await asyncio.shield(self._close_stream(walk, live, error_code, started_s))

    def _broken(self, walk: Walk, error: ProviderError) -> LLMError:
        self._lost(walk, error)
        self._telemetry.stream_broke(walk.ticket.request_id, walk.attempts[-1], error)
        told = verdict([error], deadline_passed=self._left_s(walk) < LEAST_ATTEMPT_S)
        told.billed = (walk.usage, walk.cost)
        return told

    async def _close_stream(self, walk: Walk, live: LiveStream | None, error_code: str, started_s: float) -> None:
        try:
            if live:
                await live.close()
            if live and error_code == "cancelled":
                usage = await live.least_usage()
                walk.abandoned(usage, self._price(walk.last.model, usage), self._since_ms(walk.began_s), live.rates)
                self._trace(walk)
        finally:
            await self._close(walk, error_code, started_s)

    async def _first_answer[A: Billed](self, walk: Walk, send: Send[A]) -> A:
        try:
            admission = await self._heard(walk, self._ledger.admit(walk.ticket, walk.candidates, **self._terms(walk)))
        except StoreUnavailable as error:
            self._telemetry.admission_lost(walk.ticket, error)
            raise
        while True:
            offer = await self._enter(walk, admission)
            try:
                return await self._attempt(walk, offer, send)
            except ProviderError as error:
                self._narrow(walk, offer, error)
                if not walk.open or self._left_s(walk) < LEAST_ATTEMPT_S:
                    raise verdict(walk.errors, deadline_passed=self._left_s(walk) < LEAST_ATTEMPT_S) from error
            settlement = walk.pending
            if settlement is None:
                raise RuntimeError("a failed attempt has a settlement")
            self._emitter.send(walk)
            admission = await self._heard(
                walk, self._ledger.next(walk.ticket, settlement, walk.candidates, **self._terms(walk))
            )
            walk.pending = None

    async def _heard(self, walk: Walk, asked: Coroutine[Any, Any, Admission]) -> Admission:
        """What the store answers. A caller who leaves meanwhile waits for it, and so gives back what was admitted."""
        asking = asyncio.ensure_future(asked)
        try:
            return await asyncio.shield(asking)
        except asyncio.CancelledError:
            try:
                walk.leave(await asking)
            except LLMError as error:
                self._telemetry.admission_lost(walk.ticket, error)
            raise

    async def _enter(self, walk: Walk, admission: Admission) -> Offer:
        self._emitter.changed(walk, admission.changes)
        if isinstance(admission, StaleCaller):
            raise CallerChangedError if walk.current is None else Unauthenticated("The API key was revoked meanwhile.")
        if isinstance(admission, Refused):
            walk.skip(admission.refusals)
            self._telemetry.refused(admission.told)
            raise refusal_error(admission.told)
        was_degraded, before = walk.degraded, walk.current
        offer = walk.take(admission)
        if walk.degraded and not was_degraded:
            self._telemetry.store_degraded(walk.ticket.request_id)
            self._emitter.degraded(walk)
        if before:
            self._emitter.moved_on(walk, before, offer)
        self._emitter.send(walk)
        if admission.wait_ms:
            await self._clock.sleep(admission.wait_ms / 1000)
        return offer

    async def _attempt[A: Billed](self, walk: Walk, offer: Offer, send: Send[A]) -> A:
        patience_s = self._policy.providers[offer.model.provider].timeout_s
        left_s = self._left_s(walk)
        timeout_s = min(left_s / 2, patience_s) if walk.open else left_s
        walk.begin(self._clock.monotonic_s())
        try:
            return await _sent(send, offer.model, timeout_s)
        except ProviderError as error:
            if isinstance(error, ProviderTimeout) and timeout_s < patience_s:
                error.effect = "skip"  # the caller was in a hurry: that says nothing about the deployment
            self._lost(walk, error)
            raise

    def _won(self, walk: Walk, answer: Billed) -> None:
        cost = self._price(walk.last.model, answer.usage)
        walk.won(answer.usage, cost, self._since_ms(walk.began_s), answer.rates)
        self._trace(walk)

    def _lost(self, walk: Walk, error: ProviderError) -> None:
        cost = self._price(walk.last.model, error.usage) if error.usage else None
        walk.lost(error, cost, self._since_ms(walk.began_s))
        self._trace(walk)
        self._telemetry.attempt_failed(walk.ticket.request_id, walk.attempts[-1], error)
        self._emitter.failed(walk, error)

    def _trace(self, walk: Walk) -> None:
        self._telemetry.attempt_ended(walk.ticket.request_id, walk.attempts[-1], self._clock.now_ms())

    def _price(self, model: Model, usage: Usage) -> Cost:
        return price(
            usage, model.price, input_includes_cached=self._policy.providers[model.provider].input_includes_cached
        )

    def _narrow(self, walk: Walk, offer: Offer, error: ProviderError) -> None:
        """Leave open only what can still help after `error`."""
        if isinstance(error, ContextLengthError):
            longer = {model.key for model in longer_context((o.model for o in walk.open), offer.model)}
            walk.open = [o for o in walk.open if o.model.key in longer]
        elif not error.retryable:
            walk.open = []

    async def _close(self, walk: Walk, error_code: str, started_s: float) -> None:
        """Settle what is pending and write the record. Never raises: the answer or the error is more important."""
        if walk.current is None:
            return
        walk.interrupted(self._since_ms(walk.began_s))
        record = walk.record(
            at_ms=self._clock.now_ms(),
            latency_ms=self._since_ms(started_s),
            error_code=error_code,
            input_includes_cached=self._policy.providers[walk.current.model.provider].input_includes_cached,
        )
        self._telemetry.usage(record, walk.first_token_ms)
        self._emitter.ended(walk, record)
        self._emitter.send(walk)
        try:
            settled = await self._ledger.settle(
                walk.ticket, walk.pending, record, now_ms=self._clock.now_ms(), policy=self._policy.breaker
            )
            self._emitter.changed(walk, settled.changes)
        except LLMError as error:
            self._telemetry.unsettled(walk.ticket, walk.pending, record, error)
        finally:
            await self._emitter.finish(walk)

    def _terms(self, walk: Walk) -> dict[str, Any]:
        left_ms = max(0, round(self._left_s(walk) * 1000))
        breaker = self._policy.breaker
        return {
            "now_ms": self._clock.now_ms(),
            "max_wait_ms": min(round(self._policy.queue_timeout_s * 1000), left_ms),
            # A probe may run as long as its request: its lease must not end before it.
            "policy": replace(breaker, lease_ms=max(breaker.lease_ms, left_ms)),
        }

    def _left_s(self, walk: Walk) -> float:
        return walk.deadline_s - self._clock.monotonic_s()

    def _since_ms(self, started_s: float) -> int:
        return round((self._clock.monotonic_s() - started_s) * 1000)


async def _sent[A](send: Send[A], model: Model, timeout_s: float) -> A:
    try:
        return await send(model, timeout_s)
    except LLMError:
        raise
    except Exception as error:
        # A fault of ours or of a library: nobody knows what was billed, and another candidate may still work.
        detail = f"unexpected {type(error).__name__} in the provider adapter"
        raise ProviderUnavailable("The provider call failed.", detail=detail, unconfirmed=True) from error
