"""What an answer used, as Anthropic counts it: the input without what was read from or written to a cache."""

from __future__ import annotations

from typing import Any

from gateway_core.domain.answer import Usage
from gateway_core.domain.chat import Json


def messages_usage(usage: Usage, came: Json | None = None) -> dict[str, Any]:
    """The counts that are billed, over what else the provider says of its usage."""
    hour = usage.cache_write_1h_tokens
    fresh = max(0, usage.input_tokens - usage.cached_input_tokens - usage.cache_write_tokens)
    return {
        **(came or {}),
        "input_tokens": fresh,
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cached_input_tokens,
        "cache_creation": {
            "ephemeral_5m_input_tokens": max(0, usage.cache_write_tokens - hour),
            "ephemeral_1h_input_tokens": hour,
        },
        "output_tokens": usage.output_tokens,
    }
