"""OpenAI's embeddings: https://platform.openai.com/docs/api-reference/embeddings. They come whole, without options."""

from __future__ import annotations

from gateway_core.domain.answer import Usage
from gateway_core.wires import openai
from gateway_core.wires.counts import count
from gateway_core.wires.shapes import items, mapping
from gateway_core.wires.wire import Wire


def _finish(body: object) -> str:
    return "stop" if items(mapping(body).get("data")) else ""


def _usage(body: object) -> Usage | None:
    """There is no output to count."""
    whole = count(mapping(mapping(body).get("usage")), "prompt_tokens")
    return None if whole is None else Usage(whole)


OPENAI_EMBEDDINGS = Wire(
    name="openai_embeddings",
    finish_of=_finish,
    usage_of=_usage,
    models=openai.MODELS,
    error_signs=openai.SIGNS,
    error_statuses=openai.STATUSES,
    limit_headers=openai.LIMITS,
)
