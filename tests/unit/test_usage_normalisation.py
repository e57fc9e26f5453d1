"""Every provider's usage comes out in one convention: whole input, output with reasoning."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.domain.answer import Usage
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


def test_anthropic_says_how_long_its_writes_last() -> None:
    """Those for an hour are a part of all, and never more."""
    raw = {"input_tokens": 10, "output_tokens": 7, "cache_creation_input_tokens": 1200}
    lasting = {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 1000}
    expected = Usage(1210, 7, cache_write_tokens=1200, cache_write_1h_tokens=1000)
    assert usage_of("anthropic", {"usage": {**raw, "cache_creation": lasting}}) == expected
    usage = usage_of("anthropic", {"usage": {**raw, "cache_creation": {"ephemeral_1h_input_tokens": 5000}}})
    assert usage is not None
    assert usage.cache_write_1h_tokens == 1200


@pytest.mark.parametrize("wire", ["openai_chat", "openai_responses"])
@pytest.mark.parametrize(
    ("told", "tier"),
    [("priority", "priority"), ("default", ""), (None, ""), (7, ""), ("x" * 40, "x" * 32), ("", ""), ("a\ud800", "a?")],
)
def test_openai_names_the_service_tier_beside_the_usage(wire: str, told: object, tier: str) -> None:
    """In a whole answer, and in the events of a stream, where the usage comes later than the first of them."""
    counts = {"prompt_tokens": 9, "completion_tokens": 5, "input_tokens": 9, "output_tokens": 5}
    assert usage_of(wire, {"usage": counts, "service_tier": told}) == Usage(9, 5, service_tier=tier)
    stream = WIRES[wire].stream
    assert stream is not None
    body = {"usage": counts, "service_tier": told}
    event = body if wire == "openai_chat" else {"type": "response.completed", "response": body}
    assert usage_of(wire, stream.facts_of(event).usage) == Usage(9, 5, service_tier=tier)


def test_whole_numbers_count_in_any_form() -> None:
    """Some servers know floats alone."""
    assert usage_of("openai_chat", {"usage": {"prompt_tokens": 5.0, "completion_tokens": 3.0}}) == Usage(5, 3)
    assert usage_of("openai_chat", {"usage": {"prompt_tokens": float("inf"), "completion_tokens": 3.0}}) is None


def test_a_tier_alone_is_no_usage() -> None:
    """Each chunk names it."""
    stream = WIRES["openai_chat"].stream
    assert stream is not None
    facts = stream.facts_of({"choices": [], "usage": None, "service_tier": "flex"})
    assert (facts.usage, usage_of("openai_chat", facts.usage)) == ({"usage": {"service_tier": "flex"}}, None)


def test_openai_counts_audio_apart() -> None:
    """As parts of both totals."""
    raw = {
        "prompt_tokens": 100,
        "completion_tokens": 30,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 80},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 25},
    }
    expected = Usage(100, 30, audio_input_tokens=80, audio_output_tokens=25)
    assert usage_of("openai_chat", {"usage": raw}) == expected


def test_gemini_counts_by_modality() -> None:
    """Of the prompt, of what tools added to it, and of the answer."""
    raw = {
        "promptTokenCount": 100,
        "toolUsePromptTokenCount": 20,
        "candidatesTokenCount": 10,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 20}, {"modality": "AUDIO", "tokenCount": 80}],
        "toolUsePromptTokensDetails": [{"modality": "AUDIO", "tokenCount": 5}],
        "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 9}, None, {"modality": "AUDIO"}],
    }
    expected = Usage(120, 10, audio_input_tokens=85, audio_output_tokens=9)
    assert usage_of("gemini", {"usageMetadata": raw}) == expected


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


@given(whole=COUNT, output=COUNT, cached=COUNT, written=COUNT, reasoning=COUNT, heard=COUNT)
def test_parts_never_exceed_their_whole(
    whole: int, output: int, cached: int, written: int, reasoning: int, heard: int
) -> None:
    """However wrong the provider counts, nothing can be billed below zero."""
    raw = {
        "prompt_tokens": whole,
        "completion_tokens": output,
        "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written, "audio_tokens": heard},
        "completion_tokens_details": {"reasoning_tokens": reasoning, "audio_tokens": heard},
    }
    usage = usage_of("openai_chat", {"usage": raw})
    assert usage is not None
    assert usage.cached_input_tokens + usage.cache_write_tokens <= usage.input_tokens == whole
    assert usage.reasoning_tokens <= usage.output_tokens == output
    assert usage.audio_input_tokens <= whole
    assert usage.audio_output_tokens <= output


def test_only_anthropic_counts_its_input_without_the_cache() -> None:
    """The convention that every usage record carries."""
    assert [traits_of(name).chat.input_includes_cached for name in ("anthropic", "openai", "gemini", "deepseek")] == [
        False,
        True,
        True,
        True,
    ]
