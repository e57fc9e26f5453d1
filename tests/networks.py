"""Networks that a test has in its hands, in place of connections to providers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping

import httpx

from gateway_core.adapters.upstream.network import Incoming
from gateway_core.http1 import Request


class Canned:
    """An answer in pieces, read by read; an exception among them is raised. `closed` is called once it is let go."""

    def __init__(
        self,
        pieces: Iterable[bytes | Exception],
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        closed: Callable[[], None] = lambda: None,
    ) -> None:
        self.status = status
        self.headers = dict(headers or {})
        self._pieces = iter(pieces)
        self._closed = closed

    async def read(self) -> bytes:
        for piece in self._pieces:
            await asyncio.sleep(0)
            if isinstance(piece, Exception):
                raise piece
            if piece:
                return piece
        return b""

    def close(self) -> None:
        self._closed()


class OverHttpx:
    """What one of httpx's transports answers, such as an app's that is in the same process."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def send(self, request: Request, sending: Callable[[], None]) -> Incoming:
        sending()
        asked = httpx.Request(request.method, str(request.url), headers=dict(request.headers), content=request.content)
        answer = await self._transport.handle_async_request(asked)
        return _Streamed(answer)

    async def close(self) -> None:
        await self._transport.aclose()


class _Streamed:
    def __init__(self, answer: httpx.Response) -> None:
        self.status = answer.status_code
        self.headers = {name.lower(): value for name, value in answer.headers.items()}
        self._pieces: AsyncIterator[bytes] = answer.aiter_raw()

    async def read(self) -> bytes:
        return await anext(self._pieces, b"")

    def close(self) -> None:
        """The app has said all by now."""
