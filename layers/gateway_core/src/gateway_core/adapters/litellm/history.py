"""A conversation as a provider takes it, without what only another provider's answers can have brought into it."""

from __future__ import annotations

import copy
from typing import Any

from gateway_core.domain.chat import ProviderCall
from gateway_core.wires.shapes import items, mapping
from gateway_core.wires.table import traits_of

SIGNATURE = "__thought__"
"""LiteLLM hides a Gemini tool call's thought signature behind this in its id, and finds it there again."""


def history_of(call: ProviderCall) -> list[dict[str, Any]]:
    """Copies of the call's messages, as LiteLLM edits them in place.

    Reasoning and signatures go back to those alone who take them: LiteLLM removes signatures in the decorator that we
    go around.
    """
    traits = traits_of(call.deployment.provider)
    kept = [dict(copy.deepcopy(message)) for message in call.messages]
    for message in kept:
        if not traits.takes_reasoning:
            message.pop("reasoning_content", None)
        if not traits.takes_signatures:
            _unsign(message)
    return kept


def _unsign(message: dict[str, Any]) -> None:
    if isinstance(answered := message.get("tool_call_id"), str):
        message["tool_call_id"] = answered.partition(SIGNATURE)[0]
    if calls := items(message.get("tool_calls")):
        message["tool_calls"] = [
            {**called, "id": called["id"].partition(SIGNATURE)[0]} for called in map(mapping, calls)
        ]
