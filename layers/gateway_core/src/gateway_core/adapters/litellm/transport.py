"""The transport of an attempt as LiteLLM wants it: one of httpx's.

LiteLLM 1.106.2 posts a second time by itself on `RemoteProtocolError` and `ConnectError` (http_handler.py,
`AsyncHTTPHandler.post`), so every failure leaves here as a `ReadError`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import override

import httpx

from gateway_core.adapters.quiet import silence_http
from gateway_core.adapters.upstream.transport import OnceTransport, TransportError
from gateway_core.http1 import Request, Url

_FRAMING = frozenset({"host", "connection", "content-length", "transfer-encoding"})


class HttpxTransport(httpx.AsyncBaseTransport):
    """Sends over `once`, which it neither owns nor closes. Raises httpx.ReadError for whatever goes wrong."""

    def __init__(self, once: OnceTransport) -> None:
        silence_http()
        self._once = once

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            answer = await self._once.send(await _ours(request))
        except (TransportError, ValueError) as error:
            raise httpx.ReadError(str(error), request=request) from None
        return httpx.Response(answer.status, headers=dict(answer.headers), stream=_Body(self._once, request))


class _Body(httpx.AsyncByteStream):
    def __init__(self, once: OnceTransport, request: httpx.Request) -> None:
        self._once = once
        self._request = request

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            while piece := await self._once.read():
                yield piece
        except TransportError as error:
            raise httpx.ReadError(str(error), request=self._request) from None


async def _ours(request: httpx.Request) -> Request:
    headers = {name: value for name, value in request.headers.items() if name not in _FRAMING}
    return Request(request.method, Url.parse(str(request.url)), headers, await request.aread())
