"""Server-sent events: kept alive in silence, ended when the caller leaves."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any, override

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from gateway_core.api.disconnect import left
from gateway_core.waiting import leave, outlive, was_left
from gateway_core.wires.shapes import sendable_json

HEARTBEAT_S = 15.0
UNREAD_S = 5.0
"""How long a client that does not read may still take what was to be sent when the time was over."""
HEARTBEAT = b": keep-alive\n\n"
HEADERS = {"cache-control": "no-cache, no-transform", "x-accel-buffering": "no"}

_LINE_ENDS = {ord(mark): f"\\u{ord(mark):04x}" for mark in "\x85\u2028\u2029"}
"""No ends of lines in server-sent events, but many clients split there, as Python's `str.splitlines` does. All others
that it knows JSON escapes by itself."""

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
"""`json.dumps` makes one for each event."""

type Events = AsyncGenerator[bytes]


def event(data: Mapping[str, Any] | str, name: str | None = None, event_id: str | None = None) -> bytes:
    """One event. Data is JSON, or a word such as OpenAI's `[DONE]`; an id is what a client resumes from."""
    head = (f"id: {event_id}\n" if event_id else "") + (f"event: {name}\n" if name else "")
    return b"%bdata: %b\n\n" % (head.encode(), data.encode() if isinstance(data, str) else _json(data))


def _json(data: Mapping[str, Any]) -> bytes:
    try:
        return _encoded(data)
    except ValueError:  # a provider's event with half a character, or a number that is none
        return _encoded(sendable_json(data))


def _encoded(data: Mapping[str, Any]) -> bytes:
    text = _ENCODER.encode(data)
    return (text if text.isascii() else text.translate(_LINE_ENDS)).encode()


class EventStream(Response):
    """Sends events as they come, and a comment for every interval of silence.

    When the client disconnects, it closes their source. So it does a little after `longest_s`, by which the source ends
    unless the client does not read.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        events: Events,
        headers: Mapping[str, str],
        heartbeat_s: float = HEARTBEAT_S,
        longest_s: float | None = None,
    ) -> None:
        super().__init__(headers={**HEADERS, **headers})
        del self.headers["content-length"]
        self._events = events
        self._heartbeat_s = heartbeat_s
        self._longest_s = None if longest_s is None else longest_s + UNREAD_S

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        line = _Line(send, self._heartbeat_s)
        sending = asyncio.create_task(self._send(line))
        beating = asyncio.ensure_future(line.beat())
        leaving = asyncio.ensure_future(left(receive))
        has_left = False
        try:
            await asyncio.wait(
                {sending, beating, leaving}, timeout=self._longest_s, return_when=asyncio.FIRST_COMPLETED
            )
            has_left = leaving.done()
        except asyncio.CancelledError as cancelled:
            has_left = was_left(cancelled)
            raise
        finally:
            beating.cancel()
            leaving.cancel()
            (leave if has_left else asyncio.Task.cancel)(sending)
            await outlive(sending)
            await asyncio.wait({beating, leaving})
            for task in (sending, beating):  # either raises what the connection did
                with contextlib.suppress(asyncio.CancelledError):
                    task.result()

    async def _send(self, line: _Line) -> None:
        async with contextlib.aclosing(self._events):
            await line.send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async for part in self._events:
                await line.send(_body(part))
        await line.send({"type": "http.response.body", "body": b"", "more_body": False})


class _Line:
    """The way to the client. One message at a time; who keeps it alive needs no task for each event."""

    def __init__(self, send: Send, interval_s: float) -> None:
        self._send = send
        self._interval_s = interval_s
        self._clock = asyncio.get_running_loop().time
        self._turn = asyncio.Lock()
        self._sent_s = self._clock()

    async def send(self, message: Message) -> None:
        async with self._turn:
            await self._send(message)
            self._sent_s = self._clock()

    async def beat(self) -> None:
        """Runs until it is cancelled. Raises what sending raises."""
        while True:
            await asyncio.sleep(self._left_s)
            async with self._turn:
                if self._left_s <= 0:  # nothing was sent meanwhile
                    await self._send(_body(HEARTBEAT))
                    self._sent_s = self._clock()

    @property
    def _left_s(self) -> float:
        """How much longer it may be silent."""
        return self._sent_s + self._interval_s - self._clock()


def _body(part: bytes) -> Message:
    return {"type": "http.response.body", "body": part, "more_body": True}
