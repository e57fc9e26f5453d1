"""Token counts as providers report them, brought to one convention.

Ours: the input is the whole input, cached parts included; the output includes reasoning.
"""

from __future__ import annotations

from dataclasses import replace

from gateway_core.domain.answer import Usage
from gateway_core.domain.chat import Json

_MOST_TOKENS = 10**9
"""More than any model reads or writes: a larger count is a fault, and its price may be past what books can add."""


def count(raw: Json, *names: str) -> int | None:
    """The first of these fields that holds a count; None if none does."""
    for name in names:
        value = raw.get(name)
        if isinstance(value, float) and value.is_integer():  # of servers that know one kind of number
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_TOKENS:
            return value
    return None


def two_counts(raw: Json, input_name: str, output_name: str) -> Usage | None:
    """The usage of who reports two counts and nothing besides."""
    whole, output = count(raw, input_name), count(raw, output_name)
    return None if whole is None or output is None else Usage(whole, output)


def checked(usage: Usage) -> Usage:
    """Parts never exceed their whole, whatever a provider says: a negative rest would be billed as a gain."""
    parts = (usage.cached_input_tokens, usage.cache_write_tokens, usage.reasoning_tokens, usage.cache_write_1h_tokens)
    return _cut(usage) if any((*parts, usage.audio_input_tokens, usage.audio_output_tokens)) else usage


def _cut(usage: Usage) -> Usage:
    cached = min(usage.cached_input_tokens, usage.input_tokens)
    written = min(usage.cache_write_tokens, usage.input_tokens - cached)
    return replace(
        usage,
        cached_input_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=min(usage.reasoning_tokens, usage.output_tokens),
        cache_write_1h_tokens=min(usage.cache_write_1h_tokens, written),
        audio_input_tokens=min(usage.audio_input_tokens, usage.input_tokens),
        audio_output_tokens=min(usage.audio_output_tokens, usage.output_tokens),
    )
