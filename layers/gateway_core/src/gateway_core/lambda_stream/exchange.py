"""One request through an ASGI app. The app's status line is known first; its body goes to a sink that comes later."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Protocol

from starlette.types import ASGIApp, Message

from gateway_core.lambda_stream.deadline import Deadline, DeadlineExceededError, time_until
from gateway_core.lambda_stream.failure import describe
from gateway_core.lambda_stream.prelude import Head
from gateway_core.lambda_stream.request import LambdaRequest

_log = logging.getLogger(__name__)


class Sink(Protocol):
    """Where a body goes."""

    async def write(self, data: bytes) -> None:
        """Pass on one chunk, and return when there is room for the next. Raises ConnectionError when nobody reads."""
        ...


class ConnectionLostError(ConnectionError):
    """Told to an app that goes on writing after it was told that nobody reads."""


class BrokenAnswerError(RuntimeError):
    """The app returned before its answer was complete, or broke the order of ASGI's messages."""


class LambdaExchange:
    """Runs the app as a task of the running loop. The task outlives the call that began it, until `play` or `stop`."""

    def __init__(self, app: ASGIApp, request: LambdaRequest, deadline: Deadline) -> None:
        loop = asyncio.get_running_loop()
        self.deadline = deadline
        self.is_lost = False
        self.has_written = False
        self._request = request
        self._is_read = False
        self._is_complete = False
        self._head: asyncio.Future[Head] = loop.create_future()
        self._sink: asyncio.Future[Sink] = loop.create_future()
        self._over = asyncio.Event()
        self._task = loop.create_task(self._run(app))

    async def head(self) -> Head:
        """The status and headers. Raises what the app raised before them, or DeadlineExceededError."""
        patience = time_until(self.deadline.leave_at)
        first: set[asyncio.Future[Any]] = {self._head, self._task}
        await asyncio.wait(first, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        if not self._head.done():
            raise self._failure() or BrokenAnswerError("The app ended without an answer.")
        return self._head.result()

    async def play(self, sink: Sink) -> BaseException | None:
        """Let the body go to `sink` and wait for the app's end. Returns why the answer is not complete."""
        self._sink.set_result(sink)
        await asyncio.wait({self._task}, timeout=time_until(self.deadline.leave_at))
        failure = self._failure()
        if failure is None or not self._is_complete:
            return failure
        _log.error("The app failed after its answer: %s", describe(failure))
        return None

    def hang_up(self) -> None:
        """Tell the app that nobody reads its answer any more."""
        self.is_lost = True
        self._over.set()

    async def stop(self) -> None:
        """Cancel the app if it still runs, and wait for it as long as the deadline allows."""
        self._task.cancel()
        await asyncio.wait({self._task}, timeout=time_until(self.deadline.drop_at))

    @property
    def allows_body(self) -> bool:
        return self._request.scope["method"] != "HEAD" and self._head.result().allows_body

    def _failure(self) -> BaseException | None:
        # Not done: the app did not let itself be cancelled.
        if not self._task.done() or self._task.cancelled():
            return DeadlineExceededError()
        return self._task.exception()

    async def _run(self, app: ASGIApp) -> None:
        limit = asyncio.timeout_at(self.deadline.cancel_at)
        try:
            async with limit:
                await app(self._request.scope, self._receive, self._send)
        except TimeoutError:
            if limit.expired():
                raise DeadlineExceededError from None
            raise
        if not self._over.is_set():
            raise BrokenAnswerError("The app ended before its answer did.")

    async def _receive(self) -> Message:
        if not self._is_read:
            self._is_read = True
            return {"type": "http.request", "body": self._request.body, "more_body": False}
        await self._over.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and not self._head.done():
            self._head.set_result(Head.from_message(message))
        elif message["type"] == "http.response.body" and self._head.done() and not self._is_complete:
            await self._send_body(message.get("body", b""), is_last=not message.get("more_body", False))
        else:
            raise BrokenAnswerError(f"The app sent {message['type']} out of order.")

    async def _send_body(self, data: bytes, *, is_last: bool) -> None:
        # Shielded: cancelling the app must not cancel the future that `play` will resolve.
        sink = await asyncio.shield(self._sink)
        if self.is_lost:
            raise ConnectionLostError
        if data and self.allows_body:
            await self._write(sink, data)
        # Else a producer that waits for nothing starves the deadline.
        await asyncio.sleep(0)
        if is_last:
            self._is_complete = True
            self._over.set()

    async def _write(self, sink: Sink, data: bytes) -> None:
        try:
            await sink.write(data)
        except ConnectionError:
            # Dropped, not raised: an app that listens for `http.disconnect` gets the chance to end in order.
            self.hang_up()
        else:
            self.has_written = True
