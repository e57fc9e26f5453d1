"""The story of a request; read this first.

authorise -> planning (routing.plan) -> a bound for each candidate -> failover (admit, call, next, settle) -> completion
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, replace

from gateway_core.access.authenticator import Authenticator
from gateway_core.config.settings import Settings
from gateway_core.domain.caller import Caller
from gateway_core.domain.chat import ChatRequest, Chunk, Model, ProviderAnswer, ProviderCall, Usage
from gateway_core.domain.embedding import EmbedCall, Embeddings, EmbedRequest
from gateway_core.domain.errors import Unauthenticated
from gateway_core.domain.result import Completion, Opened, Plan
from gateway_core.pipeline.admission import CallerChangedError
from gateway_core.pipeline.attempt_stream import Estimate, LiveStream
from gateway_core.pipeline.failover import Failover
from gateway_core.pipeline.planner import Planner
from gateway_core.pipeline.request_state import Walk
from gateway_core.ports import Clock, ModelProvider
from gateway_core.routing.bounds import Offer, PromptSize, chat_offer, embed_offer, output_cap
from gateway_core.routing.plan import Asked, plan_embedding, reachable_models
from gateway_core.store.messages import Ticket


@dataclass(frozen=True, slots=True)
class Trip:
    """Who asks, under which id, and by when (seconds of the monotonic clock) the answer must be there."""

    caller: Caller
    request_id: str
    deadline_s: float


type Piece = Opened | Chunk | Completion[ProviderAnswer]
"""What a stream is made of, in this order: one `Opened`, chunks, and the completion once everything is settled."""

_CHANGING = "The API key keeps changing. Try again."


class Gateway:
    """Completes and embeds for callers. Holds no state of its own.

    Both methods answer within `timeout_s` seconds from whichever candidate can, and raise an LLMError that carries
    the attempts made. A key that changed since it was looked up is looked up once more; a second change is refused.
    """

    def __init__(
        self,
        settings: Settings,
        provider: ModelProvider,
        planner: Planner,
        authenticator: Authenticator,
        failover: Failover,
        clock: Clock,
    ) -> None:
        self._catalog = settings.catalog
        self._provider = provider
        self._planner = planner
        self._authenticator = authenticator
        self._failover = failover
        self._clock = clock
        self._stall_timeout_s = settings.stall_timeout_s

    async def complete(
        self, request: ChatRequest, caller: Caller, request_id: str, *, timeout_s: float
    ) -> Completion[ProviderAnswer]:
        """A whole answer to a conversation."""
        trip = Trip(caller, request_id, self._clock.monotonic_s() + timeout_s)
        return await self._with_fresh_rights(trip, lambda current: self._complete(request, current))

    async def stream(
        self, request: ChatRequest, caller: Caller, request_id: str, *, timeout_s: float
    ) -> AsyncGenerator[Piece]:
        """An answer in pieces, then its story, when it is settled. Close it to end it early."""
        trip = Trip(caller, request_id, self._clock.monotonic_s() + timeout_s)
        for last_try in (False, True):
            try:
                async with aclosing(self._stream(request, trip)) as pieces:
                    async for piece in pieces:
                        yield piece
                    return
            except CallerChangedError as error:
                if last_try:
                    raise Unauthenticated(_CHANGING) from error
                trip = replace(trip, caller=await self._authenticator.refresh(caller))

    async def embed(
        self, request: EmbedRequest, caller: Caller, request_id: str, *, timeout_s: float
    ) -> Completion[Embeddings]:
        """A vector for each text."""
        trip = Trip(caller, request_id, self._clock.monotonic_s() + timeout_s)
        return await self._with_fresh_rights(trip, lambda current: self._embed(request, current))

    async def _complete(self, request: ChatRequest, trip: Trip) -> Completion[ProviderAnswer]:
        size = PromptSize.of(request)
        walk = await self._chat_walk(request, size, trip)

        async def send(model: Model, timeout_s: float) -> ProviderAnswer:
            return await self._provider.complete(self._call(request, size, model, trip, timeout_s))

        return await self._run(walk, send)

    async def _stream(self, request: ChatRequest, trip: Trip) -> AsyncGenerator[Piece]:
        size = PromptSize.of(request)
        walk = await self._chat_walk(request, size, trip, streams=True)
        live: list[LiveStream] = []

        async def open_stream(model: Model, timeout_s: float) -> LiveStream:
            left_s = trip.deadline_s - self._clock.monotonic_s()
            call = replace(self._call(request, size, model, trip, left_s), first_s=timeout_s)
            chunks, estimate = self._provider.stream(call), self._estimate(call)
            opened = await LiveStream.open(chunks, estimate, first_s=timeout_s, stall_s=self._stall_timeout_s)
            live[:] = [opened]
            return opened

        started_s = self._clock.monotonic_s()
        async with aclosing(self._failover.stream(walk, open_stream)) as chunks:
            first = True
            async for chunk in chunks:
                if first:
                    yield Opened(walk.last.model, walk.made + 1, walk.degraded)
                first = False
                yield chunk
        yield self._completion(walk, live[0].delivered.answer(live[0].usage), started_s)

    def _estimate(self, call: ProviderCall) -> Estimate:
        """Counts what an attempt has cost at least, where the provider did not say."""

        def written(text: str) -> int:
            message = {"role": "assistant", "content": text}
            return self._provider.count_tokens(call.deployment, [message], {}).input_tokens

        def count(text: str) -> Usage:
            sent = self._provider.count_tokens(call.deployment, call.messages, call.params)
            # What frames a message in a prompt is no output.
            return Usage(sent.input_tokens, written(text) - written(""))

        # In a thread: a long prompt takes the tokeniser a while.
        return lambda text: asyncio.to_thread(count, text)

    async def _embed(self, request: EmbedRequest, trip: Trip) -> Completion[Embeddings]:
        chosen = plan_embedding(request, self._catalog, reachable_models(trip.caller, request, self._catalog))
        offers = (embed_offer(request, model, self._catalog) for model in chosen.candidates)
        walk = self._walk(request, trip, offers, chosen, "embedding")

        async def send(model: Model, timeout_s: float) -> Embeddings:
            call = EmbedCall(model.deployment, request.inputs, request.dimensions, timeout_s, trip.request_id)
            return await self._provider.embed(call)

        return await self._run(walk, send)

    def _call(self, request: ChatRequest, size: PromptSize, model: Model, trip: Trip, timeout_s: float) -> ProviderCall:
        cap = output_cap(request, size, model, self._catalog.default_output_cap)
        params = {**request.params, **model.fixed_params}
        return ProviderCall(model.deployment, request.messages, params, cap, timeout_s, trip.request_id)

    async def _with_fresh_rights[A](
        self, trip: Trip, answer: Callable[[Trip], Awaitable[Completion[A]]]
    ) -> Completion[A]:
        try:
            return await answer(trip)
        except CallerChangedError:
            caller = await self._authenticator.refresh(trip.caller)
        try:
            return await answer(replace(trip, caller=caller))
        except CallerChangedError as error:
            raise Unauthenticated(_CHANGING) from error

    async def _chat_walk(self, request: ChatRequest, size: PromptSize, trip: Trip, *, streams: bool = False) -> Walk:
        chosen, explanation = await self._planner.plan(request, size, self._catalog, trip.caller, streams=streams)
        offers = (chat_offer(request, size, model, self._catalog) for model in chosen.candidates)
        walk = self._walk(request, trip, offers, chosen, "chat")
        walk.explanation = explanation
        return walk

    def _walk(self, request: Asked, trip: Trip, offers: Iterable[Offer], chosen: Plan, kind: str) -> Walk:
        ticket = Ticket(
            request_id=trip.request_id,
            project_id=request.attribution.project_id,
            key_id=trip.caller.key_id,
            digest=trip.caller.digest,
            rights_tag=trip.caller.rights_tag,
            admitted_ms=self._clock.now_ms(),
            user_id=request.attribution.user_id,
            agent_id=request.attribution.agent_id,
            key_project_id=trip.caller.project_id,
        )
        group = "" if request.model else request.model_group or ""
        walk = Walk(ticket, list(offers), trip.deadline_s, group, kind, self._catalog.prices_sha256[:16])
        walk.drop(chosen.dropped)
        return walk

    async def _run[A: (ProviderAnswer, Embeddings)](
        self, walk: Walk, send: Callable[[Model, float], Awaitable[A]]
    ) -> Completion[A]:
        started_s = self._clock.monotonic_s()
        return self._completion(walk, await self._failover.run(walk, send), started_s)

    def _completion[A](self, walk: Walk, answer: A, started_s: float) -> Completion[A]:
        return Completion(
            id=walk.ticket.request_id,
            answer=answer,
            model=walk.last.model,
            model_group=walk.model_group or None,
            usage=walk.usage,
            cost=walk.cost,
            latency_ms=round((self._clock.monotonic_s() - started_s) * 1000),
            attempts=tuple(walk.attempts),
            degraded=walk.degraded,
            explanation=walk.explanation,
        )
