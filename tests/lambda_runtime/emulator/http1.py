"""As much of HTTP/1.1 as the emulator needs. Written out, as trailers and single chunks are what the tests look at."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass

_LONGEST_TRAILERS = 4096


class BadMessageError(ConnectionError):
    """The peer broke off, or sent what Go's server would not take."""


@dataclass(frozen=True)
class Request:
    """A request's head. Header names are in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def is_chunked(self) -> bool:
        return self.headers.get("transfer-encoding", "").lower() == "chunked"

    async def body(self) -> bytes:
        """A body of known length."""
        return await self.reader.readexactly(int(self.headers.get("content-length", 0)))

    async def chunks(self) -> AsyncIterator[bytes]:
        """The chunks of a chunked body, as they arrive."""
        while size := int((await self.reader.readuntil(b"\r\n")).strip(), 16):
            yield await self.reader.readexactly(size)
            await self.reader.readexactly(2)

    async def trailers(self) -> dict[str, str]:
        """The trailers behind the last chunk. Go's server panics when they are not within its 4 KB buffer."""
        lines: list[bytes] = []
        while (line := await self.reader.readuntil(b"\r\n")) != b"\r\n":
            lines.append(line)
            if sum(map(len, lines)) >= _LONGEST_TRAILERS:
                raise BadMessageError("suspiciously long trailer after chunked body")
        trailers = _headers(lines)
        declared = {name.strip().lower() for name in self.headers.get("trailer", "").split(",")}
        if undeclared := set(trailers) - declared:
            raise BadMessageError(f"undeclared trailers {undeclared}")
        return trailers

    async def reply(self, status: int, body: bytes = b"", headers: Iterable[tuple[str, str]] = ()) -> None:
        """A whole response."""
        self.writer.write(head(status, [*headers, ("Content-Length", str(len(body)))]) + body)
        await self.writer.drain()

    async def begin(self, status: int, headers: Iterable[tuple[str, str]], *, is_chunked: bool = True) -> None:
        """The head of a chunked response, or of one without a body."""
        self.writer.write(head(status, [*headers, *([("Transfer-Encoding", "chunked")] if is_chunked else [])]))
        await self.writer.drain()

    async def chunk(self, data: bytes) -> None:
        """One chunk of it; an empty one ends it."""
        self.writer.write(b"%x\r\n%b\r\n" % (len(data), data))
        await self.writer.drain()


type Answer = Callable[[Request], Awaitable[None]]


def head(status: int, headers: Iterable[tuple[str, str]]) -> bytes:
    """A response's status line and headers."""
    lines = [f"HTTP/1.1 {status} -", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _headers(lines: Iterable[bytes]) -> dict[str, str]:
    pairs = (line.decode("latin-1").split(":", 1) for line in lines)
    return {name.strip().lower(): value.strip() for name, value in pairs}


async def _read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
    try:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[:-2]
    except asyncio.IncompleteReadError:
        return None
    method, target, _version = first.decode("latin-1").split(" ")
    return Request(method, target, _headers(lines), reader, writer)


@contextlib.asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[str]:
    """Listen on a free port of 127.0.0.1, give `host:port`, and end all connections at the end."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(task := asyncio.current_task())
        try:
            while request := await _read_request(reader, writer):
                await answer(request)
                if request.headers.get("connection", "").lower() == "close":
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            writer.transport.abort()
        finally:
            tasks.discard(task)
            writer.close()

    tasks: set[asyncio.Task[None] | None] = set()
    server = await asyncio.start_server(connected, "127.0.0.1", 0, family=socket.AF_INET)
    host, port = server.sockets[0].getsockname()
    try:
        yield f"{host}:{port}"
    finally:
        server.close()
        running = [task for task in tasks if task]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
