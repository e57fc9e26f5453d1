"""Calls to be fitted to a model's rules."""

from __future__ import annotations

from typing import Any

from gateway_core.config.settings import GatewaySettings
from gateway_core.domain.chat import Deployment, ProviderCall
from gateway_core.domain.model_rules import ModelRules
from gateway_core.wires.fit import Fitted, fitted

MODELS = GatewaySettings.from_env({}).catalog.models


def fit(rules: ModelRules, *, defaults: dict[str, Any] | None = None, may_think: bool = True, **params: Any) -> Fitted:
    """A call with these options."""
    call = ProviderCall(
        Deployment("p", "m", "https://h"), (), params, 99, 10.0, "req-1", rules=rules, defaults=defaults or {}
    )
    return fitted(call, may_think=may_think)
