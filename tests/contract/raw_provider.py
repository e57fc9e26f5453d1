"""A provider of bytes: a TCP server that does exactly what a test tells it, and remembers every request it saw."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

type Act = Callable[["Sight", asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Sight:
    """One request as it came over the wire."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.line.split()[1]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class RawProvider:
    """`act` answers each request; `connections` and `seen` count what came in, `asked` is set once something has."""

    act: Act
    port: int = 0
    connections: int = 0
    seen: list[Sight] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextlib.asynccontextmanager
    async def serve(self) -> AsyncIterator[RawProvider]:
        """Listen on a free port until the block ends; then cut all connections."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for writer in self._writers:
                writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while not writer.is_closing():
                await self._one(reader, writer)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        line, *rest = head.strip().split("\r\n")
        headers = {name.lower(): value for name, value in (header.split(": ", 1) for header in rest)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.seen.append(Sight(line, headers, body))
        self.asked.set()
        await self.act(self.seen[-1], writer)


def head(status: int, *headers: str) -> bytes:
    """Status line and headers."""
    return "\r\n".join([f"HTTP/1.1 {status} X", *headers, "", ""]).encode()


def respond(status: int, body: Any, *headers: str, kind: str = "application/json") -> Act:
    """Answer every request with this."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()

    async def act(_sight: Sight, writer: asyncio.StreamWriter) -> None:
        writer.write(head(status, f"content-type: {kind}", f"content-length: {len(data)}", *headers) + data)
        await writer.drain()

    return act


async def reset(_sight: Sight, writer: asyncio.StreamWriter) -> None:
    """Cut the connection once the request has been read."""
    writer.transport.abort()


async def hang(_sight: Sight, _writer: asyncio.StreamWriter) -> None:
    """Never answer."""
    await asyncio.Event().wait()


def begin_then(data: bytes, *, kind: str = "application/json", hang_after: bool = False) -> Act:
    """Send the head, announce more bytes than come, and cut the connection or fall silent."""

    async def act(sight: Sight, writer: asyncio.StreamWriter) -> None:
        writer.write(head(200, f"content-type: {kind}", f"content-length: {len(data) + 100}") + data)
        await writer.drain()
        if hang_after:
            await hang(sight, writer)
        writer.close()

    return act
