"""Events to an EventBridge bus, by PutEvents.

boto3 blocks, so a batch has a thread. Nothing is sent twice: a late event is worth less than the request that waits for
it. Limits: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gateway_core.telemetry.events import Event
from gateway_core.telemetry.telemetry import Telemetry

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

MOST_ENTRIES = 10
MOST_BYTES = 256 * 1024
_TIME_BYTES = 14
_CONNECT_S = 0.5
_READ_S = 0.5
_THREADS = 4


def connect(**options: Any) -> EventBridgeClient:
    """A client that gives up soon and sends once. Half a second of CPU: made before the first request, not in it."""
    import boto3  # noqa: PLC0415 - only AWS has a use for it
    from botocore.config import Config  # noqa: PLC0415 - as above

    config = Config(
        connect_timeout=_CONNECT_S,
        read_timeout=_READ_S,
        retries={"total_max_attempts": 1},
        max_pool_connections=_THREADS,
        tcp_keepalive=True,
    )
    return boto3.client("events", config=config, **options)


class EventBridgeSink:
    """Implements the port `EventSink`. What does not arrive is counted by the metric EventsFailed."""

    def __init__(self, bus: str, telemetry: Telemetry, connect: Callable[[], EventBridgeClient] = connect) -> None:
        self._bus = bus
        self._telemetry = telemetry
        self._connect = connect
        self._client = connect()
        self._threads = ThreadPoolExecutor(_THREADS, "events")

    async def emit(self, events: Sequence[Event]) -> None:
        for batch in batches([self._entry(event) for event in events]):
            # Shielded: who stops waiting leaves it to its thread, which ends with an answer or a timeout.
            await asyncio.shield(asyncio.wrap_future(self._threads.submit(self._put, batch)))

    def forget_connections(self) -> None:
        """For a process that was restored from a snapshot."""
        self._client = self._connect()

    def close(self) -> None:
        """Let the threads end once their batches are sent."""
        self._threads.shutdown(wait=False)

    def _entry(self, event: Event) -> PutEventsRequestEntryTypeDef:
        rendered = event.render()
        return {
            "EventBusName": self._bus,
            "Time": datetime.fromtimestamp(event.at_ms / 1000, UTC),
            "Source": rendered["source"],
            "DetailType": rendered["detail-type"],
            "Detail": json.dumps(rendered["detail"], ensure_ascii=False, separators=(",", ":")),
        }

    def _put(self, batch: Sequence[PutEventsRequestEntryTypeDef]) -> None:
        try:
            answer = self._client.put_events(Entries=batch)
        except Exception as error:  # noqa: BLE001 - botocore and urllib3 raise dozens, and none may reach a request
            self._telemetry.events_failed(len(batch), type(error).__name__)
            return
        codes = [entry["ErrorCode"] for entry in answer["Entries"] if "ErrorCode" in entry]
        if codes:
            self._telemetry.events_failed(len(codes), codes[0])


def batches(entries: Sequence[PutEventsRequestEntryTypeDef]) -> Iterator[list[PutEventsRequestEntryTypeDef]]:
    """The entries in groups that PutEvents takes, in order. One that is too large alone is left for it to refuse."""
    batch: list[PutEventsRequestEntryTypeDef] = []
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


def size_of(entry: PutEventsRequestEntryTypeDef) -> int:
    """Bytes of an entry as EventBridge counts them."""
    texts = (entry["Source"], entry["DetailType"], entry["Detail"])
    return _TIME_BYTES + sum(len(text.encode()) for text in texts)
