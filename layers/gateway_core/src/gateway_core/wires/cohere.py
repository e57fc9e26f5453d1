"""Cohere's chat, of both versions: https://docs.cohere.com/reference/chat. Its models are listed as OpenAI's are."""

from __future__ import annotations

from gateway_core.domain.answer import Usage
from gateway_core.wires import openai
from gateway_core.wires.counts import two_counts
from gateway_core.wires.finish import CONTENT_FILTER, INTERRUPTED, finish_word
from gateway_core.wires.shapes import mapping
from gateway_core.wires.wire import Wire

_FINISHES = {
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
    "ERROR_TOXIC": CONTENT_FILTER,
    "ERROR": INTERRUPTED,
    "ERROR_LIMIT": "length",
    "TIMEOUT": INTERRUPTED,
}


def _finish(body: object) -> str:
    return finish_word(_FINISHES, mapping(body).get("finish_reason"))


def _usage(body: object) -> Usage | None:
    """What it bills, not what its tokeniser saw: its second API has it under `usage`, its first under `meta`."""
    raw = mapping(body)
    billed = mapping(mapping(raw.get("usage") or raw.get("meta")).get("billed_units"))
    return two_counts(billed, "input_tokens", "output_tokens")


COHERE = Wire(name="cohere", finish_of=_finish, usage_of=_usage, models=openai.MODELS)
