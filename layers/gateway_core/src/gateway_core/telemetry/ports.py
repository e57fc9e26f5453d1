"""The seams of telemetry: sinks of events, three in all, X-Ray's tracer, and what observes a whole process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from gateway_core.domain.result import Attempt
from gateway_core.store.records import UsageRecord
from gateway_core.telemetry.events import Event


class Tracer(Protocol):
    """Shows single requests to whoever follows one through the system."""

    def attempt(self, request_id: str, attempt: Attempt, ended_ms: int) -> None:
        """One call of a model ended at `ended_ms`. Never raises and never waits."""
        ...


class Observer(Protocol):
    """Hears what the operator is told, as it happens. Never raises and never waits."""

    def measured(self, provider: str, values: Mapping[str, float]) -> None:
        """What CloudWatch would be told: metrics by name (docs/operations.md), of a provider where it is known."""
        ...

    def attempted(self, request_id: str, attempt: Attempt, ended_ms: int) -> None:
        """One call of a model ended at `ended_ms`."""
        ...

    def requested(self, record: UsageRecord, first_token_ms: int | None) -> None:
        """A request ended, and this is what the books get. `first_token_ms` is None where nothing was streamed."""
        ...


class EventSink(Protocol):
    """Delivers events to whoever is interested."""

    async def emit(self, events: Sequence[Event]) -> None:
        """Deliver them, in order. Never raises: what cannot be delivered is counted by the metric EventsFailed."""
        ...
