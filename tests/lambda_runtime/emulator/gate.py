"""Lets a test hold an app in another process at certain points: the app says where it is and waits for a word."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator


class Gate:
    """The test's side. Its `port` goes to the app in the variable GATE_PORT."""

    def __init__(self) -> None:
        self.port = 0
        self._said: asyncio.Queue[tuple[str, asyncio.StreamWriter]] = asyncio.Queue()

    async def hear(self) -> str:
        """What an app says next; it then goes on."""
        text, writer = await self._said.get()
        writer.write(b"go\n")
        return text

    async def hold(self) -> tuple[str, asyncio.StreamWriter]:
        """What an app says next; it waits until `release` gets what comes with it."""
        return await self._said.get()

    def release(self, writer: asyncio.StreamWriter) -> None:
        writer.write(b"go\n")

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            while line := await reader.readline():
                await self._said.put((line.decode().strip(), writer))


@contextlib.asynccontextmanager
async def open_gate() -> AsyncIterator[Gate]:
    """A gate on a free port."""
    gate = Gate()
    server = await asyncio.start_server(gate._connected, "127.0.0.1", 0, family=socket.AF_INET)
    gate.port = server.sockets[0].getsockname()[1]
    try:
        yield gate
    finally:
        server.close()
