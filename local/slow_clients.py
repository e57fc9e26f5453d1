"""Bounds what a client may take, connection by connection: API Gateway does it on AWS, this where there is none.

Nothing here bounds an answer that a client reads, however long that takes.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Literal, override

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_TEXT: dict[str, object] = {
    "code": "request_timeout",
    "message": "The request did not arrive in time. Send it faster, or check the connection.",
    "type": "invalid_request_error",
    "param": None,
    "retryable": True,
    "request_id": None,
    "attempts": [],
}
_BODY = json.dumps({"error": _TEXT}, separators=(",", ":")).encode()
_ANSWER = (
    b"HTTP/1.1 408 Request Timeout\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\nconnection: close\r\n\r\n%s" % (len(_BODY), _BODY)
)
_INVALID = "Invalid HTTP request received."
_LOOK_S = 1.0

type _Part = Literal["headers", "body"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds: until the headers are there, until the whole body is, and without taking anything of an answer.

    `headers_bytes` may have come without an end of the headers.
    """

    headers_s: float = 30.0
    body_s: float = 120.0
    unread_s: float = 60.0
    headers_bytes: int = 64 * 1024


def bounded(bounds: Bounds) -> type[BoundedProtocol]:
    """The protocol with these bounds."""
    return type("Bounded", (BoundedProtocol,), {"bounds": bounds})


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's own, with bounds. A connection that waits for its next request is bounded by uvicorn itself."""

    bounds = Bounds()

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._late: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._timed: _Part | None = None
        self._part: _Part | None = "headers"
        self._head_bytes = 0
        self._watch()

    @override
    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._head_bytes = self._head_bytes + len(data) if self._part == "headers" else 0
        if self._head_bytes > self.bounds.headers_bytes and not self.transport.is_closing():
            self.send_400_response(_INVALID)
        self._watch()

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._part = "headers"

    @override
    def on_headers_complete(self) -> None:
        # The parser does not look, and proxies before us may.
        if self.parser.get_http_version() == "1.1" and sum(name == b"host" for name, _ in self.headers) != 1:
            raise ValueError("a request names its host once")
        super().on_headers_complete()
        self._part = "body"

    @override
    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._part = None

    @override
    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = self._unread or self.loop.call_later(_LOOK_S, self._look, self.loop.time())

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        self._unread = _cancelled(self._unread)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._late, self._unread = _cancelled(self._late), _cancelled(self._unread)
        super().connection_lost(exc)

    def _watch(self) -> None:
        """Time what the client is to send next; it begins with the first byte of it, or with the connection."""
        # What follows a request that is still answered is not read on: its client can do nothing for it.
        is_next = bool(self.pipeline) or (self._part == "headers" and self._is_answering)
        part = None if is_next else self._part
        if part == self._timed:
            return
        self._timed, self._late = part, _cancelled(self._late)
        if part:
            seconds = self.bounds.headers_s if part == "headers" else self.bounds.body_s
            self._late = self.loop.call_later(seconds, self._end)

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _end(self) -> None:
        """Say that it took too long, unless an answer has begun, and close."""
        self._late = None
        if self.transport.is_closing():
            return
        if self._timed == "headers" or not self.cycle.response_started:
            self.transport.write(_ANSWER)
        if self.cycle:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()

    def _look(self, since_s: float) -> None:
        """Give up a client that takes nothing, or to whom nothing more is written."""
        self._unread = None
        if self.transport.is_closing() or self.loop.time() - since_s >= self.bounds.unread_s:
            self.transport.abort()
        else:
            self._unread = self.loop.call_later(_LOOK_S, self._look, since_s)


def _cancelled(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    """No timer any more."""
    if timer:
        timer.cancel()
    return None
