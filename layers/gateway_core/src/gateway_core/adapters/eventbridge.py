"""Events to an EventBridge bus, by PutEvents.

A call blocks, so a batch has a thread. Nothing is sent twice: a late event is worth less than the request that waits
for it. Limits: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypedDict

from gateway_core.adapters.aws import Account, AwsError, JsonCalls, Service, Timeouts
from gateway_core.domain.compact_json import compact
from gateway_core.telemetry.events import Event
from gateway_core.telemetry.telemetry import Telemetry

MOST_ENTRIES = 10
MOST_BYTES = 256 * 1024
_TIME_BYTES = 14
_TIMEOUTS = Timeouts(connect_s=0.5, read_s=0.5)
_THREADS = 4


class Entry(TypedDict):
    """An event as PutEvents takes it; `Time` in seconds."""

    EventBusName: str
    Time: int
    Source: str
    DetailType: str
    Detail: str


class Calls(Protocol):
    """EventBridge, as `JsonCalls` is."""

    def call(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]: ...

    def close(self) -> None: ...


def connect(environ: Mapping[str, str]) -> JsonCalls:
    """Gives up soon, and sends once."""
    return JsonCalls(Service("events", "EventBridge", "AWSEvents"), Account(environ), _TIMEOUTS)


class EventBridgeSink:
    """Implements the port `EventSink`. What does not arrive is counted by the metric EventsFailed."""

    def __init__(self, bus: str, telemetry: Telemetry, calls: Calls) -> None:
        self._bus = bus
        self._telemetry = telemetry
        self._calls = calls
        self._threads = ThreadPoolExecutor(_THREADS, "events")

    async def emit(self, events: Sequence[Event]) -> None:
        for batch in batches([self._entry(event) for event in events]):
            # Shielded: who stops waiting leaves it to its thread, which ends with an answer or a timeout.
            await asyncio.shield(asyncio.wrap_future(self._threads.submit(self._put, batch)))

    def forget_connections(self) -> None:
        """For a process that was restored from a snapshot."""
        self._calls.close()

    def close(self) -> None:
        """Let the threads end once their batches are sent."""
        self._threads.shutdown(wait=False)
        self._calls.close()

    def _entry(self, event: Event) -> Entry:
        rendered = event.render()
        return {
            "EventBusName": self._bus,
            "Time": event.at_ms // 1000,
            "Source": rendered["source"],
            "DetailType": rendered["detail-type"],
            "Detail": compact(rendered["detail"]),
        }

    def _put(self, batch: Sequence[Entry]) -> None:
        try:
            answer = self._calls.call("PutEvents", {"Entries": batch})
        except Exception as error:  # noqa: BLE001 - whatever it is, it may not reach a request
            self._telemetry.events_failed(
                len(batch), error.code if isinstance(error, AwsError) else type(error).__name__
            )
            return
        codes = [str(entry["ErrorCode"]) for entry in answer.get("Entries", ()) if entry.get("ErrorCode")]
        if codes:
            self._telemetry.events_failed(len(codes), codes[0])


def batches(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """The entries in groups that PutEvents takes, in order. One that is too large alone is left for it to refuse."""
    batch: list[Entry] = []
    size = 0
    for entry in entries:
        added = size_of(entry)
        if batch and (len(batch) == MOST_ENTRIES or size + added > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += added
    if batch:
        yield batch


def size_of(entry: Entry) -> int:
    """Bytes of an entry as EventBridge counts them."""
    texts = (entry["Source"], entry["DetailType"], entry["Detail"])
    return _TIME_BYTES + sum(len(text.encode()) for text in texts)
