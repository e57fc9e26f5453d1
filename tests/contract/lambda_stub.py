"""The two invoke operations of the Lambda API over ASGI apps, event-stream framing included.

Framing (AWS: `application/vnd.amazon.eventstream`): total length, headers length, CRC of these two, headers, payload,
CRC of all before it; a header is its name's length, its name, 7 for a string, the value's length and the value.
"""

from __future__ import annotations

import asyncio
import json
import struct
import threading
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from mangum import Mangum
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from gateway_core.adapters.invoke_asgi import AsgiInvoker
from gateway_core.adapters.invoke_lambda import LambdaInvoker, connect
from gateway_core.invocation import SEPARATOR, HttpRequest
from tests.classic import classic


@dataclass
class LambdaStub:
    """Functions by name. `streams` holds those on the streaming runtime; `faults` what goes wrong instead."""

    apps: Mapping[str, ASGIApp]
    streams: bool = False
    faults: dict[str, str] = field(default_factory=dict)
    calls: int = 0
    events: list[dict[str, Any]] = field(default_factory=list)
    asked: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def app(self) -> Starlette:
        stream = Route("/2021-11-15/functions/{name}/response-streaming-invocations", self._stream, methods=["POST"])
        invoke = Route("/2015-03-31/functions/{name}/invocations", self._invoke, methods=["POST"])
        return Starlette(routes=[invoke, stream])

    async def _invoke(self, request: Request) -> Response:
        name, event = await self._begin(request)
        if refusal := self._refusal(name):
            return refusal
        if self.faults.get(name) == "crash":
            error = {"errorMessage": "the prompt was: hello", "errorType": "KeyError", "stackTrace": ["app.py"]}
            return JSONResponse(error, 200, {"x-amz-function-error": "Unhandled"})
        if self.faults.get(name) == "garbage":
            return Response(b'"no answer"')
        payload = b"".join([part async for part in self._payload(name, event)])
        return Response(payload, media_type="application/json")

    async def _stream(self, request: Request) -> Response:
        name, event = await self._begin(request)
        if refusal := self._refusal(name):
            return refusal
        if self.faults.get(name) == "late":
            self.asked.set()
            await asyncio.to_thread(self.released.wait)
        return StreamingResponse(self._framed(name, event), media_type="application/vnd.amazon.eventstream")

    def _refusal(self, name: str) -> Response | None:
        fault = self.faults.get(name)
        if fault == "busy":
            error = {"Reason": "ReservedFunctionConcurrentInvocationLimitExceeded", "message": "Rate Exceeded."}
            headers = {"x-amzn-errortype": "TooManyRequestsException", "retry-after": "3"}
            return JSONResponse(error, 429, headers)
        if fault == "denied":
            error = {"Message": "User arn:aws:iam::123456789012:role/secret is not authorized"}
            return JSONResponse(error, 403, {"x-amzn-errortype": "AccessDeniedException"})
        return None

    async def _begin(self, request: Request) -> tuple[str, dict[str, Any]]:
        self.calls += 1
        event = json.loads(await request.body())
        self.events.append(event)
        return request.path_params["name"], event

    async def _framed(self, name: str, event: dict[str, Any]) -> AsyncIterator[bytes]:
        if self.faults.get(name) == "crash":
            yield _frame("InvokeComplete", b'{"ErrorCode": "Unhandled", "ErrorDetails": "the prompt was: hello"}')
            return
        if self.faults.get(name) == "garbage":
            yield _frame("PayloadChunk", b'"no answer"', "application/octet-stream")
            yield _frame("InvokeComplete", b"{}")
            return
        async for part in self._payload(name, event):
            yield _frame("PayloadChunk", part, "application/octet-stream")
        if self.faults.get(name) != "cut":
            yield _frame("InvokeComplete", b"{}")

    async def _payload(self, name: str, event: dict[str, Any]) -> AsyncIterator[bytes]:
        if not self.streams:
            # Mangum runs a loop of its own.
            yield json.dumps(await asyncio.to_thread(classic, self.apps[name], event)).encode()
            return
        async with AsgiInvoker(self.apps).stream(name, _request(event)) as answer:
            prelude = {"statusCode": answer.status, "headers": dict(answer.headers), "cookies": []}
            # In pieces, as a network may have it: the separator itself is split.
            head = json.dumps(prelude).encode() + SEPARATOR
            yield head[:10]
            yield head[10:-3]
            yield head[-3:]
            async for part in answer.parts:
                yield part


def against(url: str, names: Mapping[str, str], kind: type[LambdaInvoker] = LambdaInvoker) -> LambdaInvoker:
    """The real client, of a Lambda at `url`."""
    options = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "eu-central-1"}
    return kind(names, lambda: connect(endpoint_url=url, **options))


def _request(event: dict[str, Any]) -> HttpRequest:
    read = Mangum(None, lifespan="off").infer(event, None)
    return HttpRequest(
        event["httpMethod"],
        event["path"],
        event["queryStringParameters"] or {},
        event["headers"],
        read.body,
        event["requestContext"].get("authorizer"),
    )


def _frame(kind: str, payload: bytes, content_type: str = "application/json") -> bytes:
    headers = b"".join(
        struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", 7, len(value)) + value.encode()
        for name, value in ((":event-type", kind), (":content-type", content_type), (":message-type", "event"))
    )
    lengths = struct.pack("!II", len(headers) + len(payload) + 16, len(headers))
    message = lengths + struct.pack("!I", crc32(lengths)) + headers + payload
    return message + struct.pack("!I", crc32(message))
