"""When models go: what is served, what retires soon, and what is gone already."""

from __future__ import annotations

from datetime import date
from typing import Literal

from gateway_core.domain.chat import Model

RETIREMENT_WARNING_DAYS = 30

type LifecycleStatus = Literal["served", "retiring", "retired"]


def lifecycle(model: Model, today: date) -> LifecycleStatus:
    """`retiring` within 30 days of the day on which its provider takes it away, `retired` from that day on."""
    if model.retires_on is None:
        return "served"
    left = (model.retires_on - today).days
    if left <= 0:
        return "retired"
    return "retiring" if left <= RETIREMENT_WARNING_DAYS else "served"


def retirement_warning(model: Model, today: date) -> str | None:
    """What to tell whoever uses the model; None while there is nothing to do."""
    status = lifecycle(model, today)
    if model.retires_on is None or status == "served":
        return None
    if status == "retired":
        return f"{model.key} is retired since {model.retires_on}. Let it name another model in the configuration."
    left = (model.retires_on - today).days
    return f"{model.key} retires on {model.retires_on}, in {left} day{'s' if left > 1 else ''}. Choose its successor."
