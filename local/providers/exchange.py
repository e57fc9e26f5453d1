"""One HTTP exchange at the level where faults happen: writes, waits, hang-ups and resets.

ASGI has no word for closing a connection halfway, so those reach for the server's transport, which uvicorn's `receive`
(a bound method of its request cycle) leads to.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from local.providers.model import Reply, Request

LOOK_S = 0.1
"""How often a waiting exchange looks whether the server shuts down: uvicorn tells nobody before all answers ended."""
_NO_LINGER = struct.pack("ii", 1, 0)


class Gone(Exception):
    """The client left, or the server is going down."""


class SimulatedExchange:
    """Wraps one call of the ASGI app. After `watch()`, every wait ends with Gone when nobody is there any more."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._cycle: Any = getattr(receive, "__self__", None)
        self._gone = asyncio.Event()
        self._watcher: asyncio.Task[None] | None = None

    async def request(self) -> Request:
        """Read the whole request. Raises Gone if the client leaves before its end."""
        parts = []
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise Gone
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)
        return _request(self._scope, b"".join(parts))

    async def reply(self, reply: Reply) -> None:
        """Send a whole answer."""
        await self.start(reply.status, reply.content_type, reply.headers, length=len(reply.body))
        await self._send({"type": "http.response.body", "body": reply.body})

    async def start(
        self, status: int, content_type: str, headers: Iterable[tuple[str, str]], length: int | None = None
    ) -> None:
        """Send status and headers; without `length` the body is chunked."""
        pairs = [("content-type", content_type), *headers]
        if length is not None:
            pairs.append(("content-length", str(length)))
        raw = [(name.encode(), value.encode("latin-1", "replace")) for name, value in pairs]
        await self._send({"type": "http.response.start", "status": status, "headers": raw})

    async def write(self, data: bytes) -> None:
        """Send a piece of the body and let the loop see whether the client is still there."""
        await self._send({"type": "http.response.body", "body": data, "more_body": True})
        await asyncio.sleep(0)
        if self._gone.is_set():
            raise Gone

    async def end(self) -> None:
        """End the body properly."""
        await self._send({"type": "http.response.body", "body": b""})

    def watch(self) -> None:
        """Start to look out for the client's leaving; call once the request is read."""
        if self._watcher is None:
            self._watcher = asyncio.create_task(self._look_out())

    async def pause(self, seconds: float) -> None:
        """Wait. Raises Gone if that comes first."""
        self.watch()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._gone.wait(), seconds)
        if self._gone.is_set():
            raise Gone

    async def hang(self) -> None:
        """Wait for nothing. Raises Gone in the end."""
        self.watch()
        await self._gone.wait()
        raise Gone

    async def cut(self) -> None:
        """Send what is written, then close the connection as it is: no final chunk, no rest of the body."""
        self._transport().close()
        await self._closed()

    async def reset(self) -> None:
        """Close with a TCP RST: with no time to linger the kernel throws the connection away."""
        transport = self._transport()
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        transport.abort()
        await self._closed()

    async def close(self) -> None:
        """End the watch, and the connection if the server wants to go down."""
        if self._watcher is not None:
            self._watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watcher
        if self._shutting_down():
            self._transport().abort()
            await self._closed()

    def _transport(self) -> Any:
        if self._cycle is None:
            raise RuntimeError("connection faults need a real server such as uvicorn")
        return self._cycle.transport

    async def _closed(self) -> None:
        """Until the server has seen it, so that it does not call the answer unfinished."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def _shutting_down(self) -> bool:
        return self._cycle is not None and not self._cycle.keep_alive and not self._cycle.response_complete

    async def _look_out(self) -> None:
        while not self._shutting_down():
            with contextlib.suppress(TimeoutError):
                if (await asyncio.wait_for(self._receive(), LOOK_S))["type"] == "http.disconnect":
                    break
        self._gone.set()


def _request(scope: Scope, body: bytes) -> Request:
    try:
        decoded = json.loads(body) if body else None
    except ValueError:
        decoded = None
    return Request(
        method=scope["method"],
        path=scope["path"],
        query=dict(parse_qsl(scope["query_string"].decode("latin-1"))),
        params=scope.get("path_params", {}),
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        body=decoded,
        content=body,
    )
