"""GET /v1/models: OpenAI's list, with what a client needs to choose: capabilities, prices, lifecycle, live health.

Anthropic's clients get Anthropic's form. Groups come after the models: on clients' wires a group is named like one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from gateway_core.access.rights import check_tool
from gateway_core.api.anthropic.form import ANTHROPIC_FORM
from gateway_core.api.anthropic.model_list import VERSION_HEADER, anthropic_list, anthropic_model
from gateway_core.api.auth import identify
from gateway_core.api.degraded import DEGRADED_HEADER, unknown_states
from gateway_core.api.health import state_body
from gateway_core.api.query import query_of
from gateway_core.api.routes import Routes
from gateway_core.domain.caller import Caller
from gateway_core.domain.catalog import Catalog
from gateway_core.domain.chat import Model
from gateway_core.domain.errors import StoreUnavailable, UnknownModel
from gateway_core.domain.lifecycle import lifecycle, retirement_warning
from gateway_core.domain.prices import Price
from gateway_core.domain.times import utc_date
from gateway_core.services import Current, Services
from gateway_core.store.deployment_state import DeploymentState

TOOL = "list_models"
_HEALTH = {"closed": "healthy", "half_open": "recovering", "open": "unhealthy", "unknown": "unknown"}
"""From the best on."""
_GROUP_OWNER = "gateway"
_PER_MILLION = Decimal(1_000_000) / Decimal(1_000_000_000)
_CREATED = 1_767_225_600
"""OpenAI's list wants a time of creation, which no provider tells for all models: 2026-01-01."""


def router(source: Current[Services]) -> Routes:
    """The routes, closed over where their services come from."""
    routes = Routes(replace(ANTHROPIC_FORM, only_with=VERSION_HEADER))

    async def entries(request: Request, services: Services) -> tuple[list[dict[str, Any]], dict[str, str]]:
        """All that the caller may see, and headers of the answer."""
        catalog = services.settings.catalog
        caller = await identify(request, services)
        check_tool(caller, TOOL)
        shown = _visible(catalog, caller)
        pairs = [(model.provider, model.deployment.id) for model in shown]
        headers: dict[str, str] = {}
        try:
            states = await services.ledger.deployment_states(pairs, caller.project_id)
        except StoreUnavailable as error:
            services.telemetry.store_failed(request.state.request_id, error)
            states = unknown_states(pairs)
            headers.update(DEGRADED_HEADER)
        now_ms = services.clock.now_ms()
        models = [model_body(m, _groups_of(catalog, m), s, now_ms) for m, s in zip(shown, states, strict=True)]
        known = {model.key: state for model, state in zip(shown, states, strict=True)}
        groups = [
            group_body(name, inside, [known[model.key] for model in inside])
            for name in catalog.groups
            if _may_use(caller, name) and (inside := [m for m in catalog.group(name) if m.key in known])
        ]
        return models + groups, headers

    @routes.get("/v1/models")
    async def models(request: Request) -> JSONResponse:
        found, headers = await entries(request, source.now())
        if VERSION_HEADER in request.headers:
            return JSONResponse(anthropic_list(found, query_of(request)), headers=headers)
        return JSONResponse({"object": "list", "data": found}, headers=headers)

    @routes.get("/v1/models/{model_id:path}")
    async def model(request: Request, model_id: str) -> JSONResponse:
        services = source.now()
        found, headers = await entries(request, services)
        catalog = services.settings.catalog
        model_id = catalog.named(model_id)
        is_group = model_id in catalog.groups
        asked = None if is_group else catalog.resolve(model_id)
        key = asked.key if asked else model_id
        for entry in found:
            if entry["id"] == key:
                is_anthropics = VERSION_HEADER in request.headers
                return JSONResponse(anthropic_model(entry) if is_anthropics else entry, headers=headers)
        if asked and not asked.listed:
            raise UnknownModel(f"'{key}' is not in the catalog.", param="model")
        raise UnknownModel(f"This key may not use the {'group' if is_group else 'model'} '{key}'.", param="model")

    return routes


def group_body(name: str, models: Sequence[Model], states: Sequence[DeploymentState]) -> dict[str, Any]:
    """A group's entry, with all that a model's has: it can do what one of its models can, and costs no more than each.

    A group never retires, and is as healthy as the healthiest of its models.
    """
    prices = [model.price for model in models]
    return {
        "id": name,
        "object": "model",
        "created": _CREATED,
        "owned_by": _GROUP_OWNER,
        "provider": _GROUP_OWNER,
        "upstream_model": None,
        "groups": [],
        "models": [model.key for model in models],
        "mode": _mode(models[0]),
        "capabilities": sorted(frozenset[str]().union(*(model.capabilities for model in models))),
        "context_window": max(model.context_window for model in models),
        "max_output_tokens": max(model.max_output_tokens for model in models),
        "tier": min(model.tier for model in models),
        "pricing": _dearest(list(map(_pricing, prices))),
        "lifecycle": {"status": "served", "retires_on": None, "successor_of": None, "warning": None},
        "health": {"status": min((_HEALTH[state.state] for state in states), key=list(_HEALTH.values()).index)},
    }


def model_body(model: Model, groups: list[str], state: DeploymentState, now_ms: int) -> dict[str, Any]:
    """One entry. Prices are decimal strings of USD per million tokens."""
    return {
        "id": model.key,
        "object": "model",
        "created": _CREATED,
        "owned_by": model.provider,
        "provider": model.provider,
        "upstream_model": model.deployment.upstream_model,
        "groups": groups,
        "mode": _mode(model),
        "capabilities": sorted(model.capabilities),
        "context_window": model.context_window,
        "max_output_tokens": model.max_output_tokens,
        "tier": model.tier,
        "pricing": _pricing(model.price),
        "lifecycle": _lifecycle(model, utc_date(now_ms)),
        "health": {"status": _HEALTH[state.state], **state_body(state, now_ms)},
    }


def _mode(model: Model) -> str:
    return "embedding" if model.deployment.mode == "embedding" else "chat"


def _may_use(caller: Caller, group: str) -> bool:
    return not caller.groups or group in caller.groups


def _visible(catalog: Catalog, caller: Caller) -> list[Model]:
    usable = catalog.usable(caller)
    return [model for model in catalog.models.values() if usable is None or model.key in usable]


def _groups_of(catalog: Catalog, model: Model) -> list[str]:
    return [name for name, keys in catalog.groups.items() if model.key in keys]


def _pricing(price: Price) -> dict[str, str]:
    return {
        "unit": "USD per million tokens",
        "input": _per_million(price.input),
        "output": _per_million(price.output),
        "cached_input": _per_million(price.cached_input),
        "cache_write": _per_million(price.cache_write),
        "cache_write_1h": _per_million(price.cache_write if price.cache_write_1h is None else price.cache_write_1h),
        "source": price.source,
    }


def _dearest(prices: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The most that any of them asks, rate by rate."""
    rates = prices[0].keys() - {"unit", "source"}
    return {
        name: max((price[name] for price in prices), key=Decimal) if name in rates else value
        for name, value in prices[0].items()
    }


def _per_million(nano_per_token: Decimal) -> str:
    return f"{(nano_per_token * _PER_MILLION).normalize():f}"


def _lifecycle(model: Model, today: date) -> dict[str, Any]:
    """`served`, `retiring` within 30 days or `retired`; `successor_of` is the retired model that it stands for."""
    return {
        "status": lifecycle(model, today),
        "retires_on": model.retires_on.isoformat() if model.retires_on else None,
        "successor_of": model.successor_of,
        "warning": retirement_warning(model, today),
    }
