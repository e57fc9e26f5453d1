"""Why an answer ended, read from the provider's own words and put into OpenAI's.

`interrupted` stands for an answer that the provider broke off by its own fault; it is an error, never a finish
reason of ours. An empty string means that the body names no end at all, so it is not a whole answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway_core.adapters.litellm.wire import Wire, items, mapping
from gateway_core.domain.chat import Json

INTERRUPTED = "interrupted"
CONTENT_FILTER = "content_filter"

_ANTHROPIC = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": CONTENT_FILTER,
}
_GEMINI = {
    "MAX_TOKENS": "length",
    "SAFETY": CONTENT_FILTER,
    "RECITATION": CONTENT_FILTER,
    "BLOCKLIST": CONTENT_FILTER,
    "PROHIBITED_CONTENT": CONTENT_FILTER,
    "SPII": CONTENT_FILTER,
    "IMAGE_SAFETY": CONTENT_FILTER,
    "IMAGE_PROHIBITED_CONTENT": CONTENT_FILTER,
    "IMAGE_RECITATION": CONTENT_FILTER,
    "LANGUAGE": INTERRUPTED,
    "OTHER": INTERRUPTED,
    "FINISH_REASON_UNSPECIFIED": INTERRUPTED,
    "MALFORMED_FUNCTION_CALL": INTERRUPTED,
    "MALFORMED_RESPONSE": INTERRUPTED,
    "UNEXPECTED_TOOL_CALL": INTERRUPTED,
    "TOO_MANY_TOOL_CALLS": INTERRUPTED,
    "MISSING_THOUGHT_SIGNATURE": INTERRUPTED,
    "NO_IMAGE": INTERRUPTED,
    "IMAGE_OTHER": INTERRUPTED,
}
_COHERE = {
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
    "ERROR_TOXIC": CONTENT_FILTER,
    "ERROR": INTERRUPTED,
    "ERROR_LIMIT": "length",
    "TIMEOUT": INTERRUPTED,
}
_OLLAMA = {"length": "length"}
_OPENAI = {
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    CONTENT_FILTER: CONTENT_FILTER,
    "insufficient_system_resource": INTERRUPTED,
}


def finish_of(wire: Wire, body: object) -> str:
    """`stop`, `length`, `tool_calls` or `content_filter`; else `interrupted`, or empty. See the module."""
    return _READERS[wire](mapping(body))


def _known(table: dict[str, str], word: object) -> str:
    """Words that a provider invents later mean that the model came to an end of its own: `stop`."""
    return table.get(word, "stop") if isinstance(word, str) and word else ""


def _first(raw: Json, name: str) -> Json:
    return next(map(mapping, items(raw.get(name))), {})


def _gemini(raw: Json) -> str:
    candidate = _first(raw, "candidates")
    if not candidate and mapping(raw.get("promptFeedback")).get("blockReason"):
        return CONTENT_FILTER
    reason = _known(_GEMINI, candidate.get("finishReason"))
    parts = items(mapping(candidate.get("content")).get("parts"))
    return "tool_calls" if reason == "stop" and any("functionCall" in mapping(part) for part in parts) else reason


def _ollama(raw: Json) -> str:
    reason = _known(_OLLAMA, raw.get("done_reason")) if raw.get("done") is True else ""
    return "tool_calls" if reason == "stop" and items(mapping(raw.get("message")).get("tool_calls")) else reason


def _responses(raw: Json) -> str:
    output = [mapping(item) for item in items(raw.get("output"))]
    match raw.get("status"):
        case "completed":
            return "tool_calls" if any(item.get("type") == "function_call" for item in output) else "stop"
        case "incomplete":
            reason = mapping(raw.get("incomplete_details")).get("reason")
            return CONTENT_FILTER if reason == CONTENT_FILTER else "length"
        case "failed" | "cancelled":
            return INTERRUPTED
        case _:
            return ""


_READERS: Mapping[Wire, Callable[[Json], str]] = {
    "anthropic": lambda raw: _known(_ANTHROPIC, raw.get("stop_reason")),
    "cohere": lambda raw: _known(_COHERE, raw.get("finish_reason")),
    "embeddings": lambda raw: "stop" if items(raw.get("data")) else "",
    "gemini": _gemini,
    "ollama": _ollama,
    "openai": lambda raw: _known(_OPENAI, _first(raw, "choices").get("finish_reason")),
    "responses": _responses,
}
