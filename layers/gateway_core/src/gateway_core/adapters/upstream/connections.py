"""The connections to providers: pools by event loop, apart for base URLs that callers named."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway_core.adapters.upstream.guarded import GuardedNetwork, LookUp, addresses_of
from gateway_core.adapters.upstream.network import Network
from gateway_core.domain.chat import Reach
from gateway_core.http1 import LazyTls, Limits, Pool

_SHARED, _UNSHARED = Limits(), Limits(keep=0)


class Connections:
    """Connections belong to the event loop that opened them; a process may see several, one after the other.

    Args:
        connect: Makes the connections of one event loop, in place of a pool.
        look_up: Finds the addresses of hosts that callers name.
    """

    def __init__(self, connect: Callable[[], Network] | None = None, look_up: LookUp = addresses_of) -> None:
        self._tls = LazyTls()
        self._connect = connect or self._shared
        self._look_up = look_up
        self._networks: dict[asyncio.AbstractEventLoop, dict[Reach, Network]] = {}

    def network(self, reach: Reach) -> Network:
        """That of the running event loop."""
        loop = asyncio.get_running_loop()
        if loop not in self._networks:
            for closed in [known for known in self._networks if known.is_closed()]:
                del self._networks[closed]
            self._networks[loop] = {}
        networks = self._networks[loop]
        if reach not in networks:
            networks[reach] = self._connect() if reach == "any" else self._guarded(reach)
        return networks[reach]

    def forget(self) -> None:
        """For a process that was restored from a snapshot: its connections belong to another machine."""
        self._networks.clear()

    async def close(self) -> None:
        """Close the connections of the running event loop."""
        for network in self._networks.pop(asyncio.get_running_loop(), {}).values():
            await network.close()

    def _shared(self) -> Network:
        return Pool(_SHARED, self._tls)

    def _guarded(self, reach: Reach) -> Network:
        return GuardedNetwork(Pool(_UNSHARED, self._tls), allow_private=reach == "private", look_up=self._look_up)
