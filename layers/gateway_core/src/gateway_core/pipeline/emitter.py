"""Hands events on while a request runs, and bounds what the request waits for them.

A Lambda runs nothing after its answer, so what a request tells is waited for before it ends: for 150 ms in all. What is
not delivered by then goes on by itself, in a container at once, on Lambda while the next request runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from gateway_core.domain.provider_errors import ProviderError
from gateway_core.pipeline.request_state import RequestState
from gateway_core.ports import Clock
from gateway_core.routing.bounds import BoundedCandidate
from gateway_core.store.changes import Change
from gateway_core.store.records import UsageRecord
from gateway_core.telemetry.events import AttemptFailed, Event, FailedOver, RequestCost, StoreDegraded, of_changes
from gateway_core.telemetry.ports import EventSink
from gateway_core.telemetry.telemetry import Telemetry
from gateway_core.waiting import start_eagerly

MOST_WAIT_S = 0.15
MOST_UNDER_WAY = 256


class Emitter:
    """Notes what happens to a request, and hands it on by `send`. Only `finish` waits, a little; nothing raises."""

    def __init__(self, sink: EventSink, clock: Clock, telemetry: Telemetry) -> None:
        self._sink = sink
        self._clock = clock
        self._telemetry = telemetry
        self._under_way: set[asyncio.Task[None]] = set()

    def failed(self, state: RequestState, error: ProviderError) -> None:
        """Note that the request's latest attempt failed."""
        attempt, wait_s = state.attempts[-1], error.retry_after_s
        event = AttemptFailed(
            **self._head(state),
            model=attempt.model,
            provider=attempt.provider,
            error_code=error.code,
            latency_ms=attempt.latency_ms,
            retry_after_ms=None if wait_s is None else round(wait_s * 1000),
        )
        state.events.append(event)

    def moved_on(self, state: RequestState, before: BoundedCandidate, after: BoundedCandidate) -> None:
        """Note that another model was admitted after a failure."""
        event = FailedOver(
            **self._head(state),
            from_model=before.model.key,
            from_provider=before.model.provider,
            to_model=after.model.key,
            to_provider=after.model.provider,
            reason=state.errors[-1].code,
        )
        state.events.append(event)

    def degraded(self, state: RequestState) -> None:
        """Note that the request goes on without the store."""
        state.events.append(StoreDegraded(**self._head(state)))

    def changed(self, state: RequestState, changes: Iterable[Change]) -> None:
        """Note what a step of the store changed, once: a step that is repeated reports the same again."""
        news = [change for change in changes if change not in state.reported_changes]
        state.reported_changes.update(news)
        state.events += of_changes(news, state.ticket, state.models, self._clock.now_ms())

    def ended(self, state: RequestState, record: UsageRecord) -> None:
        """Note what the request cost."""
        state.events.append(RequestCost(at_ms=record.at_ms, project_id=record.project_id, record=record))

    def send(self, state: RequestState) -> None:
        """Hand on what was noted since the last time."""
        events, state.events = state.events, []
        if not events:
            return
        if len(self._under_way) >= MOST_UNDER_WAY:
            self._telemetry.events_failed(len(events), "too many are under way")
            return
        task = start_eagerly(self._emit(events))
        if task.done():
            return
        self._under_way.add(task)  # asyncio itself would let go of it
        task.add_done_callback(self._under_way.discard)
        state.emitting.append(task)

    async def finish(self, state: RequestState) -> None:
        """Hand on the rest, and wait until all is delivered, for at most 150 ms."""
        self.send(state)
        under_way = [task for task in state.emitting if not task.done()]
        if not under_way:
            return
        patience, delivery = start_eagerly(self._clock.sleep(MOST_WAIT_S)), start_eagerly(_all(under_way))
        try:
            await asyncio.wait({patience, delivery}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            patience.cancel()
            delivery.cancel()

    def _head(self, state: RequestState) -> dict[str, Any]:
        ticket = state.ticket
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
