"""The only retry loop in the program: walks the candidates until one answers, inside one deadline.

`admission` says who is next, and who is asked again after which pause.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Protocol

from gateway_core.domain.chat import Chunk, Cost, Model, Usage
from gateway_core.domain.cost import price
from gateway_core.domain.errors import (
    ContextLengthError,
    DeploymentUnusable,
    LLMError,
    ProviderError,
    ProviderTimeout,
    StoreUnavailable,
)
from gateway_core.domain.rates import RateView
from gateway_core.pipeline.admission import LEAST_ATTEMPT_S, FailoverPolicy, Turns
from gateway_core.pipeline.attempt_stream import LiveStream
from gateway_core.pipeline.emitter import Emitter
from gateway_core.pipeline.final_error import verdict
from gateway_core.pipeline.request_state import Walk
from gateway_core.ports import Clock, Draw, Ledger
from gateway_core.routing.bounds import Offer
from gateway_core.routing.plan import longer_context
from gateway_core.telemetry.telemetry import Telemetry


class Billed(Protocol):
    """What every kind of answer has."""

    @property
    def usage(self) -> Usage: ...

    @property
    def rates(self) -> RateView | None: ...


type Send[A] = Callable[[Model, float], Awaitable[A]]
"""Makes one attempt at a model within so many seconds. Raises a ProviderError."""


class Failover:
    """Runs one request to its end, whatever happens on the way; see `run`."""

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
        self._turns = Turns(ledger, clock, policy, telemetry, emitter, draw)

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
            first_content_ms = self._since_ms(walk.began_s)
            async for chunk in live:
                yield chunk
            self._won(walk, live, first_content_ms)
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
        deadline_passed = self._left_s(walk) < LEAST_ATTEMPT_S
        if deadline_passed and isinstance(error, ProviderTimeout):
            error.effect = "skip"  # it was still answering when the caller's time was up
        self._lost(walk, error)
        self._telemetry.stream_broke(walk.ticket.request_id, walk.attempts[-1], error)
        told = verdict([error], deadline_passed=deadline_passed, alone=True)
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
        offer = await self._turns.first(walk)
        while True:
            try:
                return await self._attempt(walk, offer, send)
            except ProviderError as error:
                self._narrow(walk, offer, error)
                offer = await self._turns.after(walk, offer, error)

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

    def _won(self, walk: Walk, answer: Billed, first_content_ms: int | None = None) -> None:
        cost = self._price(walk.last.model, answer.usage)
        walk.won(answer.usage, cost, self._since_ms(walk.began_s), answer.rates, first_content_ms)
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
        except Exception as error:  # noqa: BLE001 - a fault of ours must not take the answer away
            detail = f"unexpected {type(error).__name__} of the store's adapter"
            fault = StoreUnavailable("The gateway could not settle.", detail=detail)
            self._telemetry.unsettled(walk.ticket, walk.pending, record, fault)
        finally:
            await self._emitter.finish(walk)

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
        raise DeploymentUnusable("The provider call failed.", detail=detail, unconfirmed=True) from error
