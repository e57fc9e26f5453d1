"""Why a request's candidates stand in their order. Pure."""

from __future__ import annotations

from gateway_core.domain.chat import ChatRequest, Model
from gateway_core.domain.result import Drop, Explained, Explanation, Plan
from gateway_core.routing.order import Snapshot, expected_nano


def explain(request: ChatRequest, chosen: Plan, snapshot: Snapshot, default_cap: int) -> Explanation:
    """What `chosen` was made from, by the same figures that made it."""

    def line(position: int, model: Model) -> Explained:
        measured, state = snapshot.measured(model), snapshot.state_of(model)
        return Explained(
            model=model.key,
            provider=model.provider,
            position=position,
            tier=model.tier,
            estimated_cost_nano=expected_nano(model, request, snapshot, default_cap),
            latency_ms=round(measured.average_ms) if measured else None,
            breaker=state.state if state else "unknown",
            retry_after_ms=snapshot.rests_ms(model),
        )

    spare = (Drop(m.key, m.provider, "fallback", "the request wants no fallback") for m in chosen.spare)
    return Explanation(
        routing="order" if request.model else request.routing,
        input_tokens=max(map(snapshot.input_tokens, chosen.candidates), default=snapshot.estimated_tokens),
        candidates=tuple(line(position, model) for position, model in enumerate(chosen.candidates, start=1)),
        dropped=(*chosen.dropped, *spare),
    )
