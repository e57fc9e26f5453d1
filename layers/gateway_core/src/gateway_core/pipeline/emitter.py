"""Hands events on while a request runs, and bounds what the request waits for them.

A Lambda runs nothing after its answer, so what a request tells is waited for before it ends: for 150 ms in all. What is
not delivered by then goes on by itself, in a container at once, on Lambda while the next request runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from gateway_core.domain.errors import ProviderError
from gateway_core.pipeline.request_state import Walk
from gateway_core.ports import Clock
from gateway_core.routing.bounds import Offer
from gateway_core.store.changes import Change
from gateway_core.store.messages import UsageRecord
from gateway_core.telemetry.events import AttemptFailed, Event, FailedOver, RequestCost, StoreDegraded, of_changes
from gateway_core.telemetry.ports import EventSink
from gateway_core.telemetry.start_eagerly import start
from gateway_core.telemetry.telemetry import Telemetry

MOST_WAIT_S = 0.15
MOST_UNDER_WAY = 256


class Emitter:
    """Notes what happens on a `Walk`, and hands it on by `send`. Only `finish` waits, a little; nothing raises."""

    def __init__(self, sink: EventSink, clock: Clock, telemetry: Telemetry) -> None:
        self._sink = sink
        self._clock = clock
        self._telemetry = telemetry
        self._under_way: set[asyncio.Task[None]] = set()

    def failed(self, walk: Walk, error: ProviderError) -> None:
        """Note that the walk's latest attempt failed."""
        attempt, wait_s = walk.attempts[-1], error.retry_after_s
        event = AttemptFailed(
            **self._head(walk),
            model=attempt.model,
            provider=attempt.provider,
            error_code=error.code,
            latency_ms=attempt.latency_ms,
            retry_after_ms=None if wait_s is None else round(wait_s * 1000),
        )
        walk.events.append(event)

    def moved_on(self, walk: Walk, before: Offer, after: Offer) -> None:
        """Note that another model was admitted after a failure."""
        event = FailedOver(
            **self._head(walk),
            from_model=before.model.key,
            from_provider=before.model.provider,
            to_model=after.model.key,
            to_provider=after.model.provider,
            reason=walk.errors[-1].code,
        )
        walk.events.append(event)

    def degraded(self, walk: Walk) -> None:
        """Note that the walk goes on without the store."""
        walk.events.append(StoreDegraded(**self._head(walk)))

    def changed(self, walk: Walk, changes: Iterable[Change]) -> None:
        """Note what a step of the store changed, once: a step that is repeated reports the same again."""
        news = [change for change in changes if change not in walk.told]
        walk.told.update(news)
        walk.events += of_changes(news, walk.ticket, walk.models, self._clock.now_ms())

    def ended(self, walk: Walk, record: UsageRecord) -> None:
        """Note what the request cost."""
        walk.events.append(RequestCost(at_ms=record.at_ms, project_id=record.project_id, record=record))

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

    def _head(self, walk: Walk) -> dict[str, Any]:
        ticket = walk.ticket
        return {
            "at_ms": self._clock.now_ms(),
            "project_id": ticket.project_id,
            "request_id": ticket.request_id,
        }

    async def _emit(self, events: Sequence[Event]) -> None:
        try:
            await self._sink.emit(events)
        except Exception as error:  # noqa: BLE001 - a sink that breaks its promise may not fail a request either
            self._telemetry.events_failed(len(events), type(error).__name__)


def emit_from_thread(sink: EventSink, event: Event) -> None:
    """Emit one event from a thread that has no event loop; returns when it is delivered or lost."""
    asyncio.run(sink.emit([event]))


async def _all(tasks: list[asyncio.Task[None]]) -> None:
    """Waits for them, without ending them when it is cancelled."""
    await asyncio.wait(tasks)
