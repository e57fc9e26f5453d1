"""Server-sent events are read as the standard says, however they are cut into pieces."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.wires.sse import SseReader


def read(*pieces: bytes) -> list[tuple[str, bytes]]:
    """All events of a body in these pieces."""
    reader = SseReader()
    return [event for piece in pieces for event in reader.feed(piece)] + reader.end()


def is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except ValueError:
        return False
    return True


BODIES: list[tuple[bytes, list[tuple[str, bytes]]]] = [
    (b"data: one\n\ndata: two\n\n", [("message", b"one"), ("message", b"two")]),
    (b"data:one\r\rdata:  two\r\r", [("message", b"one"), ("message", b" two")]),
    (b"data: one\r\n\r\ndata: two\r\n\r\n", [("message", b"one"), ("message", b"two")]),
    (b"data: a\ndata:\ndata: b\n\n", [("message", b"a\n\nb")]),
    (b"data: a\rdata: b\n\r\ndata: c\n\n", [("message", b"a\nb"), ("message", b"c")]),
    (b"\xef\xbb\xbfdata: one\n\n", [("message", b"one")]),
    (b"data: one\n\n\xef\xbb\xbfdata: two\n\n", [("message", b"one")]),
    (b": hello\n\n:\n\ndata: one\n: in between\ndata: two\n\n", [("message", b"one\ntwo")]),
    (b"event: ping\ndata: {}\n\ndata: one\n\n", [("ping", b"{}"), ("message", b"one")]),
    (b"data: one\nevent: late\n\n", [("late", b"one")]),
    (b"event: caf\xc3\xa9\ndata: 1\n\nevent: \xff\ndata: 2\n\n", [("café", b"1"), ("\N{REPLACEMENT CHARACTER}", b"2")]),
    (b"event: lost\n\ndata: one\n\n", [("message", b"one")]),
    (b"data:\n\ndata: \n\ndata\n\ndata:\ndata: \t \n\n", []),
    (b"id: 1\nretry: 10\nnonsense\nwhat: ever\n data: no\ndata: one\n\n", [("message", b"one")]),
    (b"data: one", [("message", b"one")]),
    (b"data: one\ndata: two", [("message", b"one\ntwo")]),
    (b"data: a:b\xe2\x80\xa8c\xc2\x85d\x0be\x0cf\n\n", [("message", b"a:b\xe2\x80\xa8c\xc2\x85d\x0be\x0cf")]),
    (b"\n\r\n\r\n", []),
    (b"\xef\xbb", []),
    (b"", []),
]


@pytest.mark.parametrize(("body", "events"), BODIES)
def test_a_body_is_read_as_the_standard_says(body: bytes, events: list[tuple[str, bytes]]) -> None:
    """In one piece, byte by byte, and with empty pieces between."""
    assert read(body) == events
    assert read(*(bytes([byte]) for byte in body)) == events
    assert read(*itertools.chain.from_iterable((bytes([byte]), b"") for byte in body)) == events


LINES = st.sampled_from(
    [b"data: 1", b"data:{", b"data: }", b"data:", b"data", b"event: e", b": c", b"id: 1", b"", b"", b"\xef\xbb\xbf"]
)
ENDS = st.sampled_from([b"\n", b"\r", b"\r\n"])


@given(data=st.data(), lines=st.lists(st.tuples(LINES, ENDS), max_size=12), last=LINES)
def test_pieces_do_not_matter(data: st.DataObject, lines: list[tuple[bytes, bytes]], last: bytes) -> None:
    """Nor do the kinds of line ends, in any order."""
    body = b"".join(line + end for line, end in lines) + last
    cuts = sorted(data.draw(st.sets(st.integers(0, len(body)), max_size=8)) | {0, len(body)})
    assert read(*(body[start:end] for start, end in itertools.pairwise(cuts))) == read(body)


def test_an_event_comes_as_soon_as_its_blank_line_does() -> None:
    """And a CR is the end of a line, whether or not an LF will follow."""
    reader = SseReader()
    assert reader.feed(b"data: one\n") == []
    assert reader.feed(b"\ndata: two\r") == [("message", b"one")]
    assert reader.feed(b"\r") == [("message", b"two")]
    assert reader.feed(b"\n") == []


def test_lines_that_are_whole_wait_for_no_blank_line() -> None:
    """Where the caller can tell: what follows such a line cannot belong to it."""
    reader = SseReader(is_json)
    assert reader.feed(b"data: {}\ndata: [1]\ndata: 2") == [("message", b"{}"), ("message", b"[1]")]
    assert reader.feed(b"\n") == [("message", b"2")]
    assert reader.feed(b"\ndata: {\ndata: }\ndata: 3\n") == []
    assert reader.feed(b"\n") == [("message", b"{\n}\n3")]


def test_only_lines_that_could_go_on_are_asked_about() -> None:
    """Asking costs as much as decoding, and nearly all events have their blank line with them."""
    asked: list[bytes] = []
    reader = SseReader(lambda data: bool(asked.append(data)))
    reader.feed(b"data: 1\n\ndata: 2\n\n: c\n")
    assert asked == []
    reader.feed(b"data: 3\n")
    reader.feed(b": c\n")
    assert asked == [b"3"]


@pytest.mark.parametrize(
    "piece", [b"data: xxxxxxxxx\n\n", b"data: xxxxxxxxx", b"data: xxxx\ndata: xxxx\n\ndata: 1\n\n", b"xxxxxxxxx"]
)
def test_an_event_that_is_too_long_is_the_last(piece: bytes) -> None:
    """Those before it are given, and nothing of it is kept."""
    reader = SseReader(longest=8)
    found = [event for part in (b"data: 1234567\n\n", piece, b"\n\ndata: 1\n\n") for event in reader.feed(part)]
    assert (found, reader.too_long, reader.end()) == ([("message", b"1234567")], True, [])
    assert (reader._open, reader._data) == (b"", [])


def test_a_long_line_in_small_pieces_costs_no_more_than_its_length() -> None:
    """Two megabytes in pieces of 256 bytes grow in place: copying the line with each of them would take seconds."""
    reader = SseReader()
    reader.feed(b"x" * 256)
    line = reader._open
    for _ in range(8191):
        reader.feed(b"x" * 256)
    assert reader._open is line
    assert len(line) == 8192 * 256
