"""The framing of InvokeWithResponseStream's answer: `application/vnd.amazon.eventstream`.

Total length, length of the headers, CRC of both; the headers; the payload; CRC of all (all big-endian, 32 bits).
"""

from __future__ import annotations

import binascii
import json
import struct
from typing import Any

CONTENT_TYPE = "application/vnd.amazon.eventstream"
_STRING = 7
_OVERHEAD = 16


def payload_chunk(data: bytes) -> bytes:
    """Bytes of the answer."""
    return _frame("PayloadChunk", "application/octet-stream", data)


def invoke_complete(error: str | None, details: str | None) -> bytes:
    """The end of the answer."""
    document: dict[str, Any] = {"ErrorCode": error, "ErrorDetails": details, "LogResult": None}
    known = {name: value for name, value in document.items() if value is not None}
    return _frame("InvokeComplete", "application/json", json.dumps(known).encode())


def _frame(event: str, content_type: str, payload: bytes) -> bytes:
    names = {":event-type": event, ":content-type": content_type, ":message-type": "event"}
    headers = b"".join(_header(name, value) for name, value in names.items())
    sizes = struct.pack(">II", _OVERHEAD + len(headers) + len(payload), len(headers))
    message = sizes + struct.pack(">I", binascii.crc32(sizes)) + headers + payload
    return message + struct.pack(">I", binascii.crc32(message))


def _header(name: str, value: str) -> bytes:
    return struct.pack(">B", len(name)) + name.encode() + struct.pack(">BH", _STRING, len(value)) + value.encode()
