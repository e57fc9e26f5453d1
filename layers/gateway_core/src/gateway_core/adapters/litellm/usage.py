"""Tokens as the provider itself reported them, brought to one convention.

Ours: the input is the whole input, cached parts included; the output includes reasoning. The providers':

* Anthropic counts the input without what it read from or wrote to its cache.
* OpenAI and DeepSeek count all of it; DeepSeek names its cache hits on the top level.
* Gemini counts thoughts, and prompts of its tools, apart; some models have the thoughts in the candidates as well.
* Cohere tells what it bills apart from what its tokeniser saw: the former counts. Ollama counts on the top level.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway_core.adapters.litellm.wire import Wire, mapping
from gateway_core.domain.chat import Json, Usage

_MOST_TOKENS = 10**9
"""More than any model reads or writes: a larger count is a fault, and its price may be past what books can add."""


def input_includes_cached(provider: str) -> bool:
    """Whether the provider's own input count includes cached tokens. Stored on every usage record."""
    return provider != "anthropic"


def usage_of(wire: Wire, body: object) -> Usage | None:
    """The usage in a decoded body or a stream's last usage; None if it is missing or is not one."""
    return _READERS[wire](mapping(body))


def _anthropic(raw: Json) -> Usage | None:
    fresh, output = _count(raw, "input_tokens"), _count(raw, "output_tokens")
    if fresh is None or output is None:
        return None
    read = _count(raw, "cache_read_input_tokens") or 0
    written = _count(raw, "cache_creation_input_tokens") or 0
    thoughts = _count(mapping(raw.get("output_tokens_details")), "thinking_tokens", "reasoning_tokens") or 0
    return _checked(Usage(fresh + read + written, output, read, written, thoughts))


def _openai(raw: Json, *, side: tuple[str, str]) -> Usage | None:
    whole, output = _count(raw, f"{side[0]}_tokens"), _count(raw, f"{side[1]}_tokens")
    if whole is None or output is None:
        return None
    reads = mapping(raw.get(f"{side[0]}_tokens_details"))
    cached = _count(reads, "cached_tokens") or _count(raw, "prompt_cache_hit_tokens") or 0
    written = _count(reads, "cache_write_tokens", "cache_creation_tokens") or 0
    reasoning = _count(mapping(raw.get(f"{side[1]}_tokens_details")), "reasoning_tokens") or 0
    return _checked(Usage(whole, output, cached, written, reasoning))


def _billed_by_cohere(body: Json) -> Json:
    """Its second API has it under `usage`, its first under `meta`."""
    return mapping(mapping(body.get("usage") or body.get("meta")).get("billed_units"))


def _counted(raw: Json, input_name: str, output_name: str) -> Usage | None:
    """Two counts and nothing besides."""
    whole, output = _count(raw, input_name), _count(raw, output_name)
    return None if whole is None or output is None else Usage(whole, output)


def _embedded(raw: Json) -> Usage | None:
    """OpenAI's: there is no output to count."""
    whole = _count(raw, "prompt_tokens")
    return None if whole is None else Usage(whole)


def _gemini(raw: Json) -> Usage | None:
    prompt = _count(raw, "promptTokenCount")
    if prompt is None:
        return None
    whole = prompt + (_count(raw, "toolUsePromptTokenCount") or 0)
    answer = _count(raw, "candidatesTokenCount") or 0
    thoughts = _count(raw, "thoughtsTokenCount") or 0
    counted_in = bool(thoughts) and _count(raw, "totalTokenCount") == whole + answer
    output = answer if counted_in else answer + thoughts
    return _checked(Usage(whole, output, _count(raw, "cachedContentTokenCount") or 0, 0, thoughts))


def _checked(usage: Usage) -> Usage:
    """Parts never exceed their whole, whatever a provider says: a negative rest would be billed as a gain."""
    cached = min(usage.cached_input_tokens, usage.input_tokens)
    written = min(usage.cache_write_tokens, usage.input_tokens - cached)
    reasoning = min(usage.reasoning_tokens, usage.output_tokens)
    return Usage(usage.input_tokens, usage.output_tokens, cached, written, reasoning)


def _count(raw: Json, *names: str) -> int | None:
    for name in names:
        value = raw.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_TOKENS:
            return value
    return None


_READERS: Mapping[Wire, Callable[[Json], Usage | None]] = {
    "anthropic": lambda body: _anthropic(mapping(body.get("usage"))),
    "cohere": lambda body: _counted(_billed_by_cohere(body), "input_tokens", "output_tokens"),
    "embeddings": lambda body: _embedded(mapping(body.get("usage"))),
    "gemini": lambda body: _gemini(mapping(body.get("usageMetadata"))),
    "ollama": lambda body: _counted(body, "prompt_eval_count", "eval_count"),
    "openai": lambda body: _openai(mapping(body.get("usage")), side=("prompt", "completion")),
    "responses": lambda body: _openai(mapping(body.get("usage")), side=("input", "output")),
}
