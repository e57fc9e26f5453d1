"""Anthropic's Messages API.

Streams: https://docs.anthropic.com/en/docs/build-with-claude/streaming. Errors and limits:
https://docs.anthropic.com/en/api/errors, /rate-limits. Models: https://docs.anthropic.com/en/api/models-list.
"""

from __future__ import annotations

import math

from gateway_core.domain.answer import Usage
from gateway_core.domain.chat import Json
from gateway_core.wires.counts import checked, count
from gateway_core.wires.finish import CONTENT_FILTER, finish_word
from gateway_core.wires.shapes import mapping
from gateway_core.wires.wire import (
    NO_FACTS,
    ErrorSign,
    EventFacts,
    Image,
    LimitHeaders,
    ModelsEndpoint,
    StreamForm,
    Wire,
)

_FINISHES = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": CONTENT_FILTER,
}
_SIGNS = (
    ErrorSign("too_long", frozenset({"request_too_large"}), (r"prompt is too long", r"context limit")),
    ErrorSign("filtered", prose=(r"content filter", r"usage polic(?:y|ies)")),
    ErrorSign("bad_key", frozenset({"authentication_error"}), (r"this organization has been disabled",)),
    ErrorSign(
        "no_credit",
        frozenset({"billing_error"}),
        (r"your credit balance is too low", r"you have reached your specified (?:workspace )?api usage limits"),
    ),
)
_STATUSES = {
    "authentication_error": 401,
    "billing_error": 402,
    "invalid_request_error": 400,
    "not_found_error": 404,
    "overloaded_error": 529,
    "permission_error": 403,
    "rate_limit_error": 429,
    "request_too_large": 413,
}
_LIMITS = LimitHeaders(
    "anthropic-ratelimit-",
    requests=("anthropic-ratelimit-requests-{}",),
    tokens=tuple(f"anthropic-ratelimit-{kind}-{{}}" for kind in ("tokens", "input-tokens", "output-tokens")),
)
_LONGEST_EDGE, _MOST_PIXELS, _PIXELS_PER_TOKEN = 1568, 1_150_000, 750


def _finish(body: object) -> str:
    return finish_word(_FINISHES, mapping(body).get("stop_reason"))


def _usage(body: object) -> Usage | None:
    """It counts the input without what it read from or wrote to its cache.

    What it wrote comes apart by how long it lasts (docs: "Prompt caching", `cache_creation`).
    """
    raw = mapping(mapping(body).get("usage"))
    fresh, output = count(raw, "input_tokens"), count(raw, "output_tokens")
    if fresh is None or output is None:
        return None
    read = count(raw, "cache_read_input_tokens") or 0
    written = count(raw, "cache_creation_input_tokens") or 0
    thoughts = count(mapping(raw.get("output_tokens_details")), "thinking_tokens", "reasoning_tokens") or 0
    for_an_hour = count(mapping(raw.get("cache_creation")), "ephemeral_1h_input_tokens") or 0
    return checked(Usage(fresh + read + written, output, read, written, thoughts, for_an_hour))


def _facts(event: Json) -> EventFacts:
    """The input is reported first, in `message_start`, and the output last, in `message_delta`."""
    usage = mapping(event.get("message")).get("usage") or event.get("usage")
    finish = _finish(event.get("delta"))
    return EventFacts(finish, {"usage": usage} if usage else {}) if finish or usage else NO_FACTS


def image_tokens(_model: str, image: Image) -> int:
    """A token for 750 pixels, once scaled down to 1568 pixels a side and 1.15 megapixels (docs: "Vision")."""
    pixels = image.width * image.height
    scale = min(1.0, _LONGEST_EDGE / max(image.width, image.height), math.sqrt(_MOST_PIXELS / pixels))
    return math.ceil(pixels * scale * scale / _PIXELS_PER_TOKEN)


ANTHROPIC = Wire(
    name="anthropic",
    finish_of=_finish,
    usage_of=_usage,
    models=ModelsEndpoint(
        "/v1/models?limit=1000",
        "x-api-key",
        "data",
        "id",
        more="has_more",
        headers=(("anthropic-version", "2023-06-01"),),
    ),
    stream=StreamForm(_facts, terminators=frozenset({"message_stop"})),
    error_signs=_SIGNS,
    error_statuses=_STATUSES,
    limit_headers=_LIMITS,
    cannot_carry=frozenset({"frequency_penalty", "logit_bias", "logprobs", "presence_penalty", "seed", "verbosity"}),
    input_includes_cached=False,
)
