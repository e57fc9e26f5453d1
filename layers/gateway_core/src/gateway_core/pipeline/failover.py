"""The only retry loop in the program: tries the candidates until one answers, within one deadline.

`admission` says who is next, and who is asked again after which pause.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Protocol

from gateway_core.crowd.slot import back, outside, waited
from gateway_core.domain.answer import Chunk, Cost, Usage
from gateway_core.domain.chat import Deployment, Model
from gateway_core.domain.cost import price
from gateway_core.domain.errors import LLMError, StoreUnavailable
from gateway_core.domain.provider_errors import ContextLengthError, ProviderError, ProviderTimeout
from gateway_core.domain.rates import RateView
from gateway_core.pipeline.admission import LEAST_ATTEMPT_S, CandidateSelector, FailoverPolicy
from gateway_core.pipeline.attempt_stream import AttemptStream
from gateway_core.pipeline.emitter import Emitter
from gateway_core.pipeline.final_error import final_error
from gateway_core.pipeline.request_state import RequestState
from gateway_core.pipeline.sending import Send, sent, to_its_end
from gateway_core.pipeline.usage_record import record_of
from gateway_core.ports import Clock, Draw, Ledger
from gateway_core.routing.bounds import BoundedCandidate
from gateway_core.routing.plan import longer_context
from gateway_core.routing.unknown_end import unconfirmed_bound
from gateway_core.store.messages import Settled, Terms
from gateway_core.store.records import UsageRecord
from gateway_core.telemetry.telemetry import Telemetry
from gateway_core.waiting import Aside, Begun


class Billed(Protocol):
    """What every kind of answer has."""

    @property
    def usage(self) -> Usage: ...

    @property
    def rates(self) -> RateView | None: ...


type Loading = Callable[[Deployment], Awaitable[object] | None]
"""See `ports.ModelProvider.loading`."""
type OpenStream = Callable[[BoundedCandidate, float], AttemptStream]
"""The stream of a candidate that is to begin within so many seconds. Nothing is sent before it is begun."""


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
        loading: Loading,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._policy = policy
        self._telemetry = telemetry
        self._emitter = emitter
        self._loading = loading
        self._selector = CandidateSelector(ledger, clock, policy, telemetry, emitter, draw)

    async def run[A: Billed, R](self, state: RequestState, send: Send[A], compose: Callable[[A], R]) -> R:
        """What `compose` makes of the first answer that a candidate gives, while the store writes what that cost.

        The state then has which candidate it was, its cost and all attempts.
        Raises CallerChangedError before anything was called, else an LLMError that carries the attempts. Whatever
        was admitted is settled on the way out, also when the task is cancelled. If the caller left (`waiting.leave`), a
        call that is under way is read to its end, so that it is settled as it is billed, and nothing further is begun.
        """
        started_s = self._clock.monotonic_s()
        error_code, made = "cancelled", list[R]()
        try:
            answer = await self._first_answer(state, partial(to_its_end, state, send))
            self._won(state, answer)
            if state.caller_left:
                raise asyncio.CancelledError
            error_code = ""
        except LLMError as error:
            error.attempts = tuple(state.attempts)
            error.billed = (state.usage, state.cost) if state.current else None
            error_code = error.code
            raise
        finally:
            # Aside: a caller who hangs up must not leave the books open.
            composing = () if error_code else (lambda: made.append(compose(answer)),)
            await Aside(self._close(state, error_code, started_s, *composing)).result()
        return made[0]

    async def close_hit(self, state: RequestState, started_s: float) -> None:
        """Write the record of a request that was served with a kept answer. Never raises."""
        await Aside(self._close(state, "", started_s)).result()

    async def stream(self, state: RequestState, open_stream: OpenStream) -> AsyncGenerator[Chunk]:
        """The chunks of the first candidate that gives any content; after that, nobody else can answer.

        Settled before it ends. Raises like `run`; an error in the middle of the answer also carries what is billed.
        Close it: a caller who leaves early closes the provider's connection and is charged for what was delivered, and
        for what the provider may have written beside it.
        """
        started_s = self._clock.monotonic_s()
        error_code, opened, has_begun = "cancelled", list[AttemptStream](), False
        try:
            attempt_stream = await self._first_answer(state, partial(_begin, opened, open_stream))
            has_begun = True
            state.first_token_ms = self._since_ms(started_s)
            first_content_ms = self._since_ms(state.began_s)
            while (chunk := await attempt_stream.next()) is not None:
                yield chunk
            self._won(state, attempt_stream, first_content_ms)
            error_code = ""
        except LLMError as error:
            broken = self._broken(state, error) if has_begun and isinstance(error, ProviderError) else error
            broken.attempts = tuple(state.attempts)
            broken.billed = (state.usage, state.cost) if state.costs else None
            error_code = broken.code
            if broken is error:
                raise
            raise broken from error
        finally:
            # Aside: a caller who hangs up must not leave the books open.
            await Aside(self._close_stream(state, opened, error_code, started_s)).result()

    def _broken(self, state: RequestState, error: ProviderError) -> LLMError:
        deadline_passed = self._left_s(state) < LEAST_ATTEMPT_S
        if deadline_passed and isinstance(error, ProviderTimeout):
            error.effect = "skip"  # it was still answering when the caller's time was up
        self._lost(state, error)
        self._telemetry.stream_broke(state.ticket.request_id, state.attempts[-1], error)
        return final_error([error], deadline_passed=deadline_passed, alone=True)

    async def _close_stream(
        self, state: RequestState, opened: list[AttemptStream], error_code: str, started_s: float
    ) -> None:
        try:
            for attempt_stream in opened:
                await self._end_stream(state, attempt_stream)
        finally:
            await self._close(state, error_code, started_s)

    async def _end_stream(self, state: RequestState, attempt_stream: AttemptStream) -> None:
        """Close it; one that is under way still is left by its caller."""
        if not state.is_under_way:
            await attempt_stream.close()
            return
        try:
            await attempt_stream.stop()
        finally:
            usage, estimated = await attempt_stream.bill()
            cost = self._price(state.last.model, usage, estimated=estimated)
            latency_ms = self._since_ms(state.began_s)
            state.abandoned(usage, cost, latency_ms, attempt_stream.rates, estimated=estimated)
            self._trace(state, self._clock.now_ms())

    async def _first_answer[A: Billed](self, state: RequestState, send: Send[A]) -> A:
        bounded = await self._selector.first(state)
        while True:
            try:
                return await self._attempt(state, bounded, send)
            except ProviderError as error:
                if state.caller_left:
                    raise asyncio.CancelledError from None
                await back()
                self._narrow(state, bounded, error)
                bounded = await self._selector.after(state, bounded, error)

    async def _attempt[A: Billed](self, state: RequestState, bounded: BoundedCandidate, send: Send[A]) -> A:
        if loading := self._loading(bounded.model.deployment):
            await self._loaded(state, loading)
        patience_s = self._policy.providers[bounded.model.provider].timeout_s
        left_s = self._left_s(state)
        timeout_s = min(left_s / 2, patience_s) if state.untried else left_s
        state.begin(self._clock.monotonic_s())
        try:
            return await outside(sent(send, bounded, timeout_s))  # who waits for a model does not work
        except ProviderError as error:
            if isinstance(error, ProviderTimeout) and timeout_s < patience_s:
                error.effect = "skip"  # the caller was in a hurry: that says nothing about the deployment
            self._lost(state, error)
            raise

    async def _loaded(self, state: RequestState, loading: Awaitable[object]) -> None:
        """Before the attempt begins: what is ours to load takes nothing of the caller's time, nor of the provider's."""
        since_s = self._clock.monotonic_s()
        with suppress(Exception):  # the call says what there is to say
            await waited(loading)
        state.deadline_s += self._clock.monotonic_s() - since_s

    def _won(self, state: RequestState, answer: Billed, first_content_ms: int | None = None) -> None:
        cost = self._price(state.last.model, answer.usage)
        state.won(answer.usage, cost, self._since_ms(state.began_s), answer.rates, first_content_ms)
        state.answered_ms = self._clock.now_ms()

    def _lost(self, state: RequestState, error: ProviderError) -> None:
        cost = self._price(state.last.model, error.usage, estimated=error.estimated) if error.usage else None
        state.lost(error, cost, self._since_ms(state.began_s), self._most(state))
        self._trace(state, self._clock.now_ms())
        self._telemetry.attempt_failed(state.ticket.request_id, state.attempts[-1], error)
        self._emitter.failed(state, error)

    def _trace(self, state: RequestState, ended_ms: int) -> None:
        self._telemetry.attempt_ended(state.ticket.request_id, state.attempts[-1], ended_ms)

    def _price(self, model: Model, usage: Usage, *, estimated: bool = False) -> Cost:
        cost = price(
            usage, model.price, input_includes_cached=self._policy.providers[model.provider].input_includes_cached
        )
        return replace(cost, estimated_nano=cost.total_nano) if estimated else cost

    def _most(self, state: RequestState) -> tuple[int, int] | None:
        """The most that the attempt under way can be billed, None where that is its bound."""
        sent_for_s = self._clock.monotonic_s() - state.began_s
        return unconfirmed_bound(state.last, self._policy.providers[state.last.model.provider], sent_for_s)

    def _narrow(self, state: RequestState, bounded: BoundedCandidate, error: ProviderError) -> None:
        """Leave open only what can still help after `error`."""
        if isinstance(error, ContextLengthError):
            longer = {model.key for model in longer_context((o.model for o in state.untried), bounded.model)}
            state.untried = [o for o in state.untried if o.model.key in longer]
        elif not error.retryable:
            state.untried = []

    async def _close(
        self, state: RequestState, error_code: str, started_s: float, meanwhile: Callable[[], object] = lambda: None
    ) -> None:
        """Settle what is pending and write the record, and do something while the store writes.

        Raises only what that raises, or a fault of telemetry, and then the store has answered: else the answer or the
        error is more important.
        """
        if state.current is None:
            return
        await back()
        if state.is_under_way:
            state.interrupted(self._since_ms(state.began_s), self._most(state))
        record = record_of(
            state,
            at_ms=self._clock.now_ms(),
            latency_ms=self._since_ms(started_s),
            error_code=error_code,
            input_includes_cached=self._policy.providers[state.current.model.provider].input_includes_cached,
        )
        terms = Terms(self._clock.now_ms(), self._policy.breaker)
        settling = Begun(self._ledger.settle(state.ticket, state.pending, record, terms))
        try:
            self._tell(state, record)
            meanwhile()
        finally:
            await self._settled(state, record, settling)

    def _tell(self, state: RequestState, record: UsageRecord) -> None:
        if state.has_won:
            self._trace(state, state.answered_ms)
        self._telemetry.usage(record, state.first_token_ms)
        self._emitter.ended(state, record)
        self._emitter.send(state)

    async def _settled(self, state: RequestState, record: UsageRecord, settling: Awaitable[Settled]) -> None:
        try:
            settled = await settling
            self._emitter.changed(state, settled.changes)
            self._telemetry.booked(settled)
        except LLMError as error:
            self._telemetry.unsettled(state.ticket, state.pending, record, error)
        except Exception as error:  # noqa: BLE001 - a fault of ours must not take the answer away
            detail = f"unexpected {type(error).__name__} of the store's adapter"
            fault = StoreUnavailable("The gateway could not settle.", detail=detail)
            self._telemetry.unsettled(state.ticket, state.pending, record, fault)
        finally:
            await self._emitter.finish(state)

    def _left_s(self, state: RequestState) -> float:
        return state.deadline_s - self._clock.monotonic_s()

    def _since_ms(self, started_s: float) -> int:
        return round((self._clock.monotonic_s() - started_s) * 1000)


async def _begin(
    opened: list[AttemptStream], open_stream: OpenStream, bounded: BoundedCandidate, timeout_s: float
) -> AttemptStream:
    """The stream, up to its first content; it is the one in `opened` as soon as it may be billed."""
    opened[:] = [open_stream(bounded, timeout_s)]
    await opened[0].begin()
    return opened[0]
