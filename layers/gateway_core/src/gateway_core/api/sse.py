"""Server-sent events: kept alive in silence, ended when the caller leaves."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any, override

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from gateway_core.api.disconnect import left
from gateway_core.waiting import calm, leave, outlive, stop, was_left, was_stopped
from gateway_core.wires.shapes import sendable_json

HEARTBEAT_S = 15.0
UNREAD_S = 5.0
"""How long a client may take for a message once the time is over: one that does not read is not waited for."""
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
    body = data.encode() if isinstance(data, str) else _json(data)
    if name is None and event_id is None:
        return b"data: %b\n\n" % body
    head = (f"id: {event_id}\n" if event_id else "") + (f"event: {name}\n" if name else "")
    return b"%bdata: %b\n\n" % (head.encode(), body)


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

    When the client disconnects, it closes their source. So it does once `longest_s` are over and the client does not
    read. For one that reads, the source may be late: it ends by itself, after its books are closed, and says how. When
    the process ends, the source is stopped, and may say that too.
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
        self._longest_s = longest_s

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        line = _Line(send, self._heartbeat_s)
        sending = asyncio.create_task(self._send(line))
        beating = asyncio.ensure_future(line.beat())
        leaving = asyncio.ensure_future(left(receive))
        end: Callable[[asyncio.Task[None]], object] = asyncio.Task.cancel
        try:
            await self._end(line, {sending, beating, leaving})
            end = leave if leaving.done() else end
        except asyncio.CancelledError as cancelled:
            end = stop if was_stopped(cancelled) else leave if was_left(cancelled) else end
            if end is not stop:
                raise
            calm()  # the source says it, as its last event
        finally:
            beating.cancel()
            leaving.cancel()
            end(sending)
            await outlive(sending)
            await asyncio.wait({beating, leaving})
            for task in (sending, beating):  # either raises what the connection did
                with contextlib.suppress(asyncio.CancelledError):
                    task.result()

    async def _end(self, line: _Line, tasks: set[asyncio.Future[None]]) -> None:
        """Returns once one of `tasks` has ended, or the client did not take a message for too long."""
        left_s = None if self._longest_s is None else self._longest_s + UNREAD_S
        end_s = line.now_s() + (self._longest_s or 0)
        while not (await asyncio.wait(tasks, timeout=left_s, return_when=asyncio.FIRST_COMPLETED))[0]:
            left_s = max(end_s, line.idle_s) + UNREAD_S - line.now_s()
            if left_s <= 0:
                return

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
        self.now_s = asyncio.get_running_loop().time
        self._is_busy = False
        self._beating = asyncio.Lock()
        self._begun_s = self._sent_s = self.now_s()

    async def send(self, message: Message) -> None:
        if self._is_busy:
            async with self._beating:
                pass
        self._is_busy, self._begun_s = True, self.now_s()
        try:
            await self._send(message)
        finally:
            self._is_busy = False
        self._sent_s = self.now_s()

    async def beat(self) -> None:
        """Runs until it is cancelled. Raises what sending raises."""
        while True:
            await asyncio.sleep(self._interval_s if self._is_busy else self._left_s)
            if self._left_s <= 0 and not self._is_busy:  # nothing was sent meanwhile, nor is
                async with self._beating:
                    await self.send(_body(HEARTBEAT))

    @property
    def idle_s(self) -> float:
        """When there last was no message under way: now, or when the one that is was begun."""
        return self._begun_s if self._is_busy else self.now_s()

    @property
    def _left_s(self) -> float:
        """How much longer it may be silent."""
        return self._sent_s + self._interval_s - self.now_s()


def _body(part: bytes) -> Message:
    return {"type": "http.response.body", "body": part, "more_body": True}
