"""One request from start to end; read this first.

authorise -> planning (routing.plan) -> a bound for each candidate -> failover (admit, call, next, settle) -> completion
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial

from gateway_core.access.authenticator import Authenticator
from gateway_core.access.rights import attribute
from gateway_core.config.settings import GatewaySettings
from gateway_core.domain.answer import Chunk, ProviderAnswer
from gateway_core.domain.caller import Caller
from gateway_core.domain.chat import ChatRequest
from gateway_core.domain.downgrade import Reached
from gateway_core.domain.embedding import EmbedCall, Embeddings, EmbedRequest
from gateway_core.domain.errors import BudgetExceeded, Unauthenticated
from gateway_core.domain.result import Completion, Opened, Plan
from gateway_core.pipeline.admission import CallerChangedError
from gateway_core.pipeline.attempt_stream import AttemptStream
from gateway_core.pipeline.calls import Calls
from gateway_core.pipeline.downgrading import Downgrading, note, planned
from gateway_core.pipeline.failover import Failover
from gateway_core.pipeline.fitting import Fitting
from gateway_core.pipeline.model_router import ModelRouter
from gateway_core.pipeline.request_state import RequestState
from gateway_core.pipeline.sending import Send
from gateway_core.pipeline.stopping import stopped_with_bill
from gateway_core.pipeline.stream_meter import StreamMeter
from gateway_core.ports import Clock, ModelProvider
from gateway_core.routing.bounds import BoundedCandidate, PromptSize, bound_chat, bound_embedding
from gateway_core.routing.plan import Asked, plan_embedding, reachable_models
from gateway_core.store.messages import Ticket


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Who asks, under which id, and by when (seconds of the monotonic clock) the answer must be there."""

    caller: Caller
    request_id: str
    deadline_s: float


type StreamPart = Opened | Chunk | Completion[ProviderAnswer]
"""What a stream is made of, in this order: one `Opened`, chunks, and the completion once everything is settled."""
type Compose[R] = Callable[[Completion[ProviderAnswer]], R]
"""Puts a whole answer into its caller's words. Pure."""

_CHANGING = "The API key keeps changing. Try again."


@dataclass(frozen=True, slots=True)
class _RunningStream:
    """A stream that has begun: its `first` chunk was taken out of `chunks` already, None if there was none at all.

    `answering` has the stream of the attempt that answers.
    """

    state: RequestState
    first: Chunk | None
    chunks: AsyncGenerator[Chunk]
    answering: list[AttemptStream]
    started_s: float

    def whole(self) -> ProviderAnswer:
        """What was delivered, as one answer."""
        answer = self.answering[0].delivered.answer(self.answering[0].usage)
        return replace(answer, dropped_params=self.state.last.dropped(answer.dropped_params))


