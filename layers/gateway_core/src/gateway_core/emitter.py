"""Hands events on while a request runs, and bounds what the request waits for them.

A Lambda runs nothing after its answer, so what a request tells is waited for before it ends: for 150 ms in all. What is
not delivered by then goes on by itself, in a container at once, on Lambda while the next request runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gateway_core.eager import start
from gateway_core.events import Event
from gateway_core.ports import Clock, EventSink
from gateway_core.telemetry import Telemetry
from gateway_core.walk import Walk

MOST_WAIT_S = 0.15
MOST_UNDER_WAY = 256


class Emitter:
    """Emits the events that a `Walk` notes. Nothing here raises or waits, except `finish`, which waits a little."""

    def __init__(self, sink: EventSink, clock: Clock, telemetry: Telemetry) -> None:
        self._sink = sink
        self._clock = clock
        self._telemetry = telemetry
        self._under_way: set[asyncio.Task[None]] = set()

    def send(self, walk: Walk) -> None:
        """Hand on what was noted since the last time."""
        events, walk.events = walk.events, []
        if not events:
            return
        if len(self._under_way) >= MOST_UNDER_WAY:
            self._telemetry.events_failed(len(events), "too many are under way")
            return
        task = start(self._emit(events))
        if task.done():
            return
        self._under_way.add(task)  # asyncio itself would let go of it
        task.add_done_callback(self._under_way.discard)
        walk.emitting.append(task)

    async def _emit(self, events: Sequence[Event]) -> None:
        try:
            await self._sink.emit(events)
        except Exception as error:  # noqa: BLE001 - a sink that breaks its promise may not fail a request either
            self._telemetry.events_failed(len(events), type(error).__name__)

    async def finish(self, walk: Walk) -> None:
        """Hand on the rest, and wait until all is delivered, for at most 150 ms."""
        self.send(walk)
        under_way = [task for task in walk.emitting if not task.done()]
        if not under_way:
            return
        patience, delivery = start(self._clock.sleep(MOST_WAIT_S)), start(_all(under_way))
        try:
            await asyncio.wait({patience, delivery}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            patience.cancel()
            delivery.cancel()


async def _all(tasks: list[asyncio.Task[None]]) -> None:
    """Waits for them, without ending them when it is cancelled."""
    await asyncio.wait(tasks)
