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
from gateway_core.domain.answer import Usage
from gateway_core.domain.chat import Json
from gateway_core.wires.table import WIRES


def sse(*events: Any) -> bytes:
    """Server-sent events as they come over the wire."""
    return b"".join(b"data: " + (e if isinstance(e, bytes) else json.dumps(e).encode()) + b"\r\n\r\n" for e in events)


USED = {"prompt_tokens": 9, "completion_tokens": 5}
DONE = {"status": "completed"}
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
    assert (watch.malformed, watch.over) == (True, True)


def test_a_line_that_is_left_open_counts_at_the_end() -> None:
    """The body ended well, and so did its last event."""
    watch = StreamWatch(WIRES["openai_chat"])
    watch.feed(b"data: [DONE]")
    assert not watch.over
    watch.end()
    assert (watch.terminator, watch.over) == ("[DONE]", True)


ODD_FORMS = [
    b"data:\n\ndata: \n\n" + OPENAI,
    b"event: ping\ndata: {}\n\n" + OPENAI,
    b"event: ping\ndata: now\n\nevent: keep-alive\ndata: 1\n\n" + OPENAI,
    b"\xef\xbb\xbf: comment\n\nid: 1\nretry: 5\n" + OPENAI,
    OPENAI.replace(b"\r\n", b"\r"),
    OPENAI.replace(b"\r\n", b"\n"),
    OPENAI.replace(b"\r\n\r\n", b"\n"),
    OPENAI.replace(b", ", b",\r\ndata: "),
]


@pytest.mark.parametrize("body", ODD_FORMS, ids=lambda body: ascii(body)[:40])
def test_all_forms_of_a_stream_say_the_same(body: bytes) -> None:
    """Signs of life, all line ends, one event in several lines, and lines of which each is an event."""
    for size in (1, 7, len(body)):
        events: deque[Json] = deque()
        watch = StreamWatch(WIRES["openai_chat"], events)
        for start in range(0, len(body), size):
            watch.feed(body[start : start + size])
        assert (watch.malformed, watch.terminator, len(events)) == (False, "[DONE]", 2)
        assert WIRES["openai_chat"].usage_of(watch.usage) == Usage(9, 5)


def test_lines_without_blank_lines_between_them_are_handed_on_at_once() -> None:
    """A model's words are not to wait for the next ones."""
    events: deque[Json] = deque()
    watch = StreamWatch(WIRES["openai_chat"], events)
    watch.feed(b'data: {"a": 1}\n')
    assert list(events) == [{"a": 1}]
    watch.feed(b"data: [DONE]\n")
    assert watch.over


@pytest.mark.parametrize("data", [b"null", b"1", b"<html>", b'{"a": 1', b"[" * 100_000])
def test_what_is_no_event_is_malformed(data: bytes) -> None:
    """Unless its name says that it is a sign of life."""
    watch = StreamWatch(WIRES["openai_chat"])
    watch.feed(b"event: heartbeat\n" + sse(data))
    assert not watch.malformed
    watch.feed(sse(data))
    assert watch.malformed


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


LAST_WORDS: dict[str, tuple[str, list[Any], bool]] = {
    "after the finish": ("openai_chat", [{"choices": [{"finish_reason": "stop"}]}, {"usage": USED}], True),
    "with the finish": ("openai_chat", [{"choices": [{"finish_reason": "stop"}], "usage": USED}], True),
    "before the finish": ("openai_chat", [{"usage": USED}, {"choices": [{"finish_reason": "stop"}]}], False),
    "never": ("openai_chat", [{"choices": [{"finish_reason": "stop"}], "service_tier": "flex"}], False),
    "Claude's": ("anthropic", [{"type": "message_delta", "delta": {"stop_reason": "x"}, "usage": USED}], True),
    "Claude's first": ("anthropic", [{"type": "message_start", "message": {"usage": {"input_tokens": 9}}}], False),
    "Gemini's": ("gemini", [{"candidates": [{"finishReason": "STOP"}], "usageMetadata": USED}], True),
    "Gemini's first": ("gemini", [{"candidates": [{}], "usageMetadata": USED}], False),
    "Responses": ("openai_responses", [{"type": "response.completed", "response": {"usage": USED} | DONE}], True),
}


@pytest.mark.parametrize("case", LAST_WORDS)
def test_a_usage_is_the_bill_once_all_is_said(case: str) -> None:
    """An earlier one is of what had been said by then."""
    wire, events, is_bill = LAST_WORDS[case]
    watch = StreamWatch(WIRES[wire])
    watch.feed(sse(*events))
    assert watch.is_bill == is_bill


@pytest.mark.parametrize(("index", "finish"), [(0, "content_filter"), (None, "content_filter"), (1, "")])
def test_the_first_of_several_answers_decides_why_a_stream_ended(index: int | None, finish: str) -> None:
    """As of a whole answer."""
    watch = StreamWatch(WIRES["openai_chat"])
    watch.feed(sse({"choices": [{"index": index, "finish_reason": "content_filter"}]}))
    assert watch.finish == finish


@pytest.mark.parametrize(
    ("wire", "event", "error"),
    [
        ("openai_chat", {"object": "error", "message": "No.", "code": 500}, True),
        ("cohere", {"message": "No."}, True),
        ("anthropic", {"type": "message_start", "message": {"usage": {"input_tokens": 9}}}, False),
        ("openai_chat", {"choices": [{"delta": {"content": "message"}}], "message": None}, False),
    ],
)
def test_a_bare_message_is_an_error(wire: str, event: Any, error: bool) -> None:
    """No event of an answer has a text there."""
    watch = StreamWatch(WIRES[wire], deque())
    watch.feed(sse(event))
    assert bool(watch.error) == watch.over == error
    assert bool(watch.events) != error
