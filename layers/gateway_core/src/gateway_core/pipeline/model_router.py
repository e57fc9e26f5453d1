"""Plans completions: looks up what routing needs to know of this moment, and no more."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from gateway_core.domain.caller import Caller
from gateway_core.domain.catalog import Catalog
from gateway_core.domain.chat import ChatRequest
from gateway_core.domain.errors import StoreUnavailable
from gateway_core.domain.result import Explanation, Plan
from gateway_core.ports import Clock, Draw, Ledger, TokenCounter
from gateway_core.routing.bounds import PromptSize
from gateway_core.routing.explain import explain
from gateway_core.routing.order import Snapshot
from gateway_core.routing.plan import candidates, plan, reachable_models, uncertain
from gateway_core.store.deployment_state import DeploymentState


class ModelRouter:
    """Plans completions. `draw` decides which requests explore."""

    def __init__(self, ledger: Ledger, counter: TokenCounter, clock: Clock, draw: Draw) -> None:
        self._ledger = ledger
        self._counter = counter
        self._clock = clock
        self._draw = draw

    async def plan(
        self, request: ChatRequest, size: PromptSize, catalog: Catalog, caller: Caller, *, streams: bool = False
    ) -> tuple[Plan, Explanation | None]:
        """Who is tried, in order, of those that the caller may use; and why, if the request asks.

        A round trip to the store is made only for routing by latency and for an explanation. Raises like
        `routing.plan`, and Forbidden.
        """
        candidates(request, catalog)  # what does not exist is not forbidden
        reachable = reachable_models(caller, request, catalog)
        snapshot = Snapshot(
            estimated_tokens=size.estimated_tokens,
            counted=await self._counted(request, size, catalog, reachable),
            states=await self._states(request, catalog, caller),
            now_ms=self._clock.now_ms(),
            streams=streams,
            draw=self._draw(),
        )
        chosen = plan(request, catalog, snapshot, reachable)
        return chosen, explain(request, chosen, snapshot, catalog.default_output_cap) if request.explain else None

    async def _counted(
        self, request: ChatRequest, size: PromptSize, catalog: Catalog, reachable: Collection[str] | None
    ) -> dict[str, int]:
        """The prompt's tokens, for each model that it may be too long for: a short prompt is not counted at all.

        Nobody's processor works for models that the caller may not use; None means all.
        """
        counted: dict[str, int] = {}
        for model in uncertain(request, catalog, size.upper_bound):
            if reachable is not None and model.key not in reachable:
                continue
            # In a thread: a long prompt takes the tokeniser a while.
            found = await asyncio.to_thread(
                self._counter.count_tokens, model.deployment, request.messages, request.params
            )
            counted[model.key] = found.input_tokens
        return counted

    async def _states(
        self, request: ChatRequest, catalog: Catalog, caller: Caller
    ) -> dict[tuple[str, str], DeploymentState]:
        by_latency = request.routing == "latency" and request.model is None
        if not (by_latency or request.explain):
            return {}
        pairs = [(model.provider, model.deployment.id) for model in candidates(request, catalog)]
        project_id = request.attribution.project_id or caller.project_id
        try:
            return dict(zip(pairs, await self._ledger.deployment_states(pairs, project_id), strict=True))
        except StoreUnavailable:
            return {}  # an order, not a reason to refuse