class Gateway:
    """Completes and embeds for callers. Holds no state of its own.

    Both methods answer within `timeout_s` seconds from whichever candidate can, and raise an LLMError that carries
    the attempts made. A key that changed since it was looked up is looked up once more; a second change is refused.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        provider: ModelProvider,
        router: ModelRouter,
        authenticator: Authenticator,
        failover: Failover,
        clock: Clock,
        downgrading: Downgrading,
    ) -> None:
        self._catalog = settings.catalog
        self._downgrading = downgrading
        self._provider = provider
        self._router = router
        self._authenticator = authenticator
        self._failover = failover
        self._clock = clock
        self._stall_timeout_s = settings.stall_timeout_s
        self._caches_prompts = settings.prompt_caching
        self._least_max_tokens = settings.least_max_tokens

    async def complete(
        self, request: ChatRequest, caller: Caller, request_id: str, *, timeout_s: float
    ) -> Completion[ProviderAnswer]:
        """A whole answer to a conversation."""
        return await self.composed(request, caller, request_id, _as_it_is, timeout_s=timeout_s)

    async def composed[R](
        self, request: ChatRequest, caller: Caller, request_id: str, compose: Compose[R], *, timeout_s: float
    ) -> R:
        """What `compose` makes of a whole answer; it works while the store writes what that cost."""
        context = RequestContext(caller, request_id, self._clock.monotonic_s() + timeout_s)
        return await self.with_fresh_rights(context, lambda current: self._complete(request, current, compose))

    async def stream(
        self, request: ChatRequest, caller: Caller, request_id: str, *, timeout_s: float
    ) -> AsyncGenerator[StreamPart]:
        """An answer in pieces, and its completion once it is settled. Close it to end it early."""
        context = RequestContext(caller, request_id, self._clock.monotonic_s() + timeout_s)
        running = await self.with_fresh_rights(context, lambda current: self._begin_stream(request, current))
        state = running.state
        with stopped_with_bill(state):
            async with aclosing(running.chunks) as chunks:
                if running.first is not None:
                    dropped = state.last.dropped(running.first.dropped_params)
                    opened = Opened(state.last.model, state.made + 1, state.degraded, dropped_params=dropped)
                    yield replace(opened, downgraded=state.downgraded)
                    yield running.first
                async for chunk in chunks:
                    yield chunk
        yield self._completion(state, running.whole(), running.started_s)

    async def embed(
        self, request: EmbedRequest, caller: Caller, request_id: str, *, timeout_s: float
    ) -> Completion[Embeddings]:
        """A vector for each text."""
        context = RequestContext(caller, request_id, self._clock.monotonic_s() + timeout_s)
        return await self.with_fresh_rights(context, lambda current: self._embed(request, current))

    async def _complete[R](self, request: ChatRequest, context: RequestContext, compose: Compose[R]) -> R:
        async def send(calls: Calls, bounded: BoundedCandidate, timeout_s: float) -> ProviderAnswer:
            answer = await self._provider.complete(calls.of(bounded, timeout_s))
            dropped = bounded.dropped(answer.dropped_params)
            return answer if dropped == answer.dropped_params else replace(answer, dropped_params=dropped)

        async def serve(state: RequestState, calls: Calls) -> R:
            return await self._run(state, partial(send, calls), compose)

        return await self._or_cheaper(request, context, serve)

    async def _begin_stream(self, request: ChatRequest, context: RequestContext) -> _RunningStream:
        """The stream up to its first content. Raises what `Failover.stream` raises before it."""
        answering: list[AttemptStream] = []

        def open_stream(
            calls: Calls, state: RequestState, bounded: BoundedCandidate, timeout_s: float
        ) -> AttemptStream:
            call = calls.of(bounded, state.deadline_s - self._clock.monotonic_s(), first_s=timeout_s)
            meter = StreamMeter(self._provider, call, bounded, self._catalog.provider(bounded.model.provider))
            stream, stall_s = self._provider.stream(call), self._stall_timeout_s
            answering[:] = [AttemptStream(stream, meter, self._clock, first_s=timeout_s, stall_s=stall_s)]
            return answering[0]

        async def begin(state: RequestState, calls: Calls) -> _RunningStream:
            opening = partial(open_stream, calls, state)
            started_s, chunks = self._clock.monotonic_s(), self._failover.stream(state, opening)
            return _RunningStream(state, await anext(chunks, None), chunks, answering, started_s)

        return await self._or_cheaper(request, context, begin, streams=True)

    async def _or_cheaper[A](
        self,
        request: ChatRequest,
        context: RequestContext,
        serve: Callable[[RequestState, Calls], Awaitable[A]],
        *,
        streams: bool = False,
    ) -> A:
        """What `serve` makes of the request or, where a budget has no room for it, of it at a cheaper group."""
        project_id = request.attribution.project_id or context.caller.project_id
        calls = Calls(self._provider, request, context.request_id, project_id, self._caches_prompts, streams)
        state = await self.chat_state(request, context, streams=streams)
        state.calls = calls
        try:
            return await serve(state, calls)
        except BudgetExceeded:
            lesser = self._downgrading.instead(request, context.caller, self._catalog, state)
            cheaper = await self._state_of(request, context, lesser, streams=streams) if lesser else state
            if not cheaper.downgraded or cheaper is state:
                raise
        cheaper.calls = calls
        return await serve(cheaper, calls)

    async def _embed(self, request: EmbedRequest, context: RequestContext) -> Completion[Embeddings]:
        chosen = plan_embedding(request, self._catalog, reachable_models(context.caller, request, self._catalog))
        bounded = (bound_embedding(request, model, self._catalog) for model in chosen.candidates)
        state = self._new_state(request, context, bounded, chosen, "embedding")

        async def send(bounded: BoundedCandidate, timeout_s: float) -> Embeddings:
            deployment = bounded.model.deployment
            call = EmbedCall(deployment, request.inputs, request.dimensions, timeout_s, context.request_id)
            return await self._provider.embed(call)

        return await self._run(state, send, _as_it_is)

    async def with_fresh_rights[A](
        self, context: RequestContext, answer: Callable[[RequestContext], Awaitable[A]]
    ) -> A:
        """What `answer` gives; once more with the caller looked up anew where it raises CallerChangedError."""
        try:
            return await answer(context)
        except CallerChangedError:
            caller = await self._authenticator.refresh(context.caller)
        try:
            return await answer(replace(context, caller=caller))
        except CallerChangedError as error:
            raise Unauthenticated(_CHANGING) from error

    async def chat_state(self, request: ChatRequest, context: RequestContext, *, streams: bool = False) -> RequestState:
        """The request with its candidates, in order, before anything is asked of the store. Raises like planning."""
        lesser = await self._downgrading.reached(request, context.caller, self._catalog)
        return await self._state_of(request, context, lesser, streams=streams)

    async def _state_of(
        self, request: ChatRequest, context: RequestContext, lesser: Reached | None, *, streams: bool
    ) -> RequestState:
        size = PromptSize.of(request)
        request, chosen, explanation, lesser = await planned(
            self._router, request, size, self._catalog, context.caller, lesser, streams=streams
        )
        bounded = (bound_chat(request, size, model, self._catalog) for model in chosen.candidates)
        state = self._new_state(request, context, bounded, chosen, "chat")
        state.explanation = explanation
        if lesser:
            note(lesser, state, self._clock.now_ms())
        state.fitting = Fitting(request, size, self._provider, self._catalog.all_providers, self._least_max_tokens)
        return state

    def _new_state(
        self, request: Asked, context: RequestContext, bounded: Iterable[BoundedCandidate], chosen: Plan, kind: str
    ) -> RequestState:
        asked = request.attribution
        # As when it came, but a job's question may come a day after that, and a key may have changed since.
        wanted = attribute(context.caller, asked.project_id, asked.agent_id, asked.user_id)
        ticket = Ticket(
            request_id=context.request_id,
            project_id=wanted.project_id,
            key_id=context.caller.key_id,
            digest=context.caller.digest,
            rights_tag=context.caller.rights_tag,
            admitted_ms=self._clock.now_ms(),
            user_id=wanted.user_id,
            agent_id=wanted.agent_id,
            key_project_id=context.caller.project_id,
            session_id=asked.session_id,
        )
        group = "" if request.model else request.model_group or ""
        state = RequestState(ticket, list(bounded), context.deadline_s, group, kind, self._catalog.prices_sha256[:16])
        state.drop(chosen.dropped)
        return state

    async def _run[A: (ProviderAnswer, Embeddings), R](
        self, state: RequestState, send: Send[A], compose: Callable[[Completion[A]], R]
    ) -> R:
        started_s = self._clock.monotonic_s()
        return await self._failover.run(state, send, lambda answer: compose(self._completion(state, answer, started_s)))

    def _completion[A](self, state: RequestState, answer: A, started_s: float) -> Completion[A]:
        return Completion(
            id=state.ticket.request_id,
            answer=answer,
            model=state.last.model,
            model_group=state.model_group or None,
            usage=state.usage,
            cost=state.cost,
            latency_ms=round((self._clock.monotonic_s() - started_s) * 1000),
            attempts=tuple(state.attempts),
            degraded=state.degraded,
            explanation=state.explanation,
            downgraded=state.downgraded,
        )


def _as_it_is[A](done: Completion[A]) -> Completion[A]:
    return done
