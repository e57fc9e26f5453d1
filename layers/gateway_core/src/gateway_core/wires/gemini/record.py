"""Gemini's generateContent and streamGenerateContent: https://ai.google.dev/api/generate-content.

Its streams end without a word: a `finishReason`, or a blocked prompt, is the end, and usage may still follow. Models:
https://ai.google.dev/api/models. What clients report of depleted credits is among the signs.
"""

from __future__ import annotations

import math

from gateway_core.domain.answer import Usage
from gateway_core.domain.chat import Json
from gateway_core.wires.counts import checked, count
from gateway_core.wires.errors import error_details
from gateway_core.wires.finish import CONTENT_FILTER, INTERRUPTED, finish_word
from gateway_core.wires.shapes import first, items, mapping
from gateway_core.wires.wire import (
    NO_FACTS,
    ErrorSign,
    EventFacts,
    ExhaustedLimit,
    Image,
    ModelsEndpoint,
    StreamForm,
    Wire,
)

_FINISHES = {
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
_SIGNS = (
    ErrorSign("too_long", prose=(r"exceeds the maximum number of tokens", r"input token count")),
    ErrorSign(
        "bad_key",
        frozenset({"api_key_invalid", "unauthenticated"}),
        (r"api key (?:not valid|expired|not found)",),
    ),
    ErrorSign("no_credit", prose=(r"your prepayment credits are depleted",)),
    ErrorSign("unusable", frozenset({"failed_precondition"})),
)
_TILE, _TILE_TOKENS, _TOKENS_SINCE_3 = 768, 258, 1120


def _finish(body: object) -> str:
    raw = mapping(body)
    candidate = first(raw.get("candidates"))
    if not candidate and mapping(raw.get("promptFeedback")).get("blockReason"):
        return CONTENT_FILTER
    reason = finish_word(_FINISHES, candidate.get("finishReason"))
    parts = items(mapping(candidate.get("content")).get("parts"))
    return "tool_calls" if reason == "stop" and any("functionCall" in mapping(part) for part in parts) else reason


def _usage(body: object) -> Usage | None:
    """Thoughts, and prompts of tools, count apart; some models have the thoughts in the candidates as well."""
    raw = mapping(mapping(body).get("usageMetadata"))
    prompt = count(raw, "promptTokenCount")
    if prompt is None:
        return None
    whole = prompt + (count(raw, "toolUsePromptTokenCount") or 0)
    answer = count(raw, "candidatesTokenCount") or 0
    thoughts = count(raw, "thoughtsTokenCount") or 0
    counted_in = bool(thoughts) and count(raw, "totalTokenCount") == whole + answer
    output = answer if counted_in else answer + thoughts
    return checked(
        Usage(
            input_tokens=whole,
            output_tokens=output,
            cached_input_tokens=count(raw, "cachedContentTokenCount") or 0,
            reasoning_tokens=thoughts,
            audio_input_tokens=_audio(raw.get("promptTokensDetails")) + _audio(raw.get("toolUsePromptTokensDetails")),
            audio_output_tokens=_audio(raw.get("candidatesTokensDetails")),
        )
    )


def _audio(details: object) -> int:
    """Of a list of ModalityTokenCount."""
    heard = (part for part in map(mapping, items(details)) if part.get("modality") == "AUDIO")
    return sum(count(part, "tokenCount") or 0 for part in heard)


def _facts(event: Json) -> EventFacts:
    finish, usage = _finish(event), event.get("usageMetadata")
    return EventFacts(finish, {"usageMetadata": usage} if usage else {}) if finish or usage else NO_FACTS


def _exhausted(body: object) -> list[ExhaustedLimit]:
    """Each limit in a google.rpc.QuotaFailure (https://github.com/googleapis/googleapis, error_details.proto)."""
    failures = (d for d in error_details(body) if str(d.get("@type", "")).endswith("google.rpc.QuotaFailure"))
    return [_violated(mapping(one)) for failure in failures for one in items(failure.get("violations"))]


def _violated(violation: Json) -> ExhaustedLimit:
    name = f"{violation.get('quotaMetric')} {violation.get('quotaId')}".lower()
    return ExhaustedLimit("token" in name, str(violation.get("quotaValue", "")) if "perminute" in name else "")


def image_tokens(model: str, image: Image) -> int:
    """1120 at the default media resolution; before Gemini 3, 258 for each tile of 768 pixels.

    Docs: "Media resolution", "Understand and count tokens".
    """
    if not model.startswith(("gemini-1", "gemini-2")):
        return _TOKENS_SINCE_3
    return math.ceil(image.width / _TILE) * math.ceil(image.height / _TILE) * _TILE_TOKENS


GEMINI = Wire(
    name="gemini",
    finish_of=_finish,
    usage_of=_usage,
    models=ModelsEndpoint("/models?pageSize=1000", "x-goog-api-key", "models", "name", more="nextPageToken"),
    stream=StreamForm(_facts, terminators=frozenset(), stop_may_call=True),
    error_signs=_SIGNS,
    error_statuses={"resource_exhausted": 429},
    exhausted_of=_exhausted,
    cannot_carry=frozenset({"logit_bias", "user", "verbosity"}),
)
