"""Connections to base URLs that callers named: only to addresses that were checked, so that no second look-up differs.

The name is looked up once, each of its addresses is judged, and the connection is made to one of those. TLS still
proves the name. No connection is kept: the pool would know it by its address, and another name may share that.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Protocol

from gateway_core.adapters.upstream.network import Incoming, RefusedAddressError
from gateway_core.domain.addresses import may_connect
from gateway_core.http1 import ConnectError, Request
from gateway_core.http1.requests import Origin

type LookUp = Callable[[str, int], Awaitable[list[str]]]
"""The addresses of a host, in the order in which to try them. Raises OSError."""


class AddressedNetwork(Protocol):
    """A `Network` that can be told where to connect to."""

    async def send(self, request: Request, sending: Callable[[], None], /, *, address: str) -> Incoming:
        """Send to `address`; TLS asks for the name in the URL all the same."""
        ...

    async def close(self) -> None: ...


class GuardedNetwork:
    """Sends over `connections`, which keeps none, to addresses that `may_connect` allows."""

    def __init__(self, connections: AddressedNetwork, *, allow_private: bool, look_up: LookUp | None = None) -> None:
        self._connections = connections
        self._allow_private = allow_private
        self._look_up = look_up or addresses_of

    async def send(self, request: Request, sending: Callable[[], None]) -> Incoming:
        """Send. Raises RefusedAddressError before anything is connected to, if one of the addresses is refused."""
        found = await self._addresses(request.url.origin)
        if not found or not all(may_connect(address, allow_private=self._allow_private) for address in found):
            raise RefusedAddressError("The host has an address that is not allowed.")
        for address in found[:-1]:
            try:
                return await self._connections.send(request, sending, address=address)
            except ConnectError:
                continue
        return await self._connections.send(request, sending, address=found[-1])

    async def close(self) -> None:
        await self._connections.close()

    async def _addresses(self, origin: Origin) -> list[str]:
        try:
            return await self._look_up(origin.host, origin.port)
        except (OSError, UnicodeError):
            raise ConnectError("The host has no address.") from None


async def addresses_of(host: str, port: int) -> list[str]:
    """Of the system's resolver. Odd spellings of an address (decimal, octal, short) come out as what they mean."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
