"""AWS's binary event streams: read as AWS's own reader does, whatever the pieces, and never past what is broken."""

from __future__ import annotations

import json
import struct
from itertools import pairwise, starmap
from zlib import crc32

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.wires.frames import FrameReader
from local.providers.bedrock.frames import event, exception, frame

HEARD = event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Hi"}})
STREAM = HEARD + event("empty", {}) + exception("throttlingException", "Slow down.")
READ = [
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Hi"}, "type": "contentBlockDelta"}),
    ("empty", {"type": "empty"}),
    ("error", {"error": {"type": "throttlingException", "message": "Slow down."}}),
]
BROKEN = [("", b"")]


def with_headers(head: bytes, payload: bytes = b"{}") -> bytes:
    """A frame with these bytes for headers."""
    prelude = struct.pack(">II", len(head) + len(payload) + 16, len(head))
    message = prelude + struct.pack(">I", crc32(prelude)) + head + payload
    return message + struct.pack(">I", crc32(message))


@given(st.lists(st.integers(0, len(STREAM)), max_size=6))
def test_it_reads_what_awss_own_reader_does(cuts: list[int]) -> None:
    """Cut anywhere."""
    edges = [0, *sorted(cuts), len(STREAM)]
    pieces = [STREAM[begin:end] for begin, end in pairwise(edges)]
    reader, theirs = FrameReader(), EventStreamBuffer()
    found = [(name, json.loads(data)) for piece in pieces for name, data in reader.feed(piece)]
    theirs.add_data(STREAM)
    assert found == READ
    assert reader.end() == []
    payloads = [json.loads(message.payload) for message in theirs]
    assert payloads == [{"contentBlockIndex": 0, "delta": {"text": "Hi"}}, {}, {"message": "Slow down."}]


@pytest.mark.parametrize(
    ("headers", "payload", "error"),
    [
        ({":message-type": "error", ":error-code": "Internal", ":error-message": "Oh."}, b"", ("Internal", "Oh.")),
        ({":message-type": "exception", ":exception-type": "x"}, b"no json", ("x", "")),
        ({":message-type": "exception"}, b'{"message": 1}', ("unknown", "")),
        ({":message-type": "exception", ":exception-type": "x"}, b"[]", ("x", "")),
    ],
)
def test_errors(headers: dict[str, str], payload: bytes, error: tuple[str, str]) -> None:
    """Of both kinds, with a text or without."""
    ((_, data),) = FrameReader().feed(frame(headers, payload))
    assert json.loads(data) == {"error": {"type": error[0], "message": error[1]}}


def test_headers_of_other_types_are_passed_over() -> None:
    """Numbers, flags, bytes, times and ids."""
    sized = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
    others = b"".join(starmap(lambda kind, size: b"\x01a" + bytes([kind]) + b"\0" * size, sized.items()))
    texts = b"\x01b\x06\x00\x02xy" + b"\x0d:message-type\x07\x00\x05event" + b"\x0b:event-type\x07\x00\x01e"
    assert FrameReader().feed(with_headers(others + texts)) == [("e", b'{"type":"e"}')]


@pytest.mark.parametrize(
    "stream",
    [
        HEARD[:3] + b"\xff" + HEARD[4:],
        HEARD[:-1] + bytes([HEARD[-1] ^ 1]),
        struct.pack(">III", 12, 8, crc32(struct.pack(">II", 12, 8))),
        with_headers(b"\x01a\x0f"),
        with_headers(b"\x09short"),
        with_headers(b"\x01\xff\x07\x00\x00"),
        frame({":message-type": "other"}, b"{}"),
        b"data: {}\n\ndata: {}\n\n",
    ],
    ids=["prelude", "checksum", "lengths", "type of header", "short header", "name", "type of message", "no frame"],
)
def test_what_is_no_frame_ends_it(stream: bytes) -> None:
    """One event that is none, and nothing of what follows."""
    reader = FrameReader()
    assert reader.feed(stream) == BROKEN
    assert reader.feed(HEARD) == []
    assert reader.end() == []


def test_a_payload_that_is_no_object_stays_as_it_is() -> None:
    """Whoever decodes it sees it."""
    headers = {":message-type": "event", ":event-type": "e"}
    assert FrameReader().feed(frame(headers, b"[1]")) == [("e", b"[1]")]


def test_half_a_frame_at_the_end() -> None:
    """Is none; and one that is too long is not waited for."""
    reader = FrameReader()
    assert reader.feed(HEARD[:-1]) == []
    assert reader.end() == BROKEN
    short = FrameReader(longest=20)
    assert (short.feed(HEARD), short.too_long, short.feed(HEARD), short.end()) == ([], True, [], [])
