"""The one way out: sends a request exactly once, to the host its key belongs to, and notes what comes back.

LiteLLM 1.106.2 posts a second time by itself on `RemoteProtocolError` and `ConnectError` (http_handler.py,
`AsyncHTTPHandler.post`), so every failure leaves here as a `ReadError`, and a second request of an attempt is refused
whoever asks for it. Deadlines are the caller's `asyncio.timeout`; only connecting has a limit of its own here.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping
from typing import Any, override

import httpx

from gateway_core.adapters.quiet import silence_http
from gateway_core.adapters.upstream.exchange import Fault, ProviderExchange
from gateway_core.adapters.upstream.guarded import RefusedAddressError

CONNECT_TIMEOUT_S = 10.0
_DRAIN_S = 0.1
"""How long the end of the HTTP body may take once the answer is whole, before the connection is given up."""
_SENDING = ".send_request_headers.started"
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


def connection_pool() -> httpx.AsyncBaseTransport:
    """Connections shared by all attempts of one event loop; of the environment only `SSL_CERT_FILE` counts."""
    silence_http()
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
    return httpx.AsyncHTTPTransport(retries=0, limits=limits)


class OnceTransport(httpx.AsyncBaseTransport):
    """The transport of a single attempt, over a shared pool that it neither owns nor closes."""

    def __init__(self, pool: httpx.AsyncBaseTransport, exchange: ProviderExchange) -> None:
        self._pool = pool
        self._exchange = exchange
        self._answer: _Watched | None = None
        self._pieces: AsyncGenerator[bytes, None] | None = None

    async def read(self) -> None:
        """Take in the next piece of a streamed answer; nothing after its end. Raises httpx.ReadError."""
        if self._answer is None:
            raise httpx.ReadError("There is no answer to read.")
        self._pieces = self._pieces or self._answer.__aiter__()
        await anext(self._pieces, None)

    async def release(self) -> None:
        """Let go of a streamed answer: a whole one leaves its connection to the next call, any other is cut off."""
        try:
            if self._exchange.complete and not self._exchange.ended:
                await self._drain()
        finally:
            await self._close()

    async def _close(self) -> None:
        if self._answer is not None:
            await self._answer.aclose()
        if self._pieces is not None:
            await self._pieces.aclose()

    async def _drain(self) -> None:
        with contextlib.suppress(httpx.ReadError, TimeoutError):
            async with asyncio.timeout(_DRAIN_S):
                while not self._exchange.ended:
                    await self.read()

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send. Raises httpx.ReadError for whatever goes wrong; the exchange says what it was."""
        if not self._exchange.begin(str(request.url)):
            raise self._failure(self._exchange.fault or "second_request", request)
        self._prepare(request)
        try:
            response = await self._pool.handle_async_request(request)
        except httpx.TransportError as error:
            if isinstance(error, RefusedAddressError):
                raise self._failure("address", request) from None
            never_sent = isinstance(error, _NEVER_SENT) and not self._exchange.sent
            raise self._failure("connect" if never_sent else "reset", request) from None
        return await self._received(response, request)

    def _prepare(self, request: httpx.Request) -> None:
        """Uncompressed, so that the byte limit counts real bytes and the recorder reads what LiteLLM reads."""
        request.headers["accept-encoding"] = "identity"
        limits = {"connect": CONNECT_TIMEOUT_S, "read": None, "write": None, "pool": None}
        request.extensions = {**request.extensions, "timeout": limits, "trace": self._trace}

    async def _trace(self, event: str, _info: Mapping[str, Any]) -> None:
        if event.endswith(_SENDING):
            self._exchange.sent = True

    async def _received(self, response: httpx.Response, request: httpx.Request) -> httpx.Response:
        self._exchange.answered(response.status_code, dict(response.headers))
        if fault := self._refused(response):
            await response.aclose()
            raise self._failure(fault, request)
        self._answer = _Watched(response.stream, self._exchange, request)
        return httpx.Response(
            response.status_code, headers=response.headers, stream=self._answer, extensions=response.extensions
        )

    def _refused(self, response: httpx.Response) -> Fault | None:
        if 300 <= response.status_code < 400:  # noqa: PLR2004 - the class of redirects
            return "redirect"
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            return "encoded"
        length = response.headers.get("content-length", "")
        return "too_large" if length.isdecimal() and int(length) > self._exchange.max_bytes else None

    def _failure(self, fault: Fault, request: httpx.Request) -> httpx.ReadError:
        self._exchange.fault = fault
        return httpx.ReadError(f"The gateway's transport ended the attempt: {fault}.", request=request)


class _Watched(httpx.AsyncByteStream):
    """Passes the body on, showing every piece to the exchange."""

    def __init__(self, stream: object, exchange: ProviderExchange, request: httpx.Request) -> None:
        if not isinstance(stream, httpx.AsyncByteStream):
            raise TypeError("an asynchronous transport answers with an asynchronous stream")
        self._stream = stream
        self._exchange = exchange
        self._request = request

    @override
    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        try:
            async for chunk in self._stream:
                if not self._exchange.take(chunk):
                    raise httpx.ReadError("The response is longer than allowed.", request=self._request)
                yield chunk
        except httpx.TransportError:
            self._exchange.fault = self._exchange.fault or "truncated"
            raise httpx.ReadError("The response broke off.", request=self._request) from None
        self._exchange.end()

    @override
    async def aclose(self) -> None:
        await self._stream.aclose()
