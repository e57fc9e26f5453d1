"""What OpenAI's three wires share: chat completions, Responses and embeddings.

Models: https://platform.openai.com/docs/api-reference/models. Errors and limits: "Error codes" and "Rate limits" there.
"""

from __future__ import annotations

from gateway_core.domain.answer import Usage
from gateway_core.domain.chat import Json
from gateway_core.domain.terms import DEFAULT_TIER
from gateway_core.wires.counts import checked, count
from gateway_core.wires.finish import CONTENT_FILTER
from gateway_core.wires.shapes import mapping, sendable
from gateway_core.wires.wire import ErrorSign, LimitHeaders, ModelsEndpoint

MODELS = ModelsEndpoint("/models", "authorization", "data", "id", more="has_more", key_prefix="Bearer ")
LIMITS = LimitHeaders(
    "x-ratelimit-",
    # Cerebras and Mistral name the period as well.
    requests=tuple(
        f"x-ratelimit-{{}}-{kind}" for kind in ("requests", "requests-minute", "requests-day", "req-minute")
    ),
    tokens=tuple(f"x-ratelimit-{{}}-{kind}" for kind in ("tokens", "tokens-minute", "tokens-day")),
    no_period=("x-ratelimit-{}",),  # OpenRouter and others
)
SIGNS = (
    ErrorSign(
        "too_long",
        frozenset({"context_length_exceeded", "max_tokens_per_request", "string_above_max_length"}),
        (r"maximum (?:context|input) length", r"context (?:window|length)", r"too many input tokens"),
    ),
    ErrorSign(
        "filtered",
        frozenset({CONTENT_FILTER, "content_policy_violation", "moderation_blocked"}),
        (r"usage polic(?:y|ies)", r"safety system"),
    ),
    ErrorSign("bad_key", frozenset({"invalid_api_key"})),
    ErrorSign(
        "no_credit",
        frozenset(
            {
                "billing_hard_limit_reached",
                "billing_not_active",
                "credit_balance_exhausted",
                "insufficient_quota",
                "organization_spend_limit_exceeded",
                "organization_usage_limit_exceeded",
                "project_spend_limit_exceeded",
            }
        ),
    ),
    ErrorSign("gone", frozenset({"model_not_found"})),
)
STATUSES = {
    CONTENT_FILTER: 400,
    "context_length_exceeded": 400,
    "insufficient_quota": 429,
    "invalid_api_key": 401,
    "invalid_prompt": 400,
    "invalid_request_error": 400,
    "model_not_found": 404,
    "rate_limit_exceeded": 429,
}


_LONGEST_TIER = 32


def with_tier(body: Json) -> Json:
    """The usage of an answer or event, with the service tier that it names beside it."""
    usage, tier = mapping(body.get("usage")), body.get("service_tier")
    return usage if tier is None else {**usage, "service_tier": tier}


def usage_from(body: object, input_name: str, output_name: str) -> Usage | None:
    """The usage in counts named `{name}_tokens`: all of the input and all of the output, with details of each."""
    raw = with_tier(mapping(body))
    whole, output = count(raw, f"{input_name}_tokens"), count(raw, f"{output_name}_tokens")
    if whole is None or output is None:
        return None
    reads = mapping(raw.get(f"{input_name}_tokens_details"))
    # DeepSeek names its cache hits on the top level.
    cached = count(reads, "cached_tokens") or count(raw, "prompt_cache_hit_tokens") or 0
    written = count(reads, "cache_write_tokens", "cache_creation_tokens") or 0
    writes = mapping(raw.get(f"{output_name}_tokens_details"))
    return checked(
        Usage(
            input_tokens=whole,
            output_tokens=output,
            cached_input_tokens=cached,
            cache_write_tokens=written,
            reasoning_tokens=count(writes, "reasoning_tokens") or 0,
            audio_input_tokens=count(reads, "audio_tokens") or 0,
            audio_output_tokens=count(writes, "audio_tokens") or 0,
            service_tier=_tier(raw.get("service_tier")),
        )
    )


def _tier(named: object) -> str:
    return sendable(named[:_LONGEST_TIER]) if isinstance(named, str) and named != DEFAULT_TIER else ""
