"""Lets a test hold a server's answers in the middle, and tells which connections they went over."""

from __future__ import annotations

import asyncio
import itertools
import threading

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Sluice:
    """An ASGI app around another, which may run in another thread. Open until `hold_after`."""

    def __init__(self, app: ASGIApp) -> None:
        self.clients: list[tuple[str, int]] = []
        self._app = app
        self._pieces: int | None = None
        self._open = threading.Event()

    def hold_after(self, pieces: int) -> None:
        """From now on each answer waits for `release` once so many pieces of its body are out."""
        self._open.clear()
        self._pieces = pieces

    def release(self) -> None:
        """Let everything go on."""
        self._pieces = None
        self._open.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sent = itertools.count()

        async def held(message: Message) -> None:
            is_body = message["type"] == "http.response.body"
            if is_body and self._pieces is not None and next(sent) >= self._pieces:
                await asyncio.to_thread(self._open.wait)
            await send(message)

        if scope["type"] == "http":
            self.clients.append(scope["client"])
        await self._app(scope, receive, held)
