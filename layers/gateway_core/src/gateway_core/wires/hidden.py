"""Whether a provider may bill output that no event of its stream shows."""

from __future__ import annotations

from gateway_core.domain.chat import Model, ProviderCall
from gateway_core.wires.fit import fitted
from gateway_core.wires.table import traits_of, wire_of


def hides_output(call: ProviderCall, model: Model) -> bool:
    """Whether it reasons unseen, or says its answer in one piece at the end.

    OpenAI and Gemini bill reasoning of which they show a summary at most, and so does Claude. Of a model without rules
    nobody knows whether it reasons unasked, if it can.
    """
    if wire_of(call.deployment).stream is None:
        return True
    if traits_of(model.provider).shows_reasoning:
        return False
    return fitted(call).thinks or (call.rules.efforts is None and "reasoning" in model.capabilities)
