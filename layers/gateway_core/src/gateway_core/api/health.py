"""GET /health: this process is alive. GET /health/providers: what the fleet knows of its providers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request, Response

from gateway_core import __version__
from gateway_core.admission import DeploymentState
from gateway_core.api.auth import identify
from gateway_core.api.degraded import DEGRADED_HEADER, unknown_states
from gateway_core.domain import Model
from gateway_core.errors import StoreUnavailable
from gateway_core.rights import check_tool
from gateway_core.services import Current, Services


def router(source: Current[Services]) -> APIRouter:
    """The routes, closed over where their services come from. `/health` does no I/O and needs no key."""
    routes = APIRouter()

    @routes.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok", "version": __version__}

    @routes.get("/health/providers")
    async def providers(request: Request, response: Response) -> dict[str, Any]:
        services = source.now()
        caller = await identify(request, services)
        check_tool(caller, "health_check")
        models = list(services.settings.catalog.models.values())
        pairs = [(model.provider, model.deployment.id) for model in models]
        store = "ok"
        try:
            states = await services.ledger.deployment_states(pairs)
        except StoreUnavailable:
            store, states = "unavailable", unknown_states(pairs)
            response.headers.update(DEGRADED_HEADER)
        return {"store": store, "providers": provider_view(models, states, services.clock.now_ms())}

    return routes


def provider_view(models: Sequence[Model], states: Sequence[DeploymentState], now_ms: int) -> list[dict[str, Any]]:
    """One entry a provider: its worst model decides whether it is `healthy`, `degraded` or `unhealthy`.

    `unknown` while the store is away.
    """
    grouped: dict[str, list[dict[str, Any]]] = {}
    for model, state in zip(models, states, strict=True):
        grouped.setdefault(model.provider, []).append(_model_view(model, state, now_ms))
    return [
        {"provider": provider, "status": _provider_status(views), "latency_ms": _mean(views), "models": views}
        for provider, views in sorted(grouped.items())
    ]


def _model_view(model: Model, state: DeploymentState, now_ms: int) -> dict[str, Any]:
    return {
        "model": model.key,
        "breaker": state.state,
        "consecutive_failures": state.failures,
        "retry_after_ms": max(0, state.until_ms - now_ms) if state.state == "open" else 0,
        "latency_ms": None if state.latency_ms is None else round(state.latency_ms),
    }


def _provider_status(views: Sequence[dict[str, Any]]) -> str:
    if all(view["breaker"] == "unknown" for view in views):
        return "unknown"
    closed = sum(view["breaker"] == "closed" for view in views)
    if closed == len(views):
        return "healthy"
    return "degraded" if closed else "unhealthy"


def _mean(views: Sequence[dict[str, Any]]) -> int | None:
    known = [view["latency_ms"] for view in views if view["latency_ms"] is not None]
    return round(sum(known) / len(known)) if known else None
