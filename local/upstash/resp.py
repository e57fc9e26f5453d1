"""RESP2 over asyncio streams: one connection, and a pool of them.

A ready-made client is of no use here: it strips error codes from messages and reshapes replies, and the REST API
hands both through as the server wrote them. Protocol: https://redis.io/docs/latest/develop/reference/protocol-spec/
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Self

from local.loopback import LOOPBACK

_LINE_LIMIT = 1 << 20


class BackendError(Exception):
    """The server is away, closed the connection, or does not speak RESP2."""


class SimpleString(bytes):
    """A status such as `+OK`, as opposed to a bulk string that happens to hold the same bytes."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """An error as a value; `text` is verbatim, code included (`WRONGTYPE Operation ...`)."""

    text: str


type Reply = SimpleString | bytes | int | ErrorReply | list[Reply] | None


class Connection:
    """One connection. Every `send` is to be followed by one `read`, or the connection must be closed."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> Self:
        """Connect to 127.0.0.1.

        Raises:
            BackendError: nobody listens there.
        """
        try:
            return cls(*await asyncio.open_connection(LOOPBACK, port, limit=_LINE_LIMIT))
        except OSError as error:
            raise BackendError(error.strerror or "connection failed") from error

    @property
    def stale(self) -> bool:
        """Whether the server has closed the connection while it was idle."""
        return self._reader.at_eof() or self._writer.is_closing()

    def send(self, args: Sequence[bytes]) -> None:
        """Queue one command."""
        bulk = b"".join([b"$%d\r\n%s\r\n" % (len(arg), arg) for arg in args])
        self._writer.write(b"*%d\r\n" % len(args) + bulk)

    async def read(self) -> Reply:
        """Read one whole reply.

        Raises:
            BackendError: the connection broke, or what came is not RESP2.
        """
        try:
            await self._writer.drain()
            return await self._read()
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
            raise BackendError("connection lost") from error

    async def _read(self) -> Reply:
        line = await self._reader.readuntil(b"\r\n")
        kind, rest = line[:1], line[1:-2]
        match kind:
            case b"+":
                return SimpleString(rest)
            case b"-":
                return ErrorReply(rest.decode("utf-8", "replace"))
            case b":":
                return int(rest)
            case b"$":
                return await self._read_bulk(int(rest))
            case b"*":
                return await self._read_array(int(rest))
        raise ValueError("unknown reply type")

    async def _read_bulk(self, size: int) -> bytes | None:
        return None if size < 0 else (await self._reader.readexactly(size + 2))[:-2]

    async def _read_array(self, size: int) -> list[Reply] | None:
        return None if size < 0 else [await self._read() for _ in range(size)]

    def close(self) -> None:
        """Close at once, whatever is still unread."""
        self._writer.close()

    async def closed(self) -> None:
        """Close and wait until the socket is released."""
        self.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


class Pool:
    """At most `size` connections at a time; the idle ones are kept."""

    def __init__(self, port: int, size: int) -> None:
        self._port = port
        self._idle: list[Connection] = []
        self._slots = asyncio.Semaphore(size)

    @contextlib.asynccontextmanager
    async def lease(self) -> AsyncIterator[Connection]:
        """Lend a connection; after any exception it is closed, for replies may be left unread on it.

        Raises:
            BackendError: the server cannot be reached.
        """
        async with self._slots:
            connection = await self._take()
            try:
                yield connection
            except BaseException:
                connection.close()
                raise
            self._idle.append(connection)

    async def _take(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.stale:
                return connection
            connection.close()
        return await Connection.open(self._port)

    async def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            await self._idle.pop().closed()
