"""GET / and GET /health: this process is alive. GET /health/providers: what the fleet knows of its providers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from gateway_core import __version__
from gateway_core.access.rights import check_tool
from gateway_core.api.anthropic.form import ANTHROPIC_FORM
from gateway_core.api.auth import identify
from gateway_core.api.degraded import DEGRADED_HEADER, unknown_states
from gateway_core.api.rate_limits import rate_limit_view
from gateway_core.api.routes import Routes
from gateway_core.domain.chat import Model
from gateway_core.domain.errors import StoreUnavailable
from gateway_core.domain.lifecycle import lifecycle
from gateway_core.domain.times import iso, utc_date
from gateway_core.ports import Store
from gateway_core.services import Current, Services
from gateway_core.store.deployment_state import DeploymentState, Measured
from gateway_core.store.probes import FleetHealth, Probe, catalog_warnings, provider_status


def router(source: Current[Services]) -> Routes:
    """The routes, closed over where their services come from. `/` and `/health` do no I/O and need no key."""
    routes = Routes()
    routes.tells("/v1/messages", ANTHROPIC_FORM)  # unknown routes lead here

    @routes.get("/")
    async def root(_request: Request) -> dict[str, str]:
        return {"name": "llm-gateway", "version": __version__, "docs": "docs/api.md"}

    @routes.get("/health")
    async def health(_request: Request) -> dict[str, str]:
        return {"status": "ok", "version": __version__}

    @routes.get("/health/providers")
    async def providers(request: Request) -> JSONResponse:
        services = source.now()
        caller = await identify(request, services)
        check_tool(caller, "health_check")
        catalog, store, headers = services.settings.catalog, "ok", dict[str, str]()
        models = list(catalog.models.values())
        pairs = [(model.provider, model.deployment.id) for model in models]
        try:
            fleet = await services.ledger.fleet_health(pairs, caller.project_id)
        except StoreUnavailable as error:
            services.telemetry.store_failed(request.state.request_id, error)
            store, fleet = "unavailable", FleetHealth(tuple(unknown_states(pairs)))
            headers.update(DEGRADED_HEADER)
        now_ms = services.clock.now_ms()
        fresh = tuple(probe for probe in fleet.probes if probe.is_fresh(now_ms))
        warnings = catalog_warnings(catalog, fresh, utc_date(now_ms), services.settings.price_age_days)
        body = {
            "store": store,
            **(await _databases(services) if caller.admin else {}),
            "providers": provider_view(models, fleet, now_ms),
            "warnings": [asdict(warning) for warning in warnings],
        }
        return JSONResponse(body, headers=headers)

    return routes


async def _databases(services: Services) -> dict[str, Any]:
    """Whether each of several databases answers; nothing where there is one."""
    databases = services.store.databases
    if len(databases) == 1:
        return {}
    return {"databases": dict(zip(databases, await asyncio.gather(*map(_status, databases.values())), strict=True))}


async def _status(database: Store) -> str:
    try:
        await database.fleet_health([])
    except StoreUnavailable:
        return "unavailable"
    return "ok"


@dataclass(slots=True)
class _Provider:
    """What is known of one: its models with their states, and its last probe."""

    name: str
    probe: Probe | None
    models: list[tuple[Model, DeploymentState]] = field(default_factory=list)


def provider_view(models: Sequence[Model], fleet: FleetHealth, now_ms: int) -> list[dict[str, Any]]:
    """One entry a provider: see `probes.provider_status` for what makes it `healthy`, `degraded` or `unhealthy`.

    `unknown` while the store is away.
    """
    probes = {probe.provider: probe for probe in fleet.probes}
    found: dict[str, _Provider] = {}
    for model, state in zip(models, fleet.states, strict=True):
        name = model.provider
        found.setdefault(name, _Provider(name, probes.get(name))).models.append((model, state))
    return [_provider_view(found[name], now_ms) for name in sorted(found)]


def _provider_view(provider: _Provider, now_ms: int) -> dict[str, Any]:
    probe = provider.probe
    fresh = probe if probe and probe.is_fresh(now_ms) else None
    return {
        "provider": provider.name,
        "status": provider_status([state.state for _, state in provider.models], fresh.status if fresh else None),
        "latency_ms": _mean([state for _, state in provider.models]),
        "probe": _probe_view(probe, now_ms),
        "models": [_model_view(model, state, fresh, now_ms) for model, state in provider.models],
    }


def _probe_view(probe: Probe | None, now_ms: int) -> dict[str, Any]:
    """The last probe. One that is too old, as the schedule stopped, has the status `unknown` and keeps its date."""
    fresh = probe if probe and probe.is_fresh(now_ms) else None
    return {
        "status": fresh.status if fresh else "unknown",
        "latency_ms": fresh.latency_ms if fresh else None,
        "checked_at": iso(probe.checked_ms) if probe else None,
    }


def _model_view(model: Model, state: DeploymentState, fresh: Probe | None, now_ms: int) -> dict[str, Any]:
    return {
        "model": model.key,
        **state_body(state, now_ms),
        "listed": fresh.listed.get(model.deployment.upstream_model) if fresh else None,
        "lifecycle": lifecycle(model, utc_date(now_ms)),
        "retires_on": model.retires_on.isoformat() if model.retires_on else None,
        "rate_limit": rate_limit_view(state, now_ms),
    }


def state_body(state: DeploymentState, now_ms: int) -> dict[str, Any]:
    """A deployment's breaker (`closed`, `open`, `half_open`, or `unknown` without the store) and its speed."""
    return {
        "breaker": state.state,
        "consecutive_failures": state.failures,
        "retry_after_ms": max(0, state.until_ms - now_ms) if state.state == "open" else 0,
        "latency_ms": _rounded_ms(state.whole_answer),
        "first_content_ms": _rounded_ms(state.first_content),
    }


def _rounded_ms(measured: Measured | None) -> int | None:
    return None if measured is None else round(measured.average_ms)


def _mean(states: Sequence[DeploymentState]) -> int | None:
    known = [latency_ms for state in states if (latency_ms := _rounded_ms(state.whole_answer)) is not None]
    return round(sum(known) / len(known)) if known else None
