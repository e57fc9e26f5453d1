"""Converse, as the pages of its API have it."""

from __future__ import annotations

from typing import Any

import pytest

from gateway_core.config.model_rules import rules_for
from gateway_core.domain.answer import Usage
from gateway_core.wires.bedrock import BEDROCK
from gateway_core.wires.table import maker_of
from gateway_core.wires.wire import NO_FACTS, EventFacts

COUNTS = {"inputTokens": 10, "outputTokens": 5, "totalTokens": 15}
THOUGHTS = {"usage": {"output_tokens_details": {"thinking_tokens": 3}}}


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("malformed_model_output", "interrupted"),
        ("malformed_tool_use", "interrupted"),
        ("of times to come", "stop"),
        (None, ""),
    ],
)
def test_why_it_ended(reason: str | None, finish: str) -> None:
    """Whole and streamed alike."""
    assert BEDROCK.finish_of({"stopReason": reason}) == finish


@pytest.mark.parametrize(
    ("body", "usage"),
    [
        ({"usage": COUNTS}, Usage(10, 5)),
        ({"usage": {"inputTokens": 10}}, None),
        ({"usage": {"outputTokens": 10}}, None),
        ({"usage": {**COUNTS, "cacheReadInputTokens": 7, "cacheWriteInputTokens": 4}}, Usage(21, 5, 7, 4)),
        (
            {
                "usage": {
                    **COUNTS,
                    "cacheWriteInputTokens": 4,
                    "cacheDetails": [{"ttl": "5m", "inputTokens": 1}, {"ttl": "1h", "inputTokens": 3}, {"ttl": "1h"}],
                }
            },
            Usage(14, 5, 0, 4, cache_write_1h_tokens=3),
        ),
        ({"usage": COUNTS, "additionalModelResponseFields": THOUGHTS}, Usage(10, 5, reasoning_tokens=3)),
    ],
)
def test_usage(body: dict[str, Any], usage: Usage | None) -> None:
    """The whole input, cached parts included."""
    assert BEDROCK.usage_of(body) == usage


def test_what_events_tell() -> None:
    """The end before the bill."""
    stream = BEDROCK.stream
    assert stream is not None
    assert stream.facts_of({"type": "contentBlockDelta", "delta": {"text": "usage"}}) is NO_FACTS
    stop = {"type": "messageStop", "stopReason": "end_turn", "additionalModelResponseFields": THOUGHTS}
    assert stream.facts_of(stop) == EventFacts("stop", {"additionalModelResponseFields": THOUGHTS})
    assert stream.facts_of({"type": "metadata", "usage": COUNTS}) == EventFacts("", {"usage": COUNTS})
    assert (stream.terminator_of(stop, "stop"), stream.terminator_of({"type": "metadata"}, "stop")) == ("", "metadata")


@pytest.mark.parametrize(
    ("name", "maker"),
    [
        ("anthropic.claude-sonnet-4-6", ("anthropic", "claude-sonnet-4-6")),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", ("anthropic", "claude-haiku-4-5-20251001-v1:0")),
        ("amazon.nova-lite-v1:0", ("bedrock", "amazon.nova-lite-v1:0")),
    ],
)
def test_whose_model_it_is(name: str, maker: tuple[str, str]) -> None:
    """Claude refuses there what it refuses at home."""
    assert maker_of("bedrock", name) == maker
    assert rules_for("bedrock", name) == rules_for(*maker)
    assert rules_for("bedrock", "anthropic.claude-haiku-4-5").most_temperature == 1
