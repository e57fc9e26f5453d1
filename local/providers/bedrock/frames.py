"""AWS's binary event streams: https://smithy.io/2.0/aws/amazon-eventstream.html."""

from __future__ import annotations

import struct
from zlib import crc32

from local.providers.model import Json
from local.providers.wire import dumps

_STRING = 7


def event(kind: str, data: Json) -> bytes:
    """A frame with an event."""
    return frame({":event-type": kind, ":content-type": "application/json", ":message-type": "event"}, dumps(data))


def exception(kind: str, message: str) -> bytes:
    """A frame that ends a stream."""
    headers = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}
    return frame(headers, dumps({"message": message}))


def frame(headers: dict[str, str], payload: bytes) -> bytes:
    """One message with its two checksums."""
    head = b"".join(_header(name.encode(), value.encode()) for name, value in headers.items())
    prelude = struct.pack(">II", len(head) + len(payload) + 16, len(head))
    message = prelude + struct.pack(">I", crc32(prelude)) + head + payload
    return message + struct.pack(">I", crc32(message))


def _header(name: bytes, value: bytes) -> bytes:
    return struct.pack(">B", len(name)) + name + struct.pack(">BH", _STRING, len(value)) + value
