"""Turns an ASGI app into a Lambda handler."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import ASGIApp

from gateway_core.lambda_stream.deadline import Deadline
from gateway_core.lambda_stream.exchange import LambdaExchange
from gateway_core.lambda_stream.request import LambdaRequest, acknowledged, read_event
from gateway_core.lambda_stream.stream import Stream, StreamableEvent

MARGIN_S = 0.5
"""Seconds before Lambda's own end at which the app is cancelled. The app's own deadline (`api.deadline`) is earlier."""


class StreamingHandler:
    """A Lambda handler with one event loop for the life of the process: clients are used again across invocations."""

    def __init__(self, app: ASGIApp, margin_s: float = MARGIN_S) -> None:
        self._app = app
        self._margin_s = margin_s
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)

    def __call__(self, event: Any, context: Any) -> Stream | dict[str, Any]:
        """A `Stream` for the streaming runtime, otherwise API Gateway's proxy response; both block.

        What the app raises before its status line is raised from here, and so becomes an ordinary function error.
        Events that are no HTTP request are acknowledged and otherwise left alone.
        """
        request = read_event(event, context)
        if request is None:
            return acknowledged(event)
        if isinstance(event, StreamableEvent):
            return self._runner.run(self._begin(request, context))
        return self._runner.run(self._collect(request, context))

    def close(self) -> None:
        """Cancel what is left and close the loop. Lambda never does; tests do."""
        self._runner.close()

    async def _begin(self, request: LambdaRequest, context: Any) -> Stream:
        exchange = LambdaExchange(self._app, request, Deadline.of(context, self._margin_s))
        try:
            return Stream(self._runner, exchange, await exchange.head())
        except BaseException:
            await exchange.stop()
            raise

    async def _collect(self, request: LambdaRequest, context: Any) -> dict[str, Any]:
        exchange = LambdaExchange(self._app, request, Deadline.of(context, self._margin_s))
        body = _Collected()
        try:
            head = await exchange.head()
            if failure := await exchange.play(body):
                raise failure
        finally:
            await exchange.stop()
        return request.proxy_response(head, bytes(body.data))


class _Collected:
    """Implements `Sink` for a whole answer."""

    def __init__(self) -> None:
        self.data = bytearray()

    async def write(self, data: bytes) -> None:
        self.data += data


def streaming_handler(app: ASGIApp, *, margin_s: float = MARGIN_S) -> StreamingHandler:
    """The Lambda handler of `app`. The app gets `margin_s` seconds less than Lambda grants the function."""
    return StreamingHandler(app, margin_s)
