"""The story of a request; read this first.

authorise -> routing.plan -> a bound for each candidate -> failover (admit, call, next, settle) -> completion
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from gateway_core.admission import Ticket
from gateway_core.authenticator import Authenticator
from gateway_core.catalog import Catalog
from gateway_core.domain import (
    Caller,
    ChatRequest,
    Completion,
    Cost,
    EmbedCall,
    Embeddings,
    EmbedRequest,
    Model,
    Plan,
    ProviderAnswer,
    ProviderCall,
)
from gateway_core.errors import Unauthenticated
from gateway_core.failover import CallerChangedError, Failover
from gateway_core.offers import PromptSize, chat_offer, embed_offer, output_cap
from gateway_core.ports import Clock, ModelProvider
from gateway_core.rights import reachable_models
from gateway_core.routing import Asked, plan, plan_embedding
from gateway_core.walk import Offer, Walk


@dataclass(frozen=True, slots=True)
class Trip:
    """Who asks, under which id, and by when (seconds of the monotonic clock) the answer must be there."""

    caller: Caller
    request_id: str
    deadline_s: float


class Gateway:
    """Completes and embeds for callers. Holds no state of its own.

    Both methods answer within `timeout_s` seconds from whichever candidate can, and raise an LLMError that carries
    the attempts made. A key that changed since it was looked up is looked up once more; a second change is refused.
    """

    def __init__(
        self, catalog: Catalog, provider: ModelProvider, authenticator: Authenticator, failover: Failover, clock: Clock
    ) -> None:
        self._catalog = catalog
        self._provider = provider
        self._authenticator = authenticator
        self._failover = failover
        self._clock = clock

    async def complete(
        self, request: ChatRequest, caller: Caller, request_id: str, *, timeout_s: float
    ) -> Completion[ProviderAnswer]:
        """A whole answer to a conversation."""
        trip = Trip(caller, request_id, self._clock.monotonic_s() + timeout_s)
        return await self._with_fresh_rights(trip, lambda current: self._complete(request, current))

    async def embed(
        self, request: EmbedRequest, caller: Caller, request_id: str, *, timeout_s: float
    ) -> Completion[Embeddings]:
        """A vector for each text."""
        trip = Trip(caller, request_id, self._clock.monotonic_s() + timeout_s)
        return await self._with_fresh_rights(trip, lambda current: self._embed(request, current))

    async def _complete(self, request: ChatRequest, trip: Trip) -> Completion[ProviderAnswer]:
        size = PromptSize.of(request)
        chosen = plan(request, self._catalog, size.about_tokens)
        models = self._allowed(request, chosen, trip.caller)
        offers = (chat_offer(request, size, model, self._catalog) for model in models)
        walk = self._walk(request, trip, offers, chosen, "chat")

        async def send(model: Model, timeout_s: float) -> ProviderAnswer:
            cap = output_cap(request, size, model, self._catalog.default_output_cap)
            params = {**request.params, **model.fixed_params}
            call = ProviderCall(model.deployment, request.messages, params, cap, timeout_s, trip.request_id)
            return await self._provider.complete(call)

        return await self._run(walk, send)

    async def _embed(self, request: EmbedRequest, trip: Trip) -> Completion[Embeddings]:
        chosen = plan_embedding(request, self._catalog)
        models = self._allowed(request, chosen, trip.caller)
        offers = (embed_offer(request, model, self._catalog) for model in models)
        walk = self._walk(request, trip, offers, chosen, "embedding")

        async def send(model: Model, timeout_s: float) -> Embeddings:
            call = EmbedCall(model.deployment, request.inputs, request.dimensions, timeout_s, trip.request_id)
            return await self._provider.embed(call)

        return await self._run(walk, send)

    async def _with_fresh_rights[A](
        self, trip: Trip, answer: Callable[[Trip], Awaitable[Completion[A]]]
    ) -> Completion[A]:
        try:
            return await answer(trip)
        except CallerChangedError:
            caller = await self._authenticator.refresh(trip.caller)
        try:
            return await answer(Trip(caller, trip.request_id, trip.deadline_s))
        except CallerChangedError as error:
            raise Unauthenticated("The API key keeps changing. Try again.") from error

    def _allowed(self, request: Asked, chosen: Plan, caller: Caller) -> list[Model]:
        reachable = reachable_models(caller, request, self._catalog)
        return [model for model in chosen.candidates if reachable is None or model.key in reachable]

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
        walk = Walk(ticket, list(offers), trip.deadline_s, group, kind)
        walk.drop(chosen.dropped)
        return walk

    async def _run[A: (ProviderAnswer, Embeddings)](
        self, walk: Walk, send: Callable[[Model, float], Awaitable[A]]
    ) -> Completion[A]:
        started_s = self._clock.monotonic_s()
        answer = await self._failover.run(walk, send)
        model = walk.last.model
        return Completion(
            id=walk.ticket.request_id,
            answer=answer,
            model=model,
            model_group=walk.model_group or None,
            usage=walk.usage,
            cost=Cost(
                sum(cost.input_nano for cost in walk.costs),
                sum(cost.output_nano for cost in walk.costs),
                model.price.source,
            ),
            latency_ms=round((self._clock.monotonic_s() - started_s) * 1000),
            attempts=tuple(walk.attempts),
        )
