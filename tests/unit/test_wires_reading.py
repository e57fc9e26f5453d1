"""What the wires read off images, errors and events: ours whatever is sent, and safe on any JSON."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.wires.errors import WireError, error_of
from gateway_core.wires.reasons import reason_of, speaks_of, status_within
from gateway_core.wires.table import WIRES, traits_of
from gateway_core.wires.wire import Image, Reason, StreamForm, Wire
from tests.unit.sources import texts_of
from tests.unit.wire_records import CORE, REASONS, each_wire

FINISHES = {"", "stop", "length", "tool_calls", "content_filter", "interrupted"}
OPENAI_SIZES = [(512, 512, 255), (1024, 1024, 765), (2048, 4096, 1105), (100, 1000, 425), (1, 1, 255)]
ANTHROPIC_SIZES = [(200, 200, 54), (1000, 1000, 1334), (1092, 1092, 1534), (3000, 100, 110), (1, 1, 1)]


@pytest.mark.parametrize(
    ("provider", "model", "width", "height", "expected"),
    [
        *[("openai", "gpt-5.1", *size) for size in OPENAI_SIZES],
        *[("groq", "llama-4", *size) for size in OPENAI_SIZES],
        *[("anthropic", "claude-opus-4-5", *size) for size in ANTHROPIC_SIZES],
        ("gemini", "gemini-3.1-pro-preview", 4000, 3000, 1120),
        ("gemini", "gemini-2.5-pro", 300, 300, 258),
        ("gemini", "gemini-2.5-pro", 1000, 700, 516),
    ],
)
def test_an_image_counts_by_its_size(provider: str, model: str, width: int, height: int, expected: int) -> None:
    """By each provider's rule; the examples of OpenAI and Anthropic are those of their documentation."""
    assert traits_of(provider).image_tokens(model, Image(width, height)) == expected


def test_only_some_know_a_low_detail() -> None:
    """OpenAI shows its model a small image then."""
    image = Image(4000, 3000, low_detail=True)
    assert traits_of("openai").image_tokens("gpt-5.1", image) == 85
    assert traits_of("gemini").image_tokens("gemini-3-pro", image) == 1120


@pytest.mark.parametrize(
    ("labels", "message", "reason"),
    [
        ({"context_length_exceeded", "model_not_found"}, "", "too_long"),
        ({"model_not_found"}, "prompt is too long", "gone"),
        ({"failed_precondition"}, "", "unusable"),
        (set(), "The prompt is too long for this", "too_long"),
        (set(), "API key not valid", "bad_key"),
        (set(), "Your tool says: API key not valid", None),
        ({"server_error"}, "", None),
    ],
)
def test_machine_words_come_before_prose(labels: set[str], message: str, reason: Reason | None) -> None:
    """Prose that counts against the deployment stands at the start; a provider may repeat the request behind it."""
    assert reason_of(WireError(frozenset(labels), message)) == reason


@pytest.mark.parametrize(
    ("labels", "code", "status"),
    [
        ({"invalid_request_error", "model_not_found"}, None, 404),
        ({"invalid_request_error", "invalid_api_key"}, None, 401),
        ({"insufficient_quota", "billing_error"}, None, 429),
        ({"overloaded_error"}, None, 529),
        ({"rate_limit_exceeded"}, 503, 503),
        ({"rate_limit_exceeded"}, 200, 429),
        (set(), None, 500),
    ],
)
def test_an_error_within_a_200_has_a_status(labels: set[str], code: int | None, status: int) -> None:
    """Its own number, else that of its most telling word."""
    assert status_within(WireError(frozenset(labels), "", code)) == status


def fields() -> set[str]:
    """Every short word in the readers: names of fields, and values that they look for."""
    return {word for path in (CORE / "wires").glob("*.py") for word in texts_of(path).all if 0 < len(word) < 40}


names = st.sampled_from(sorted(fields()))
json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5),
    max_leaves=15,
)


@each_wire
@given(body=json)
def test_no_reader_raises(wire: Wire, body: object) -> None:
    """Whatever is sent: reasons are ours, counts can be billed, errors are errors."""
    assert wire.finish_of(body) in FINISHES
    usage = wire.usage_of(body)
    assert usage is None or all(0 <= count <= 4 * 10**9 for count in astuple(usage))
    assert isinstance(wire.refusal_of(body), str)
    assert all(isinstance(limit.per_minute, str) for limit in wire.exhausted_of(body))
    if error := wire.error_of(body):
        assert reason_of(error) in {None, *REASONS}
        assert isinstance(speaks_of(error, "no_credit"), bool)
        assert 400 <= status_within(error) <= 599


STREAMS: dict[str, StreamForm] = {name: wire.stream for name, wire in WIRES.items() if wire.stream}


@pytest.mark.parametrize("name", STREAMS)
@given(event=st.dictionaries(names, json, max_size=6))
def test_no_event_raises(name: str, event: dict[str, Any]) -> None:
    """Nor does it tell what the whole body's readers could not read."""
    facts = STREAMS[name].facts_of(event)
    assert facts.finish in FINISHES
    assert not facts.error or facts.error.keys() == {"error"}
    WIRES[name].usage_of(facts.usage)
    assert STREAMS[name].terminator_of(event, "stop") in {"", "stop", *STREAMS[name].terminators}


def test_errors_have_many_shapes() -> None:
    """An object, a text, a list around one, or a bare message, as Cohere and Mistral send it."""
    assert error_of({"error": {"type": "A", "code": 7, "message": "m"}}) == WireError(frozenset({"a"}), "m", 7)
    assert error_of({"error": "m"}) == error_of({"message": "m"}) == WireError(frozenset(), "m")
    assert error_of([{"error": {"code": "B", "message": None}}]) == WireError(frozenset({"b"}), "")
    assert error_of([]) is error_of({"error": []}) is error_of({"message": {"content": "hi"}}) is None


@pytest.mark.parametrize(
    ("error", "field"),
    [
        ({"param": "messages[1].content"}, "messages[1].content"),
        ({"param": None, "message": "tools.0.custom.name: String should match pattern"}, "tools.0.custom.name"),
        ({"message": "* GenerateContentRequest.tools[0].name: [FIELD_INVALID]"}, "tools[0].name"),
        (
            {"details": [{"fieldViolations": [{"field": "contents[1].parts"}]}], "message": "Invalid"},
            "contents[1].parts",
        ),
        ({"message": "Invalid value: 'Ada Lovelace said: hello'"}, ""),
        ({"message": "Please say more"}, ""),
        ({"param": "x" * 121}, ""),
        ({"param": 5}, ""),
    ],
)
def test_an_error_names_what_is_at_fault(error: dict[str, Any], field: str) -> None:
    """As a path in the provider's own request, and nothing that could be prose."""
    found = error_of({"error": error})
    assert found
    assert found.field == field
