"""Ollama's chat: https://github.com/ollama/ollama/blob/main/docs/api.md."""

from __future__ import annotations

from gateway_core.domain.answer import Usage
from gateway_core.wires.counts import two_counts
from gateway_core.wires.finish import finish_word
from gateway_core.wires.shapes import items, mapping
from gateway_core.wires.wire import ModelsEndpoint, Wire


def _finish(body: object) -> str:
    raw = mapping(body)
    reason = finish_word({"length": "length"}, raw.get("done_reason")) if raw.get("done") is True else ""
    return "tool_calls" if reason == "stop" and items(mapping(raw.get("message")).get("tool_calls")) else reason


def _usage(body: object) -> Usage | None:
    """On the top level, beside its durations."""
    return two_counts(mapping(body), "prompt_eval_count", "eval_count")


OLLAMA = Wire(
    name="ollama",
    finish_of=_finish,
    usage_of=_usage,
    models=ModelsEndpoint("/api/tags", "authorization", "models", "name", key_prefix="Bearer "),
)
