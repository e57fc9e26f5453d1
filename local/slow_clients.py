"""Bounds how long a client may take, connection by connection: API Gateway does it on AWS, this where there is none.

Nothing here bounds an answer that a client reads, however long that takes.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import override

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from local.joined import JoinedTransport

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
_HEADERS = [
    (b"content-type", b"application/json"),
    (b"content-length", b"%d" % len(_BODY)),
    (b"connection", b"close"),
]
_ANSWER = (
    h11.Response(status_code=408, headers=_HEADERS, reason=b"Request Timeout"),
    h11.Data(data=_BODY),
    h11.EndOfMessage(),
)
_LOOK_S = 1.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds: until the headers are there, until the whole body is, and without taking anything of an answer."""

    headers_s: float = 30.0
    body_s: float = 120.0
    unread_s: float = 60.0


def bounded(bounds: Bounds) -> type[BoundedProtocol]:
    """The protocol with these bounds."""
    return type("Bounded", (BoundedProtocol,), {"bounds": bounds})


class BoundedProtocol(H11Protocol):
    """uvicorn's own, with timers. A connection that waits for its next request is bounded by uvicorn itself.

    By h11: of a POST that asks for HTTP/2, as Java's client does, httptools gives no body.
    """

    bounds = Bounds()

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(JoinedTransport(transport, self.loop))
        self._late: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._phase: str | None = None
        self._watch()

    @override
    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

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
        state = self.conn.their_state
        is_first = self.cycle is None
        has_begun = is_first or bool(self.conn.trailing_data[0])
        phase = "headers" if state is h11.IDLE and has_begun else "body" if state is h11.SEND_BODY else None
        if phase == self._phase:
            return
        self._phase, self._late = phase, _cancelled(self._late)
        if phase:
            seconds = self.bounds.headers_s if phase == "headers" else self.bounds.body_s
            self._late = self.loop.call_later(seconds, self._end)

    def _end(self) -> None:
        """Say that it took too long, unless an answer has begun, and close."""
        self._late = None
        if self.transport.is_closing():
            return
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            for event in _ANSWER:
                self.transport.write(self.conn.send(event) or b"")
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
