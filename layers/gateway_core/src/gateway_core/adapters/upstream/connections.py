"""The connections to providers: pools by event loop, apart for base URLs that callers named."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx

from gateway_core.adapters.upstream.guarded import GuardedTransport, LookUp, addresses_of, unshared_connections
from gateway_core.adapters.upstream.transport import connection_pool
from gateway_core.domain.chat import Reach


class Connections:
    """Connections belong to the event loop that opened them; a process may see several, one after the other.

    Args:
        connect: Makes the connections of one event loop.
        look_up: Finds the addresses of hosts that callers name.
    """

    def __init__(
        self, connect: Callable[[], httpx.AsyncBaseTransport] = connection_pool, look_up: LookUp = addresses_of
    ) -> None:
        self._connect = connect
        self._look_up = look_up
        self._pools: dict[asyncio.AbstractEventLoop, dict[Reach, httpx.AsyncBaseTransport]] = {}

    def pool(self, reach: Reach) -> httpx.AsyncBaseTransport:
        """The pool of the running event loop."""
        loop = asyncio.get_running_loop()
        if loop not in self._pools:
            for closed in [known for known in self._pools if known.is_closed()]:
                del self._pools[closed]
            self._pools[loop] = {}
        pools = self._pools[loop]
        if reach not in pools:
            pools[reach] = self._connect() if reach == "any" else self._guarded(reach)
        return pools[reach]

    def forget(self) -> None:
        """For a process that was restored from a snapshot: its connections belong to another machine."""
        self._pools.clear()

    async def close(self) -> None:
        """Close the connections of the running event loop."""
        for pool in self._pools.pop(asyncio.get_running_loop(), {}).values():
            await pool.aclose()

    def _guarded(self, reach: Reach) -> httpx.AsyncBaseTransport:
        return GuardedTransport(unshared_connections(), allow_private=reach == "private", look_up=self._look_up)
