"""Calls the functions through Lambda's InvokeWithResponseStream, also those that answer whole: Invoke ends at 6 MB.

boto3 blocks, so each call has a thread; the deadline is asyncio's, and the thread ends with Lambda's answer at the
latest after `MOST_READ_S`. Nothing is ever sent twice: a model call costs money.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, override

from gateway_core.adapters.deadline_as_error import within
from gateway_core.domain.errors import BodyTooLarge, LLMError, RateLimited
from gateway_core.invocation import (
    SEPARATOR,
    FunctionUnavailable,
    HttpAnswer,
    HttpRequest,
    HttpStream,
    proxy_event,
    read_answer,
)

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

MOST_READ_S = 900
"""Lambda's own limit of a run."""
MOST_EVENT_BYTES = 6_291_456
"""Lambda's limit of an event of a synchronous invocation."""
MOST_PRELUDE_BYTES = 65_536
_CONNECT_S = 5
_THREADS = 64
_BUSY = {"TooManyRequestsException", "EC2ThrottledException"}
_BUSY_RETRY_S = 1.0


def connect(**options: Any) -> LambdaClient:
    """A client that sends each invocation once. It takes most of a second of CPU, so it is made when first needed."""
    import boto3  # noqa: PLC0415 - see above; and only AWS has a use for it
    from botocore.config import Config  # noqa: PLC0415 - as above

    config = Config(
        connect_timeout=_CONNECT_S,
        read_timeout=MOST_READ_S,
        retries={"total_max_attempts": 1},
        max_pool_connections=_THREADS,
        tcp_keepalive=True,
    )
    return boto3.client("lambda", config=config, **options)


class LambdaInvoker:
    """Implements the port `Invoker`. `names` maps a function of ours to the Lambda's name or ARN."""

    def __init__(self, names: Mapping[str, str], connect: Callable[[], LambdaClient] = connect) -> None:
        self._names = names
        self._connect = connect
        self._client: LambdaClient | None = None
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(_THREADS, "invoke")

    async def invoke(self, function: str, request: HttpRequest) -> HttpAnswer:
        async with self.stream(function, request) as answer:
            return HttpAnswer(answer.status, answer.headers, b"".join([part async for part in answer.parts]))

    @asynccontextmanager
    async def stream(self, function: str, request: HttpRequest) -> AsyncIterator[HttpStream]:
        name, event = self._name(function), _event(request)
        async with within(request.timeout_s, function):
            chunks = await self._opened(function, name, event)
            try:
                yield await self._answer(chunks)
            finally:
                # Not awaited: closing waits for the read that is under way, until the next heartbeat at the latest.
                self._threads.submit(chunks.close)

    def close(self) -> None:
        """Let the threads end once their calls are answered."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._client:
            self._client.close()

    def _name(self, function: str) -> str:
        if function not in self._names:
            raise FunctionUnavailable(f"GATEWAY_FUNCTION_{function.upper()} is not set")
        return self._names[function]

    async def _run[**P, T](self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: call(*args, **kwargs))

    def _lambda(self) -> LambdaClient:
        with self._lock:
            self._client = self._client or self._connect()
            return self._client

    def _open(self, function: str, name: str, event: bytes) -> _Chunks:
        with _our_errors(function):
            answer = self._lambda().invoke_with_response_stream(FunctionName=name, Payload=event)
            return _Chunks(function, answer["EventStream"])

    async def _opened(self, function: str, name: str, event: bytes) -> _Chunks:
        opening = self._threads.submit(self._open, function, name, event)
        try:
            return await asyncio.wrap_future(opening)
        except asyncio.CancelledError:
            # The thread cannot be interrupted: what it opens later has nobody else to close it.
            opening.add_done_callback(_close)
            raise

    async def _answer(self, chunks: _Chunks) -> HttpStream:
        """The head, once it is there, and the rest. A function that does not stream sends all at once at the end."""
        head = b""
        while SEPARATOR not in head and len(head) < MOST_PRELUDE_BYTES and (part := await self._run(chunks.read)):
            head += part
        if SEPARATOR not in head:
            whole = read_answer(head + b"".join([part async for part in self._rest(chunks)]))
            return HttpStream(whole.status, whole.headers, _only(whole.body))
        start = read_answer(head)
        return HttpStream(start.status, start.headers, self._rest(chunks, start.body))

    async def _rest(self, chunks: _Chunks, first: bytes = b"") -> AsyncIterator[bytes]:
        part = first or await self._run(chunks.read)
        while part:
            yield part
            part = await self._run(chunks.read)


class WholeInvoker(LambdaInvoker):
    """The same by Invoke alone: SAM's local Lambda has nothing else."""

    @override
    @asynccontextmanager
    async def stream(self, function: str, request: HttpRequest) -> AsyncIterator[HttpStream]:
        name, event = self._name(function), _event(request)
        async with within(request.timeout_s, function):
            answer = await self._run(self._invoke, function, name, event)
            yield HttpStream(answer.status, answer.headers, _only(answer.body))

    def _invoke(self, function: str, name: str, event: bytes) -> HttpAnswer:
        with _our_errors(function):
            answer = self._lambda().invoke(FunctionName=name, Payload=event)
            payload = answer["Payload"].read()  # always: it gives the connection back
            if fault := answer.get("FunctionError"):
                raise FunctionUnavailable(f"{function}: {fault}")
            return read_answer(payload)


class _Chunks:
    """The payload of an event stream, one blocking read a chunk."""

    def __init__(self, function: str, events: Any) -> None:
        self._function = function
        self._events = events
        self._parts = self._read_parts()

    def read(self) -> bytes:
        """The next bytes, empty at the end."""
        with _our_errors(self._function):
            return next(self._parts, b"")

    def close(self) -> None:
        self._events.close()

    def _read_parts(self) -> Iterator[bytes]:
        for event in self._events:
            if part := event.get("PayloadChunk", {}).get("Payload"):
                yield part
            if "InvokeComplete" in event:
                if code := event["InvokeComplete"].get("ErrorCode"):
                    raise FunctionUnavailable(f"{self._function}: {code}")
                return
        raise FunctionUnavailable(f"{self._function}: the stream was cut")


def _event(request: HttpRequest) -> bytes:
    event = json.dumps(proxy_event(request), separators=(",", ":")).encode()
    if len(event) > MOST_EVENT_BYTES:
        raise BodyTooLarge(f"The request is larger than the {MOST_EVENT_BYTES} bytes that Lambda takes. Send less.")
    return event


@contextmanager
def _our_errors(function: str) -> Iterator[None]:
    try:
        yield
    except LLMError:
        raise
    except Exception as error:  # noqa: BLE001 - botocore and urllib3 raise dozens; their texts may name the account
        raise _translated(function, error) from None


def _translated(function: str, error: Exception) -> LLMError:
    answer: dict[str, Any] = getattr(error, "response", {})
    code = answer.get("Error", {}).get("Code") or type(error).__name__
    if code not in _BUSY:
        return FunctionUnavailable(f"{function}: {code}")
    wait_s = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("retry-after", _BUSY_RETRY_S)
    return RateLimited("The gateway is at its concurrency limit.", detail=function, retry_after_s=float(wait_s))


def _close(opening: Future[_Chunks]) -> None:
    if not opening.cancelled() and not opening.exception():
        opening.result().close()


async def _only(body: bytes) -> AsyncIterator[bytes]:
    yield body
