"""The seams of telemetry: sinks of events, three in all, and tracers, of which X-Ray's is the only one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway_core.domain.result import Attempt
from gateway_core.telemetry.events import Event


class Tracer(Protocol):
    """Shows single requests to whoever follows one through the system."""

    def attempt(self, request_id: str, attempt: Attempt, ended_ms: int) -> None:
        """One call of a model ended at `ended_ms`. Never raises and never waits."""
        ...


class EventSink(Protocol):
    """Delivers events to whoever is interested."""

    async def emit(self, events: Sequence[Event]) -> None:
        """Deliver them, in order. Never raises: what cannot be delivered is counted by the metric EventsFailed."""
        ...
