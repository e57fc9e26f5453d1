"""Sinks for events that need no service: the log, and several at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gateway_core.telemetry.events import Event
from gateway_core.telemetry.ports import EventSink
from gateway_core.telemetry.telemetry import Telemetry
from gateway_core.waiting import start_eagerly


class EventLog:
    """Implements the port `EventSink` by log lines and metrics."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    async def emit(self, events: Sequence[Event]) -> None:
        for event in events:
            self._telemetry.event(event)


class FanOut:
    """Implements the port `EventSink`: hands on to all of its sinks at the same time."""

    def __init__(self, *sinks: EventSink) -> None:
        self._sinks = list(sinks)

    def attach(self, sink: EventSink) -> None:
        """Hand on to this one too."""
        self._sinks.append(sink)

    async def emit(self, events: Sequence[Event]) -> None:
        tasks = [start_eagerly(sink.emit(events)) for sink in self._sinks]
        if not all(task.done() for task in tasks):
            await asyncio.gather(*tasks, return_exceptions=True)
        if failures := [error for task in tasks if (error := task.exception())]:
            raise failures[0]
