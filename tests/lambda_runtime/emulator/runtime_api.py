"""Lambda's Runtime API for one execution environment (Lambda guide, "Runtime API"), with streaming mode."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from tests.lambda_runtime.emulator.http1 import Request, serving

_ROOT = "/2018-06-01/runtime"
_OK = b'{"status":"OK"}\n'
MOST_BYTES = {"Event": 1_048_576, "RequestResponse": 6_291_456}
"""Of an event that Lambda's API takes, by the type of invocation."""
MOST_WHOLE_BYTES = 6_291_556
"""Of an answer that does not stream, or that goes to somebody who takes it whole."""
MOST_STREAMED_BYTES = 200 * 1024 * 1024
TOO_LARGE = "Function.ResponseSizeTooLarge"
ARN = "arn:aws:lambda:eu-central-1:123456789012:function:probe"


@dataclass(frozen=True)
class Begin:
    """A response's headers, and the request id that it is for."""

    request_id: str
    headers: dict[str, str]


@dataclass(frozen=True)
class Chunk:
    """Bytes of a response as they came: for a whole one, all of them."""

    data: bytes


@dataclass(frozen=True)
class End:
    """A response's end. A cut one says so by its trailers."""

    trailers: dict[str, str] = field(default_factory=dict)

    @property
    def error(self) -> str | None:
        """The error's type, None for a complete answer."""
        return self.trailers.get("lambda-runtime-function-error-type")

    @property
    def detail(self) -> dict[str, Any]:
        """The error as the function describes it."""
        described: dict[str, Any] = json.loads(base64.b64decode(self.trailers["lambda-runtime-function-error-body"]))
        return described


@dataclass(frozen=True)
class Failed:
    """A function error, a crash or a timeout: no answer, or none to its end."""

    error: str
    body: bytes = b"{}"


def too_large() -> Failed:
    """What becomes of an answer that is."""
    text = f"Response payload size exceeded maximum allowed payload size ({MOST_WHOLE_BYTES} bytes)."
    return Failed(TOO_LARGE, json.dumps({"errorType": TOO_LARGE, "errorMessage": text}).encode())


type Item = Begin | Chunk | End | Failed


class _Invocation:
    """An event on its way, and its answer: one item at a time, so that a slow reader slows the function."""

    def __init__(self, payload: bytes, timeout_s: float) -> None:
        self.id = str(uuid.uuid4())
        self.payload = payload
        self.deadline_ms = round((time.time() + timeout_s) * 1000)
        self.items: asyncio.Queue[Item] = asyncio.Queue(maxsize=1)
        self._is_abandoned = False

    async def put(self, item: Item) -> None:
        if not self._is_abandoned:
            await self.items.put(item)

    def abandon(self) -> None:
        """Let the rest of the answer go nowhere, as Lambda does when its caller has gone away."""
        self._is_abandoned = True
        while not self.items.empty():
            self.items.get_nowait()


async def _next_item(invocation: _Invocation, ends: float) -> Item:
    try:
        async with asyncio.timeout_at(ends):
            return await invocation.items.get()
    except TimeoutError:
        return Failed("Sandbox.Timedout")


class RuntimeApi:
    """What awslambdaric talks to. `address` is set while `serve` is open.

    `refuse_with` is the status that answers are refused with at once, `reply_with` that of complete ones; nothing is
    read of them while `reading` is not set, and the connection breaks when `break_after` chunks have come, or more than
    `most_streamed_bytes`. A whole answer that is too large is refused, and is the function's error.
    """

    def __init__(self) -> None:
        self.address = ""
        self.polled = asyncio.Event()
        self.init_error: dict[str, Any] | None = None
        self.at_snapshot = asyncio.Event()
        self.restored = asyncio.Event()
        self.refuse_with: int | None = None
        self.reply_with = 202
        self.break_after: int | None = None
        self.most_streamed_bytes = MOST_STREAMED_BYTES
        self.reading = asyncio.Event()
        self.reading.set()
        self._ended_by: str | None = None
        self._waiting: asyncio.Queue[_Invocation] = asyncio.Queue()
        self._open: dict[str, _Invocation] = {}

    @contextlib.asynccontextmanager
    async def serve(self) -> AsyncIterator[RuntimeApi]:
        async with serving(self._answer) as self.address:
            yield self

    async def invoke(self, payload: bytes, timeout_s: float) -> AsyncGenerator[Item]:
        """Hand out an event and give the answer's parts. The last is `End` or `Failed`."""
        if self._ended_by:
            yield Failed(self._ended_by)
            return
        invocation = _Invocation(payload, timeout_s)
        self._open[invocation.id] = invocation
        await self._waiting.put(invocation)
        ends = asyncio.get_running_loop().time() + timeout_s
        item: Item | None = None
        try:
            while not isinstance(item, End | Failed):
                item = await _next_item(invocation, ends)
                yield item
        finally:
            invocation.abandon()
            del self._open[invocation.id]

    async def end(self, error: str) -> None:
        """The process has gone: so have its invocations, and so will those to come."""
        self._ended_by = error
        for invocation in list(self._open.values()):
            await invocation.put(Failed(error))

    async def _answer(self, request: Request) -> None:
        match request.method, request.target.removeprefix(_ROOT).strip("/").split("/"):
            case "GET", ["invocation", "next"]:
                await self._next(request)
            case "POST", ["invocation", request_id, "response"]:
                await self._response(request, self._open[request_id])
            case "POST", ["invocation", request_id, "error"]:
                body = await request.body()
                await self._open[request_id].put(Failed(json.loads(body)["errorType"], body))
                await request.reply(202, _OK)
            case "POST", ["init", "error"]:
                self.init_error = json.loads(await request.body())
                await request.reply(202, _OK)
            case "GET", ["restore", "next"]:
                self.at_snapshot.set()
                await self.restored.wait()
                await request.reply(200)
            case _:
                await request.reply(404)

    async def _next(self, request: Request) -> None:
        self.polled.set()
        invocation = await self._waiting.get()
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": invocation.id,
            "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": ARN,
            "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0",
            "Lambda-Runtime-Invocation-Id": f"{invocation.id}-1",
        }
        await request.reply(200, invocation.payload, headers.items())

    async def _response(self, request: Request, invocation: _Invocation) -> None:
        if self.refuse_with:
            await request.reply(self.refuse_with)
            await invocation.put(Failed("Runtime.Refused"))
            raise ConnectionAbortedError
        await self.reading.wait()
        if not request.is_chunked and int(request.headers["content-length"]) > MOST_WHOLE_BYTES:
            await request.body()
            error = too_large()
            await request.reply(413, error.body)
            await invocation.put(error)
            return
        await invocation.put(Begin(invocation.id, request.headers))
        try:
            end = await self._read_answer(request, invocation)
        except (ConnectionError, asyncio.IncompleteReadError):
            await invocation.put(Failed("Runtime.TruncatedResponse"))
            raise
        # As in Lambda: the runtime hears of its success first, the caller's side follows.
        await request.reply(self.reply_with, _OK)
        await invocation.put(end)

    async def _read_answer(self, request: Request, invocation: _Invocation) -> End:
        if not request.is_chunked:
            await invocation.put(Chunk(await request.body()))
            return End()
        count, size = 0, 0
        async for data in request.chunks():
            await invocation.put(Chunk(data))
            count, size = count + 1, size + len(data)
            if count == self.break_after or size > self.most_streamed_bytes:
                raise ConnectionAbortedError
        return End(await request.trailers())
