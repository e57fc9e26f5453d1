"""A door before the simulator: lets a test hold calls of one provider until everybody else is where they should be."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send


class Gate:
    """An ASGI app around another. While `shut`, calls to `prefix` wait; `arrived` is released once for each of them."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app = app
        self._prefix = prefix
        self._waiting: dict[asyncio.Future[None], asyncio.AbstractEventLoop] = {}
        self._lock = threading.Lock()
        self._is_shut = False
        self.arrived = threading.Semaphore(0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if str(scope.get("path", "")).startswith(self._prefix):
            await self._pass()
        await self._app(scope, receive, send)

    def shut(self) -> None:
        """Hold who comes from now on."""
        with self._lock:
            self._is_shut, self.arrived = True, threading.Semaphore(0)

    def open(self) -> None:
        """Let all through that wait, and all who come."""
        with self._lock:
            self._is_shut = False
            waiting, self._waiting = self._waiting, {}
        for future, loop in waiting.items():
            loop.call_soon_threadsafe(_release, future)

    async def _pass(self) -> None:
        with self._lock:
            if not self._is_shut:
                return
            loop = asyncio.get_running_loop()
            future = loop.create_future()
            self._waiting[future] = loop
        self.arrived.release()
        await future


def _release(future: asyncio.Future[Any]) -> None:
    if not future.done():
        future.set_result(None)
