"""Server-sent events: kept alive in silence, ended when the caller leaves."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any, override

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway_core.api.disconnect import left
from gateway_core.wires.shapes import sendable_json

HEARTBEAT_S = 15.0
HEARTBEAT = b": keep-alive\n\n"
HEADERS = {"cache-control": "no-cache, no-transform", "x-accel-buffering": "no"}

_LINE_ENDS = {ord(mark): f"\\u{ord(mark):04x}" for mark in "\x85\u2028\u2029"}
"""No ends of lines in server-sent events, but many clients split there, as Python's `str.splitlines` does. All others
that it knows JSON escapes by itself."""

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
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return (text if text.isascii() else text.translate(_LINE_ENDS)).encode()


async def with_heartbeat(events: Events, interval_s: float) -> Events:
    """The events, with a comment for every interval of silence. Closes `events` when it is closed."""
    waiting = asyncio.ensure_future(anext(events))
    try:
        while True:
            done, _pending = await asyncio.wait({waiting}, timeout=interval_s)
            if not done:
                yield HEARTBEAT
                continue
            try:
                ready = waiting.result()
            except StopAsyncIteration:
                return
            yield ready
            waiting = asyncio.ensure_future(anext(events))
    finally:
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
            await waiting
        await events.aclose()


class EventStream(Response):
    """Sends events as they come; when the client disconnects, it closes their source."""

    media_type = "text/event-stream"

    def __init__(self, events: Events, headers: Mapping[str, str], heartbeat_s: float = HEARTBEAT_S) -> None:
        super().__init__(headers={**HEADERS, **headers})
        del self.headers["content-length"]
        self._events = with_heartbeat(events, heartbeat_s)

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending = asyncio.ensure_future(self._send(send))
        leaving = asyncio.ensure_future(left(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            if not sending.done():
                sending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sending

    async def _send(self, send: Send) -> None:
        async with contextlib.aclosing(self._events):
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async for part in self._events:
                await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
