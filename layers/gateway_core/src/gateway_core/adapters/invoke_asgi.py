"""Calls the functions' ASGI apps in this process: for the local stack, for one container, and for tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote, urlencode

from starlette.types import ASGIApp, Message, Scope

from gateway_core.adapters.deadline_as_error import within
from gateway_core.invocation import FunctionUnavailable, HttpAnswer, HttpRequest, HttpStream, told_beside
from gateway_core.waiting import go_behind, leave

MOST_WAITING_PARTS = 8
"""How far an app may run ahead of its reader."""
_SETTLE_S = 1.0
"""How long an app that is left is waited for. One that still hears a model out goes on by itself."""


class AsgiInvoker:
    """Implements the port `Invoker`. `apps` maps a function's name to its app."""

    def __init__(self, apps: Mapping[str, ASGIApp]) -> None:
        self._apps = apps
        self._left: set[asyncio.Task[None]] = set()

    async def invoke(self, function: str, request: HttpRequest) -> HttpAnswer:
        async with self.stream(function, request) as answer:
            body = b"".join([part async for part in answer.parts])
            return HttpAnswer(answer.status, answer.headers, body)

    @asynccontextmanager
    async def stream(self, function: str, request: HttpRequest) -> AsyncIterator[HttpStream]:
        if function not in self._apps:
            raise FunctionUnavailable(f"{function}: there is no such function here")
        exchange = _AsgiExchange(request)
        task = asyncio.create_task(exchange.run(self._apps[function], function))
        go_behind(task)
        try:
            async with within(request.timeout_s, function):
                yield await exchange.answer()
        finally:
            # As a server ends an app whose client left; what it still holds is its own to release.
            leave(task)
            self._left.add(task)  # asyncio itself would let go of it
            task.add_done_callback(self._left.discard)
            await asyncio.wait([task], timeout=_SETTLE_S)


class _AsgiExchange:
    """One request and what the app sends for it."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._sent: asyncio.Queue[Message | FunctionUnavailable] = asyncio.Queue(MOST_WAITING_PARTS)
        self._read = False

    async def run(self, app: ASGIApp, function: str) -> None:
        try:
            await app(_scope(self._request), self._receive, self._sent.put)
            await self._sent.put(FunctionUnavailable(f"{function}: the answer was not finished"))
        except Exception as error:  # noqa: BLE001 - the text may quote a prompt; the type is enough
            await self._sent.put(FunctionUnavailable(f"{function}: {type(error).__name__}"))

    async def answer(self) -> HttpStream:
        start = await self._next()
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in start.get("headers", ())}
        return HttpStream(start["status"], headers, self._parts())

    async def _parts(self) -> AsyncIterator[bytes]:
        more = True
        while more:
            message = await self._next()
            more = message.get("more_body", False)
            yield message.get("body", b"")

    async def _next(self) -> Message:
        message = await self._sent.get()
        if isinstance(message, FunctionUnavailable):
            raise message
        return message

    async def _receive(self) -> Message:
        if not self._read:
            self._read = True
            return {"type": "http.request", "body": self._request.body, "more_body": False}
        # A reader that leaves ends the app: there is no disconnect to tell of.
        never: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        return await never


def _scope(request: HttpRequest) -> Scope:
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "https",
        "path": request.path,
        "raw_path": quote(request.path).encode(),
        "root_path": "",
        "query_string": urlencode(request.query).encode(),
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers.items()],
        "client": None,
        "server": None,
    }
    if told := told_beside(request):
        # Where it is on Lambda; what listens to a network never puts anything there.
        scope["aws.event"] = {"requestContext": told}
    return scope
