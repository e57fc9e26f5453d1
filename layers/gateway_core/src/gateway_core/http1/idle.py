"""Connections that nobody uses at the moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from gateway_core.http1.connection import Connection
from gateway_core.http1.requests import Origin


@dataclass(frozen=True, slots=True)
class _Kept:
    connection: Connection
    loop_s: float
    wall_s: float


class Idle:
    """Keeps `most` of them, each for `seconds`; the one that was used last is taken first.

    Both clocks are asked: the event loop's may stand still while the machine is frozen, the other may be set back.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, most: int, seconds: float, wall_s: Callable[[], float]) -> None:
        self._loop = loop
        self._most = most
        self._seconds = seconds
        self._wall_s = wall_s
        self._kept: dict[Origin, list[_Kept]] = {}
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None

    def put(self, connection: Connection) -> None:
        """Keep it, or close it if there are enough."""
        if self._count >= self._most:
            connection.abort()
            return
        self._count += 1
        self._kept.setdefault(connection.origin, []).append(_Kept(connection, self._loop.time(), self._wall_s()))
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._sweep)

    def take(self, origin: Origin) -> Connection | None:
        """One that looks alive."""
        kept = self._kept.get(origin)
        while kept:
            one = kept.pop()
            self._count -= 1
            if self._is_fresh(one) and one.connection.is_reusable and one.connection.is_quiet:
                return one.connection
            one.connection.abort()
        return None

    def clear(self) -> None:
        """Close all."""
        for kept in self._kept.values():
            for one in kept:
                one.connection.abort()
        self._kept, self._count = {}, 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _is_fresh(self, one: _Kept) -> bool:
        return max(self._loop.time() - one.loop_s, self._wall_s() - one.wall_s) < self._seconds

    def _sweep(self) -> None:
        self._timer = None
        for origin, kept in list(self._kept.items()):
            fresh = [one for one in kept if self._is_fresh(one) and one.connection.is_reusable]
            for one in kept:
                if one not in fresh:
                    one.connection.abort()
            self._count -= len(kept) - len(fresh)
            self._kept[origin] = fresh
            if not fresh:
                del self._kept[origin]
        if self._kept:
            oldest_s = min(kept[0].loop_s for kept in self._kept.values())
            self._timer = self._loop.call_at(oldest_s + self._seconds, self._sweep)
