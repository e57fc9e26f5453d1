"""A server in the store's place that answers each request as a test tells it to."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from gateway_core.adapters.upstash.client import Client
from gateway_core.domain.errors import StoreUnavailable

TOKEN = "very-secret-token"
type Behaviour = Callable[[asyncio.StreamWriter], Awaitable[None]]


def says(body: object, status: str = "200 OK", kind: str = "application/json") -> Behaviour:
    """Answer with JSON, or with text as it is."""
    text = body if isinstance(body, str) else json.dumps(body)

    async def answer(writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(text.encode())}\r\n"
        writer.write(f"{head}location: http://127.0.0.1:9/\r\n\r\n{text}".encode())

    return answer


async def hangs(writer: asyncio.StreamWriter) -> None:
    """Never answer."""
    await asyncio.Event().wait()


async def resets(writer: asyncio.StreamWriter) -> None:
    """Break the connection."""
    writer.transport.abort()


async def trickles(writer: asyncio.StreamWriter) -> None:
    """Send a byte now and then: enough to keep any read deadline that restarts from passing."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
    while True:
        writer.write(b" ")
        await asyncio.sleep(0.02)


def value(text: str) -> dict[str, str]:
    return {"result": b64encode(text.encode()).decode()}


@dataclass
class Server:
    """Behaves as told, request by request; the last behaviour stays. `heads` and `requests` are what came."""

    url: str = ""
    behaviours: list[Behaviour] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    requests: list[list[object]] = field(default_factory=list)
    connections: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        if task:
            self.tasks.add(task)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                self.heads.append(head)
                size = int(head.split("content-length: ")[1].split("\r\n")[0])
                self.requests.append(json.loads(await reader.readexactly(size)))
                self.asked.set()
                behaviour = self.behaviours.pop(0) if len(self.behaviours) > 1 else self.behaviours[0]
                await behaviour(writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            writer.close()

    def will(self, *behaviours: Behaviour) -> None:
        self.behaviours = list(behaviours)

    async def hears(self, count: int) -> None:
        """Wait until so many requests have come."""
        while len(self.requests) < count:
            self.asked.clear()
            await self.asked.wait()


async def failure(client: Client) -> StoreUnavailable:
    """What a command fails with, which does not hold the token."""
    with pytest.raises(StoreUnavailable) as caught:
        await client.execute("GET", "k")
    assert TOKEN not in f"{caught.value} {caught.value.detail} {caught.value.__cause__!r}"
    return caught.value
