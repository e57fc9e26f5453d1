"""Bounds how long a client may take, connection by connection: API Gateway does it on AWS, this where there is none.

Nothing here bounds an answer that a client reads, however long that takes.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any, Literal, override

from local.joined import joined


def answer_of(status: str, content_type: str, body: bytes) -> bytes:
    """All of an answer behind which the connection closes."""
    head = f"HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {len(body)}\r\nconnection: close"
    return head.encode() + b"\r\n\r\n" + body


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
_ANSWER = answer_of("408 Request Timeout", "application/json", _BODY)
_LOOK_S = 1.0

type Part = Literal["headers", "body"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds: until the headers are there, until the whole body is, and without taking anything of an answer."""

    headers_s: float = 30.0
    body_s: float = 120.0
    unread_s: float = 60.0


class Timed(asyncio.Protocol):
    """Timers before one of uvicorn's protocols, which bounds a connection that waits for its next request by itself.

    Who inherits has them look (`watch`) whenever what the client is to send next may have become something else.
    """

    bounds = Bounds()
    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    cycle: Any
    """uvicorn's, of the last request: there are two classes of it; None before the first."""
    timeout_keep_alive: int
    timeout_keep_alive_task: asyncio.TimerHandle | None

    def awaited(self) -> Part | None:
        """What of a request the client is to send next; it begins with the first byte of it, or with the connection."""
        raise NotImplementedError

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(joined(transport, self.loop))
        self._late: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._part: Part | None = None
        self.watch()

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
        self.untimed()
        super().connection_lost(exc)
        # uvicorn leaves it where the client reset the connection, and all of the last request with it.
        self.timeout_keep_alive_task = _cancelled(self.timeout_keep_alive_task)

    def watch(self) -> None:
        """Time what the client is to send next."""
        part = self.awaited()
        if part == self._part:
            return
        self._part, self._late = part, _cancelled(self._late)
        if part:
            seconds = self.bounds.headers_s if part == "headers" else self.bounds.body_s
            self._late = self.loop.call_later(seconds, self._time_out)
        elif self._is_idle():
            self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.transport.close)

    def _is_idle(self) -> bool:
        """Whether it waits for its next request, untimed: uvicorn forgets it where the answer came before the body."""
        is_answered = self.cycle is not None and self.cycle.response_complete
        return is_answered and not self.timeout_keep_alive_task

    def untimed(self) -> float | None:
        """Time nothing any more. When what the client is to send next would have been late, in the loop's time."""
        by_s = self._late.when() if self._late else None
        self._late, self._unread = _cancelled(self._late), _cancelled(self._unread)
        return by_s

    def timed_to(self, by_s: float) -> None:
        """What is awaited now is late then."""
        if self._late:
            self._late.cancel()
            self._late = self.loop.call_at(by_s, self._time_out)

    def end(self, answer: bytes) -> None:
        """Answer so to what is no whole request, and close. The app hears that the client is gone."""
        if self.cycle:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.write(answer)
        self.transport.close()

    def _time_out(self) -> None:
        """Say that it took too long, unless an answer has begun, and close."""
        self._late = None
        if not self.transport.is_closing():
            is_unanswered = self._part == "headers" or not self.cycle.response_started
            self.end(_ANSWER if is_unanswered else b"")

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
