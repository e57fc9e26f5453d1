"""A watched stream gives up its real end and its last usage, however it is cut into pieces."""

from __future__ import annotations

import itertools
import json
from collections import deque
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.adapters.upstream.watch import StreamWatch
from gateway_core.domain.chat import Json, Usage
from gateway_core.wires.table import WIRES


def sse(*events: Any) -> bytes:
    """Server-sent events as they come over the wire."""
    return b"".join(b"data: " + (e if isinstance(e, bytes) else json.dumps(e).encode()) + b"\r\n\r\n" for e in events)


ANTHROPIC = sse(
    {"type": "message_start", "message": {"usage": {"input_tokens": 9, "cache_read_input_tokens": 4}}},
    {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "hi"}},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}},
    {"type": "message_stop"},
)
OPENAI = sse(
    {"choices": [{"delta": {"content": "hi"}}]},
    {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 5}},
    b"[DONE]",
)
RESPONSES = sse(
    {"type": "response.created", "response": {"usage": None}},
    {"type": "response.output_text.delta", "delta": "hi"},
    {"type": "response.completed", "response": {"usage": {"input_tokens": 9, "output_tokens": 5}}},
)
GEMINI = sse(
    {"candidates": [{"content": {"parts": [{"text": "h"}]}}], "usageMetadata": {"promptTokenCount": 9}},
    {
        "candidates": [{"content": {"parts": [{"text": "i"}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 5},
    },
)
STREAMS: list[tuple[str, bytes, str, Usage]] = [
    ("anthropic", ANTHROPIC, "message_stop", Usage(13, 5, 4)),
    ("openai_chat", OPENAI, "[DONE]", Usage(9, 5)),
    ("openai_responses", RESPONSES, "response.completed", Usage(9, 5)),
    ("gemini", GEMINI, "stop", Usage(9, 5)),
]


@pytest.mark.parametrize(("wire", "stream", "terminator", "usage"), STREAMS)
@given(data=st.data())
def test_end_and_usage_are_found_in_any_pieces(
    wire: str, stream: bytes, terminator: str, usage: Usage, data: st.DataObject
) -> None:
    """Chunk borders do not matter."""
    watch = StreamWatch(WIRES[wire])
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=8)) | {0, len(stream)})
    for start, end in itertools.pairwise(cuts):
        watch.feed(stream[start:end])
    assert watch.terminator == terminator
    assert WIRES[wire].usage_of(watch.usage) == usage


@pytest.mark.parametrize(("wire", "stream", "terminator", "usage"), STREAMS)
def test_a_cut_stream_has_no_end(wire: str, stream: bytes, terminator: str, usage: Usage) -> None:
    """Without its last event a stream is not whole, whatever the HTTP framing said."""
    watch = StreamWatch(WIRES[wire])
    watch.feed(stream[: stream.rstrip().rfind(b"data:")])
    assert watch.terminator == ""


@pytest.mark.parametrize("wire", ["anthropic", "gemini", "openai_chat", "openai_responses"])
def test_an_error_event_is_kept(wire: str) -> None:
    """The first error that a stream reports is there to be classified; broken events are passed over."""
    watch = StreamWatch(WIRES[wire])
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    watch.feed(sse(b'{"error": ', error, {"type": "error", "error": {"type": "api_error"}}))
    assert watch.error == error
    assert watch.terminator == ""


def test_a_blocked_gemini_prompt_ends_its_stream() -> None:
    """A refusal is an end as well."""
    watch = StreamWatch(WIRES["gemini"])
    watch.feed(sse({"promptFeedback": {"blockReason": "SAFETY"}}))
    assert watch.terminator == "content_filter"


def test_events_are_handed_on_up_to_the_first_that_is_none() -> None:
    """Whoever drains them never sees an error, or anything behind a broken event."""
    events: deque[Json] = deque()
    watch = StreamWatch(WIRES["openai_chat"], events)
    watch.feed(sse({"a": 1}, {"b": 2}, b"[1]", {"c": 3}, b"[DONE]"))
    assert (list(events), watch.malformed, watch.over) == ([{"a": 1}, {"b": 2}], True, True)


def test_an_endless_line_is_no_event() -> None:
    """Nobody waits for its end, or keeps it."""
    watch = StreamWatch(WIRES["openai_chat"])
    for _ in range(9):
        watch.feed(b"x" * 1024 * 1024)
    assert (watch.malformed, watch._rest) == (True, b"")


def test_a_line_that_is_left_open_counts_at_the_end() -> None:
    """The body ended well, and so did its last event."""
    watch = StreamWatch(WIRES["openai_chat"])
    watch.feed(b"data: [DONE]")
    assert not watch.over
    watch.end()
    assert (watch.terminator, watch.over) == ("[DONE]", True)


FINISHES: list[tuple[str, list[Any], str]] = [
    (
        "anthropic",
        [{"type": "message_delta", "delta": {"stop_reason": "max_tokens"}}, {"type": "message_stop"}],
        "length",
    ),
    ("openai_chat", [{"choices": [{"finish_reason": "tool_calls"}]}, {"choices": []}, b"[DONE]"], "tool_calls"),
    ("openai_responses", [{"type": "response.incomplete", "response": {"status": "incomplete"}}], "length"),
    ("gemini", [{"candidates": [{"finishReason": "MAX_TOKENS"}]}, {"usageMetadata": {}, "x": 1}], "length"),
]


@pytest.mark.parametrize(("wire", "events", "finish"), FINISHES)
def test_why_a_stream_ended(wire: str, events: list[Any], finish: str) -> None:
    """The last reason given, in our words."""
    watch = StreamWatch(WIRES[wire])
    watch.feed(sse(*events))
    assert watch.finish == finish


@pytest.mark.parametrize(
    ("event", "error"),
    [
        ({"type": "error", "code": "c", "message": "m", "param": None}, {"code": "c", "message": "m"}),
        ({"type": "error", "error": {"code": "c"}}, {"code": "c"}),
        ({"type": "response.failed", "response": {"status": "failed", "error": {"code": "c"}}}, {"code": "c"}),
    ],
)
def test_errors_of_the_responses_api_have_three_shapes(event: Any, error: Any) -> None:
    """One is left: that of an error body."""
    watch = StreamWatch(WIRES["openai_responses"])
    watch.feed(sse(event))
    assert watch.error["error"] == error


def test_a_long_line_in_small_pieces_costs_no_more_than_its_length() -> None:
    """Two megabytes in pieces of 256 bytes grow in place: copying the line with each of them would take seconds."""
    watch = StreamWatch(WIRES["openai_chat"])
    line = watch._rest
    for _ in range(8192):
        watch.feed(b"x" * 256)
    assert watch._rest is line
    assert len(line) == 8192 * 256
    assert not watch.malformed
