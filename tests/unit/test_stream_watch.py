"""A watched stream gives up its real end and its last usage, however it is cut into pieces."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.adapters.litellm.usage import usage_of
from gateway_core.adapters.litellm.watch import StreamWatch
from gateway_core.adapters.litellm.wire import Wire
from gateway_core.domain import Usage


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
STREAMS: list[tuple[Wire, bytes, str, Usage]] = [
    ("anthropic", ANTHROPIC, "message_stop", Usage(13, 5, 4)),
    ("openai", OPENAI, "[DONE]", Usage(9, 5)),
    ("responses", RESPONSES, "response.completed", Usage(9, 5)),
    ("gemini", GEMINI, "stop", Usage(9, 5)),
]


@pytest.mark.parametrize(("wire", "stream", "terminator", "usage"), STREAMS)
@given(data=st.data())
def test_end_and_usage_are_found_in_any_pieces(
    wire: Wire, stream: bytes, terminator: str, usage: Usage, data: st.DataObject
) -> None:
    """Chunk borders do not matter."""
    watch = StreamWatch(wire)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=8)) | {0, len(stream)})
    for start, end in itertools.pairwise(cuts):
        watch.feed(stream[start:end])
    assert watch.terminator == terminator
    assert usage_of(wire, watch.usage) == usage


@pytest.mark.parametrize(("wire", "stream", "terminator", "usage"), STREAMS)
def test_a_cut_stream_has_no_end(wire: Wire, stream: bytes, terminator: str, usage: Usage) -> None:
    """Without its last event a stream is not whole, whatever the HTTP framing said."""
    watch = StreamWatch(wire)
    watch.feed(stream[: stream.rstrip().rfind(b"data:")])
    assert watch.terminator == ""


@pytest.mark.parametrize("wire", ["anthropic", "gemini", "openai", "responses"])
def test_an_error_event_is_kept(wire: Wire) -> None:
    """The first error that a stream reports is there to be classified; broken events are passed over."""
    watch = StreamWatch(wire)
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    watch.feed(sse(b'{"error": ', error, {"type": "error", "error": {"type": "api_error"}}))
    assert watch.error == error
    assert watch.terminator == ""


def test_a_blocked_gemini_prompt_ends_its_stream() -> None:
    """A refusal is an end as well."""
    watch = StreamWatch("gemini")
    watch.feed(sse({"promptFeedback": {"blockReason": "SAFETY"}}))
    assert watch.terminator == "content_filter"
