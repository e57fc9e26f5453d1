"""A conversation as a provider takes it, without what only another provider's answers can have brought into it."""

from __future__ import annotations

import copy
from typing import Any

from gateway_core.adapters.litellm.wire import items, mapping
from gateway_core.domain.chat import ProviderCall

SIGNATURE = "__thought__"
"""LiteLLM hides a Gemini tool call's thought signature behind this in its id, and finds it there again."""
_SIGNING = frozenset({"gemini", "vertex_ai"})


def history_of(call: ProviderCall) -> list[dict[str, Any]]:
    """Copies of the call's messages, as LiteLLM edits them in place.

    Reasoning goes back to DeepSeek alone: it wants it, others refuse the field. Signatures go back to Gemini alone:
    they make ids longer than OpenAI takes, and LiteLLM removes them in the decorator that we go around.
    """
    kept = [dict(copy.deepcopy(message)) for message in call.messages]
    for message in kept:
        if call.deployment.provider != "deepseek":
            message.pop("reasoning_content", None)
        if call.deployment.provider not in _SIGNING:
            _unsign(message)
    return kept


def _unsign(message: dict[str, Any]) -> None:
    if isinstance(answered := message.get("tool_call_id"), str):
        message["tool_call_id"] = answered.partition(SIGNATURE)[0]
    if calls := items(message.get("tool_calls")):
        message["tool_calls"] = [
            {**called, "id": called["id"].partition(SIGNATURE)[0]} for called in map(mapping, calls)
        ]
