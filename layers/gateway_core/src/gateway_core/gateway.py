"""The story of a request; read this first.

authorise -> routing.plan -> a bound for each candidate -> failover (admit, call, next, settle) -> completion
"""

from __future__ import annotations

from gateway_core.admission import Candidate, Ticket
from gateway_core.authenticator import Authenticator
from gateway_core.catalog import Catalog
from gateway_core.cost import bound, input_bound
from gateway_core.domain import Caller, ChatRequest, Completion, Cost, Model, Plan, ProviderAnswer, ProviderCall
from gateway_core.errors import BudgetExceeded, Unauthenticated
from gateway_core.failover import CallerChangedError, Failover
from gateway_core.ports import Clock
from gateway_core.rights import reachable_models
from gateway_core.routing import plan
from gateway_core.walk import Offer, Walk

BYTES_PER_TOKEN = 4
"""English text has about four bytes a token. Only routing relies on it; money relies on the bound."""


class Gateway:
    """Completes requests for callers. Holds no state of its own."""

    def __init__(self, catalog: Catalog, authenticator: Authenticator, failover: Failover, clock: Clock) -> None:
        self._catalog = catalog
        self._authenticator = authenticator
        self._failover = failover
        self._clock = clock

    async def complete(self, request: ChatRequest, caller: Caller, request_id: str, *, timeout_s: float) -> Completion:
        """Answer `request` within `timeout_s` seconds, from whichever candidate can.

        Raises an LLMError that carries the attempts made. A key that changed since it was looked up is looked up
        once more; a second change is refused.
        """
        try:
            return await self._complete(request, caller, request_id, timeout_s)
        except CallerChangedError:
            caller = await self._authenticator.refresh(caller)
        try:
            return await self._complete(request, caller, request_id, timeout_s)
        except CallerChangedError as error:
            raise Unauthenticated("The API key keeps changing. Try again.") from error

    async def _complete(self, request: ChatRequest, caller: Caller, request_id: str, timeout_s: float) -> Completion:
        reachable = reachable_models(caller, request, self._catalog)
        started_s = self._clock.monotonic_s()
        size = input_bound(request.messages, request.params, max_image_tokens=0)
        chosen = plan(request, self._catalog, size // BYTES_PER_TOKEN)
        walk = self._walk(request, caller, request_id, chosen, reachable, started_s + timeout_s)
        answer = await self._failover.run(walk, lambda model, limit_s: self._call(request, request_id, model, limit_s))
        return self._completion(walk, answer, round((self._clock.monotonic_s() - started_s) * 1000))

    def _walk(
        self,
        request: ChatRequest,
        caller: Caller,
        request_id: str,
        chosen: Plan,
        reachable: frozenset[str] | None,
        deadline_s: float,
    ) -> Walk:
        ticket = Ticket(
            request_id=request_id,
            project_id=request.attribution.project_id,
            key_id=caller.key_id,
            digest=caller.digest,
            rights_tag=caller.rights_tag,
            admitted_ms=self._clock.now_ms(),
            user_id=request.attribution.user_id,
            agent_id=request.attribution.agent_id,
            key_project_id=caller.project_id,
        )
        models = [model for model in chosen.candidates if reachable is None or model.key in reachable]
        offers = [Offer(model, self._candidate(request, model)) for model in models]
        walk = Walk(ticket, offers, deadline_s, request.model_group or "" if request.model is None else "")
        walk.drop(chosen.dropped)
        return walk

    def _candidate(self, request: ChatRequest, model: Model) -> Candidate:
        most_in = input_bound(request.messages, request.params, max_image_tokens=model.max_image_tokens)
        most_out = self._output_cap(request, model)
        provider = self._catalog.providers[model.provider]
        return Candidate(
            provider=model.provider,
            deployment_id=model.deployment.id,
            hold_nano=bound(most_in, most_out, model.price),
            hold_tokens=most_in + most_out,
            rpm=provider.rpm or 0,
            tpm=provider.tpm or 0,
        )

    def _output_cap(self, request: ChatRequest, model: Model) -> int:
        cap = min(request.max_output_tokens or self._catalog.default_output_cap, model.max_output_tokens)
        if request.token_budget is None:
            return cap
        most_in = input_bound(request.messages, request.params, max_image_tokens=model.max_image_tokens)
        left = request.token_budget - most_in
        if left < 1:
            raise BudgetExceeded(
                f"token_budget {request.token_budget} cannot cover the input, which may take {most_in} tokens. "
                "Raise it or shorten the messages.",
                param="token_budget",
            )
        return min(cap, left)

    def _call(self, request: ChatRequest, request_id: str, model: Model, timeout_s: float) -> ProviderCall:
        return ProviderCall(
            deployment=model.deployment,
            messages=request.messages,
            params={**request.params, **model.fixed_params},
            max_output_tokens=self._output_cap(request, model),
            timeout_s=timeout_s,
            request_id=request_id,
        )

    def _completion(self, walk: Walk, answer: ProviderAnswer, latency_ms: int) -> Completion:
        model = walk.last.model
        return Completion(
            id=walk.ticket.request_id,
            answer=answer,
            model=model,
            model_group=walk.model_group or None,
            cost=Cost(
                sum(cost.input_nano for cost in walk.costs),
                sum(cost.output_nano for cost in walk.costs),
                model.price.source,
            ),
            usage=walk.usage,
            latency_ms=latency_ms,
            attempts=tuple(walk.attempts),
        )
