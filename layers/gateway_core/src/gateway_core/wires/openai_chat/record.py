"""OpenAI's chat completions, which most others speak as well; words of DeepSeek's and Azure's errors are here too.

API: https://platform.openai.com/docs/api-reference/chat. DeepSeek: https://api-docs.deepseek.com/quick_start/error_codes.
"""

from __future__ import annotations

import math

from gateway_core.domain.answer import Usage
from gateway_core.domain.chat import Json
from gateway_core.wires import openai
from gateway_core.wires.finish import CONTENT_FILTER, INTERRUPTED, finish_word
from gateway_core.wires.shapes import first, items, mapping
from gateway_core.wires.wire import NO_FACTS, ErrorSign, EventFacts, Image, StreamForm, Wire

_OPENAIS = frozenset({"stop", "length", "tool_calls", "function_call", CONTENT_FILTER})
_FINISHES = {
    "length": "length",
    "max_tokens": "length",  # of servers before which others stand, whose word it is
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "tool_use": "tool_calls",
    CONTENT_FILTER: CONTENT_FILTER,
    "insufficient_system_resource": INTERRUPTED,
}
_SIGNS_OF_OTHERS = (
    ErrorSign("filtered", prose=(r"content exists risk", r"content management policy")),
    ErrorSign("no_credit", prose=(r"insufficient balance",)),
    ErrorSign("gone", prose=(r"model not exist",)),
)
_LONGEST_EDGE, _SHORTER_EDGE, _TILE = 2048, 768, 512
_BASE_TOKENS, _TILE_TOKENS = 85, 170


def _finish(body: object) -> str:
    return _word(first(mapping(body).get("choices")))


def with_finish(choice: Json) -> Json:
    """The choice with its finish reason in OpenAI's words, as many clients know no others; null where it has none."""
    told = choice.get("finish_reason")
    if told is None and "message" not in choice:
        return choice
    word = told if isinstance(told, str) and told in _OPENAIS else _word(choice) or None
    return choice if told == word else {**choice, "finish_reason": word}


def _word(choice: Json) -> str:
    """A whole answer that says something, and not why it ended, has ended by itself."""
    told = choice.get("finish_reason")
    if told is None or told == "":
        message = mapping(choice.get("message"))
        said = message.get("content") or message.get("refusal")
        return "tool_calls" if message.get("tool_calls") else "stop" if said else ""
    return finish_word(_FINISHES, told.lower() if isinstance(told, str) else told)


def _usage(body: object) -> Usage | None:
    return openai.usage_from(body, "prompt", "completion")


def _facts(event: Json) -> EventFacts:
    """Of several answers the first decides, as in a whole one: the others' ends are told to the caller as they came."""
    main = next((choice for choice in map(mapping, items(event.get("choices"))) if not choice.get("index")), {})
    finish, usage = _word(main), openai.with_tier(event)
    return EventFacts(finish, {"usage": usage} if usage else {}) if finish or usage else NO_FACTS


def _refusal(body: object) -> str:
    """Kept in the message, beside its content."""
    messages = (mapping(mapping(choice).get("message")) for choice in items(mapping(body).get("choices")))
    return next((said for message in messages if isinstance(said := message.get("refusal"), str)), "")


def image_tokens(_model: str, image: Image) -> int:
    """85, and 170 for each tile of 512 pixels once it fits 2048 a side and 768 the shorter way; `low` detail is 85.

    Docs: "Images and vision". Newer models have rules of their own, so this is an estimate.
    """
    if image.low_detail:
        return _BASE_TOKENS
    shorter, longer = sorted((image.width, image.height))
    scale = min(1.0, _LONGEST_EDGE / longer, _SHORTER_EDGE / shorter)
    tiles = (max(1, math.ceil(round(side * scale) / _TILE)) for side in (shorter, longer))
    return _BASE_TOKENS + math.prod(tiles) * _TILE_TOKENS


OPENAI_CHAT = Wire(
    name="openai_chat",
    finish_of=_finish,
    usage_of=_usage,
    models=openai.MODELS,
    stream=StreamForm(_facts, terminators=frozenset({"[DONE]"}), is_lax=True),
    error_signs=openai.SIGNS + _SIGNS_OF_OTHERS,
    error_statuses=openai.STATUSES,
    refusal_of=_refusal,
    limit_headers=openai.LIMITS,
)
