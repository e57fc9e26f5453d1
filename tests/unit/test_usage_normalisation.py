"""Every provider's usage comes out in one convention: whole input, output with reasoning."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.domain.chat import Usage
from gateway_core.wires.table import WIRES, traits_of

COUNT = st.integers(0, 10**7)


def usage_of(wire: str, body: Any) -> Usage | None:
    """What the wire of this name reads."""
    return WIRES[wire].usage_of(body)


def test_anthropic_counts_its_cache_apart() -> None:
    """Cache reads and writes are added to the input."""
    raw = {
        "input_tokens": 10,
        "output_tokens": 7,
        "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 20,
        "output_tokens_details": {"thinking_tokens": 3},
    }
    assert usage_of("anthropic", {"usage": raw}) == Usage(130, 7, 100, 20, 3)


def test_cohere_says_what_it_bills() -> None:
    """Which is less than what its tokeniser saw; its first API has it elsewhere."""
    billed = {"billed_units": {"input_tokens": 7, "output_tokens": 5}, "tokens": {"input_tokens": 70}}
    assert usage_of("cohere", {"usage": billed}) == usage_of("cohere", {"meta": billed}) == Usage(7, 5)
    assert usage_of("cohere", {"usage": {}}) is None


def test_ollama_counts_on_the_top_level() -> None:
    """Beside its durations."""
    assert usage_of("ollama", {"prompt_eval_count": 11, "eval_count": 5, "eval_duration": 9}) == Usage(11, 5)
    assert usage_of("ollama", {"done": True}) is None


def test_openai_counts_everything_in() -> None:
    """Cached and reasoning tokens are parts of the two totals."""
    raw = {
        "prompt_tokens": 100,
        "completion_tokens": 30,
        "prompt_tokens_details": {"cached_tokens": 64},
        "completion_tokens_details": {"reasoning_tokens": 12},
    }
    assert usage_of("openai_chat", {"usage": raw}) == Usage(100, 30, 64, 0, 12)


def test_deepseek_names_cache_hits_on_the_top_level() -> None:
    """`prompt_cache_hit_tokens` is the cached part of the prompt."""
    raw = {
        "prompt_tokens": 100,
        "completion_tokens": 5,
        "prompt_cache_hit_tokens": 40,
        "prompt_cache_miss_tokens": 60,
    }
    assert usage_of("openai_chat", {"usage": raw}) == Usage(100, 5, 40, 0, 0)


def test_responses_use_their_own_names() -> None:
    """The Responses API says input and output."""
    raw = {
        "input_tokens": 50,
        "output_tokens": 20,
        "input_tokens_details": {"cached_tokens": 10},
        "output_tokens_details": {"reasoning_tokens": 15},
    }
    assert usage_of("openai_responses", {"usage": raw}) == Usage(50, 20, 10, 0, 15)


def test_gemini_counts_thoughts_apart() -> None:
    """Thoughts are added to the output, tool prompts to the input; absent counts are zero."""
    raw = {
        "promptTokenCount": 100,
        "toolUsePromptTokenCount": 5,
        "cachedContentTokenCount": 30,
        "candidatesTokenCount": 10,
        "thoughtsTokenCount": 25,
        "totalTokenCount": 140,
    }
    assert usage_of("gemini", {"usageMetadata": raw}) == Usage(105, 35, 30, 0, 25)
    assert usage_of("gemini", {"usageMetadata": {"promptTokenCount": 4}}) == Usage(4, 0)


def test_gemini_thoughts_that_are_counted_in_are_not_added_twice() -> None:
    """Where the total says that the candidates include the thoughts, they do."""
    raw = {"promptTokenCount": 10, "candidatesTokenCount": 30, "thoughtsTokenCount": 20, "totalTokenCount": 40}
    assert usage_of("gemini", {"usageMetadata": raw}) == Usage(10, 30, 0, 0, 20)


@pytest.mark.parametrize("wire", ["anthropic", "gemini", "openai_chat", "openai_responses"])
@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"usage": None},
        {"usage": {}, "usageMetadata": {}},
        {"usage": "12"},
        {"usage": {"prompt_tokens": "1", "completion_tokens": -1, "input_tokens": True, "output_tokens": 1.5}},
        {"usageMetadata": {"promptTokenCount": None}},
        {
            "usage": dict.fromkeys(("prompt_tokens", "completion_tokens", "input_tokens", "output_tokens"), 10**12),
            "usageMetadata": {"promptTokenCount": 10**12},
        },
    ],
)
def test_what_is_not_usage_is_none(wire: str, body: Any) -> None:
    """Missing, malformed or absurd counts are never taken for zero, nor for what they say."""
    assert usage_of(wire, body) is None


@given(whole=COUNT, output=COUNT, cached=COUNT, written=COUNT, reasoning=COUNT)
def test_parts_never_exceed_their_whole(whole: int, output: int, cached: int, written: int, reasoning: int) -> None:
    """However wrong the provider counts, nothing can be billed below zero."""
    raw = {
        "prompt_tokens": whole,
        "completion_tokens": output,
        "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }
    usage = usage_of("openai_chat", {"usage": raw})
    assert usage is not None
    assert usage.cached_input_tokens + usage.cache_write_tokens <= usage.input_tokens == whole
    assert usage.reasoning_tokens <= usage.output_tokens == output


def test_only_anthropic_counts_its_input_without_the_cache() -> None:
    """The convention that every usage record carries."""
    assert [traits_of(name).chat.input_includes_cached for name in ("anthropic", "openai", "gemini", "deepseek")] == [
        False,
        True,
        True,
        True,
    ]
