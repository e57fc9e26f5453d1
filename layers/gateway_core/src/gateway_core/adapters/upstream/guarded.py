"""Connections to base URLs that callers named: only to addresses that were checked, so that no second look-up differs.

The name is looked up once, each of its addresses is judged, and the connection is made to one of those. TLS still
proves the name. No connection is kept: the pool would know it by its address, and another name may share that.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import override

import httpx

from gateway_core.adapters.quiet import silence_http
from gateway_core.domain.addresses import may_connect

type LookUp = Callable[[str, int], Awaitable[list[str]]]
"""The addresses of a host, in the order in which to try them. Raises OSError."""

_NOT_REACHED = (httpx.ConnectError, httpx.ConnectTimeout)


class RefusedAddressError(httpx.ConnectError):
    """A name leads to an address that a caller may not reach; nothing was connected to."""


class GuardedTransport(httpx.AsyncBaseTransport):
    """Sends through `connections`, which keeps no connections, to addresses that `may_connect` allows."""

    def __init__(
        self, connections: httpx.AsyncBaseTransport, *, allow_private: bool, look_up: LookUp | None = None
    ) -> None:
        self._connections = connections
        self._allow_private = allow_private
        self._look_up = look_up or addresses_of

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send. Raises RefusedAddressError before anything is connected to, if one of the addresses is refused."""
        found = await self._addresses(request)
        if not found or not all(may_connect(address, allow_private=self._allow_private) for address in found):
            raise RefusedAddressError("The host has an address that is not allowed.", request=request)
        for address in found[:-1]:
            try:
                return await self._connections.handle_async_request(_to(address, request))
            except _NOT_REACHED:
                continue
        return await self._connections.handle_async_request(_to(found[-1], request))

    @override
    async def aclose(self) -> None:
        await self._connections.aclose()

    async def _addresses(self, request: httpx.Request) -> list[str]:
        url = request.url
        try:
            return await self._look_up(url.host, url.port or (443 if url.scheme == "https" else 80))
        except (OSError, UnicodeError):
            raise httpx.ConnectError("The host has no address.", request=request) from None


async def addresses_of(host: str, port: int) -> list[str]:
    """Of the system's resolver. Odd spellings of an address (decimal, octal, short) come out as what they mean."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def unshared_connections() -> httpx.AsyncBaseTransport:
    """Connections of which none is used twice."""
    silence_http()
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    return httpx.AsyncHTTPTransport(retries=0, limits=limits)


def _to(address: str, request: httpx.Request) -> httpx.Request:
    """The same request, headers included, for this address; TLS asks for the name all the same."""
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.host},
    )
