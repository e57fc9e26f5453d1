"""Reads AWS's binary event streams as their bytes arrive, in pieces of any size.

Format: https://smithy.io/2.0/aws/amazon-eventstream.html. A frame has its length, that of its headers and a checksum of
both (4 bytes each, big-endian), headers, a payload, and a checksum of all that.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from zlib import crc32

from gateway_core.wires.sse import LONGEST_EVENT, Event

EVENT_STREAM = "application/vnd.amazon.eventstream"
_PRELUDE = struct.Struct(">III")
_CHECKSUM = struct.Struct(">I")
_STRING = 7
_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of a header's value by its type; 6 and 7 say themselves how long they are."""
_LENGTHED = frozenset({6, _STRING})
_NO_EVENT: Event = ("", b"")
"""What every reader of events takes for something that is none."""


class BrokenFrameError(Exception):
    """These bytes are no frame."""


class FrameReader:
    """Takes a body's bytes and gives its events, as `SseReader` does: a name, and a JSON object as bytes.

    An event's object is its payload, with the event's type under `type`; an exception is `{"error": {"type",
    "message"}}`. Of what is no frame comes one event without data, and nothing after it.
    """

    __slots__ = ("_broken", "_longest", "_open", "too_long")

    def __init__(self, longest: int = LONGEST_EVENT) -> None:
        self.too_long = False
        """Whether a frame was longer than allowed."""
        self._longest = longest
        self._open = bytearray()
        self._broken = False

    def feed(self, piece: bytes) -> list[Event]:
        """The events that `piece` completes."""
        self._open += piece
        events: list[Event] = []
        try:
            while frame := self._next():
                events.append(_event(*_read(frame)))
        except BrokenFrameError:
            self._broken = True
            events.append(_NO_EVENT)
        return events

    def end(self) -> list[Event]:
        """A frame that is not whole at the end of the body is none."""
        return [_NO_EVENT] if self._open and not self._broken and not self.too_long else []

    def _next(self) -> bytes:
        """The next frame, its prelude checked; empty until it is whole."""
        if self._broken or self.too_long or len(self._open) < _PRELUDE.size:
            return b""
        length, head, checksum = _PRELUDE.unpack_from(self._open)
        if crc32(self._open[: _PRELUDE.size - _CHECKSUM.size]) != checksum:
            raise BrokenFrameError
        if head + _PRELUDE.size + _CHECKSUM.size > length:
            raise BrokenFrameError
        if length > self._longest:
            self.too_long, self._open = True, bytearray()
        if self.too_long or len(self._open) < length:
            return b""
        frame = bytes(self._open[:length])
        del self._open[:length]
        return frame


def _read(frame: bytes) -> tuple[dict[str, str], bytes]:
    """Its headers that are texts, and its payload."""
    body, (checksum,) = frame[: -_CHECKSUM.size], _CHECKSUM.unpack(frame[-_CHECKSUM.size :])
    if crc32(body) != checksum:
        raise BrokenFrameError
    begin = _PRELUDE.size
    end = begin + _PRELUDE.unpack_from(frame)[1]
    return dict(_headers(body[begin:end])), body[end:]


def _headers(data: bytes) -> Iterator[tuple[str, str]]:
    at = 0
    try:
        while at < len(data):
            name_end = at + 1 + data[at]
            kind, begin = data[name_end], name_end + 1
            if kind in _LENGTHED:
                size, begin = int.from_bytes(data[begin : begin + 2]), begin + 2
            else:
                size = _SIZES[kind]
            if kind == _STRING:
                yield data[at + 1 : name_end].decode(), data[begin : begin + size].decode()
            at = begin + size
    except (IndexError, KeyError, UnicodeDecodeError):
        raise BrokenFrameError from None


def _event(headers: dict[str, str], payload: bytes) -> Event:
    match headers.get(":message-type"):
        case "event":
            kind = headers.get(":event-type", "")
            return kind, _with_type(payload.strip() or b"{}", kind)
        case "exception":
            return "error", _error(headers.get(":exception-type", ""), _message(payload))
        case "error":
            return "error", _error(headers.get(":error-code", ""), headers.get(":error-message", ""))
        case _:
            raise BrokenFrameError


def _with_type(payload: bytes, kind: str) -> bytes:
    """Without decoding it, which is the reader's; what is no object stays what it is."""
    if not (payload.startswith(b"{") and payload.endswith(b"}")):
        return payload
    inner = payload[1:-1].strip()
    return b"{" + inner + (b"," if inner else b"") + b'"type":' + json.dumps(kind).encode() + b"}"


def _error(kind: str, message: str) -> bytes:
    return json.dumps({"error": {"type": kind or "unknown", "message": message}}).encode()


def _message(payload: bytes) -> str:
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError):
        return ""
    message = found.get("message") if isinstance(found, dict) else None
    return message if isinstance(message, str) else ""
