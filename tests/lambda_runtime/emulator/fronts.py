"""What stands in front of a function: API Gateway's REST API in STREAM mode, a function URL, and Lambda's own API."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Protocol

from gateway_core.lambda_stream import prelude
from tests.lambda_runtime.emulator import eventstream
from tests.lambda_runtime.emulator.events import rest_event, url_event
from tests.lambda_runtime.emulator.http1 import Request, serving
from tests.lambda_runtime.emulator.runtime_api import (
    MOST_BYTES,
    MOST_WHOLE_BYTES,
    Begin,
    Chunk,
    End,
    Failed,
    Item,
    too_large,
)

_TOO_LONG = b'{"message": "Request Too Long"}'
_BAD_GATEWAY = b'{"message": "Internal server error"}'


class Invokable(Protocol):
    """An environment or a fleet."""

    def invoke(self, event: Any, timeout_s: float = ...) -> AsyncIterator[Item]: ...


class HttpFront:
    """Makes an event of each HTTP request, and a streamed HTTP response of the function's answer."""

    def __init__(self, function: Invokable, make_event: Callable[..., dict[str, Any]]) -> None:
        self._function = function
        self._make_event = make_event

    async def answer(self, request: Request) -> None:
        body = await request.body()
        event = self._make_event(request.method, request.target, request.headers.items(), body)
        if len(json.dumps(event)) > MOST_BYTES["RequestResponse"]:
            await request.reply(413, _TOO_LONG)
            return
        response = _HttpResponse(request)
        async for item in self._function.invoke(event):
            # A client that has gone is not told to the function: it runs on, and its answer goes nowhere.
            with contextlib.suppress(ConnectionError):
                await response.take(item)


class _HttpResponse:
    """An HTTP response that begins when the prelude is complete."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._early: bytes | None = b""
        self._has_body = request.method != "HEAD"

    async def take(self, item: Item) -> None:
        match item:
            case Chunk(data) if self._early is None:
                await self._chunk(data)
            case Chunk(data):
                await self._begin(data)
            case End() if self._early is None and item.error is None:
                await self._chunk(b"")
            case End() | Failed() if self._early is None:
                self._request.writer.transport.abort()
            case End() | Failed():
                await self._request.reply(502, _BAD_GATEWAY)
            case Begin():
                pass

    async def _begin(self, data: bytes) -> None:
        self._early = (self._early or b"") + data
        if found := prelude.decode(self._early):
            head, rest = found
            self._early = None
            self._has_body = self._has_body and head.allows_body
            await self._request.begin(head.status, head.headers, is_chunked=self._has_body)
            if rest:
                await self._chunk(rest)

    async def _chunk(self, data: bytes) -> None:
        if self._has_body:
            await self._request.chunk(data)


class LambdaFront:
    """Invoke and InvokeWithResponseStream, as the AWS SDKs speak them, for functions by name."""

    def __init__(self, functions: Mapping[str, Invokable]) -> None:
        self._functions = functions

    async def answer(self, request: Request) -> None:
        payload = await request.body()
        if len(payload) > MOST_BYTES[request.headers.get("x-amz-invocation-type", "RequestResponse")]:
            await request.reply(413, b"{}", [("x-amzn-ErrorType", "RequestTooLargeException")])
            return
        event = json.loads(payload)
        _root, _version, _functions, name, action = request.target.split("/")
        function = self._functions.get(name)
        if function is None:
            await request.reply(404, b"{}", [("x-amzn-ErrorType", "ResourceNotFoundException")])
        elif action == "response-streaming-invocations":
            await self._stream(request, function, event)
        else:
            await self._whole(request, function, event)

    async def _whole(self, request: Request, function: Invokable, event: Any) -> None:
        data, headers = b"", []
        async for item in function.invoke(event):
            match item:
                case Chunk(part):
                    data += part
                case Failed(_, body):
                    data, headers = body, [("X-Amz-Function-Error", "Unhandled")]
                case End() if item.error:
                    headers = [("X-Amz-Function-Error", "Unhandled")]
        if len(data) > MOST_WHOLE_BYTES:
            data, headers = too_large().body, [("X-Amz-Function-Error", "Unhandled")]
        await request.reply(200, data, [("Content-Type", "application/json"), *headers])

    async def _stream(self, request: Request, function: Invokable, event: Any) -> None:
        await request.begin(200, [("Content-Type", eventstream.CONTENT_TYPE)])
        async for item in function.invoke(event):
            match item:
                case Chunk(data):
                    await request.chunk(eventstream.payload_chunk(data))
                case Failed(error, body):
                    await request.chunk(eventstream.invoke_complete(error, body.decode()))
                case End():
                    details = json.dumps(item.detail) if item.error else None
                    await request.chunk(eventstream.invoke_complete(item.error, details))
        await request.chunk(b"")


@contextlib.asynccontextmanager
async def rest_api(function: Invokable) -> AsyncIterator[str]:
    """The base URL of a REST API with `ResponseTransferMode: RESPONSE_STREAM`."""
    async with serving(HttpFront(function, rest_event).answer) as address:
        yield f"http://{address}"


@contextlib.asynccontextmanager
async def function_url(function: Invokable) -> AsyncIterator[str]:
    """The base URL of a function URL with `InvokeMode: RESPONSE_STREAM`."""
    async with serving(HttpFront(function, url_event).answer) as address:
        yield f"http://{address}"


@contextlib.asynccontextmanager
async def lambda_api(functions: Mapping[str, Invokable]) -> AsyncIterator[str]:
    """The endpoint URL for a boto3 client. It sees functions that are added later."""
    async with serving(LambdaFront(functions).answer) as address:
        yield f"http://{address}"
