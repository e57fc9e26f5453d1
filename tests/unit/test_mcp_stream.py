"""Events as they arrive, and pieces gathered into progress."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.api.sse import HEARTBEAT, event
from gateway_core.mcp_front.deltas import LONGEST_WAIT_S, MOST_CHARACTERS, Deltas
from gateway_core.mcp_front.report import describe_broken
from gateway_core.mcp_front.sse import EventReader, SseEvent

STREAM = HEARTBEAT + event({"delta": "grüß ", "index": 0}, "chunk") + HEARTBEAT + event({"a": "b: c"}, "done")
EVENTS = [SseEvent("chunk", {"delta": "grüß ", "index": 0}), SseEvent("done", {"a": "b: c"})]


@given(st.lists(st.integers(min_value=0, max_value=len(STREAM)), max_size=10))
def test_events_survive_any_portions(cuts):
    """Also when a character or a line is cut in two."""
    edges = [0, *sorted(cuts), len(STREAM)]
    reader = EventReader()
    parts = [STREAM[start:end] for start, end in pairwise(edges)]
    assert [found for part in parts for found in reader.feed(part)] == EVENTS


@pytest.mark.parametrize("data", [b"data: {\n\n", b"data: [1]\n\n", b"data: [DONE]\n\n"])
def test_other_data_is_refused(data):
    """Only objects are ours."""
    with pytest.raises(ValueError, match=r".+"):
        list(EventReader().feed(data))


def test_an_event_without_a_name_is_a_message():
    """As the format says; lines that are no fields are passed over."""
    assert list(EventReader().feed(b"id\nretry: 5\ndata: {}\n\n\n\n")) == [SseEvent("message", {})]


def test_pieces_wait_until_there_is_enough():
    """The first at once, then by time or size, and the rest at the end."""
    deltas = Deltas()
    assert deltas.push("a", 0.0) == "a"
    assert deltas.push("b", 0.01) == ""
    assert deltas.push("c", LONGEST_WAIT_S) == "bc"
    assert deltas.push("x" * MOST_CHARACTERS, 0.2) == "x" * MOST_CHARACTERS
    assert deltas.push("d", 0.21) == ""
    assert (deltas.flush(), deltas.flush()) == ("d", "")


def test_a_broken_stream_tells_what_it_used():
    """Code, reason, next step, usage; nothing that is not ours."""
    usage = {"usage": {"total_tokens": 7}, "cost": {"total_usd": "0.1"}}
    error = {"code": "provider_error", "message": "It broke off."}
    told = describe_broken({"error": {**error, **usage}})
    assert told.startswith("provider_error: It broke off. Try again")
    assert told.endswith("used so far: 7 tokens, 0.1 USD.")
    assert "used so far" not in describe_broken({"error": error})
    assert describe_broken({"error": None}).startswith("internal_error")
    assert json.dumps(error) not in told
