"""What every sink of events does, and what EventBridge gets."""

from __future__ import annotations

import asyncio
import io
import json
import threading
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway_core.adapters.aws import AwsError
from gateway_core.adapters.eventbridge import MOST_BYTES, EventBridgeSink, batches, connect, size_of
from gateway_core.adapters.feed import EventFeed
from gateway_core.pipeline.emitter import emit_from_thread
from gateway_core.telemetry.events import OperatorEvent
from gateway_core.telemetry.ports import EventSink
from gateway_core.telemetry.sinks import EventLog, FanOut
from gateway_core.telemetry.telemetry import Telemetry
from tests.patience import patience

NOON = 1_795_176_000_000
BUS = "llm-gateway-events"


def events(count: int, **details: str) -> list[OperatorEvent]:
    return [
        OperatorEvent(at_ms=NOON + i, kind="config.reloaded", details={"number": i, **details}) for i in range(count)
    ]


class Log(Telemetry):
    """A telemetry whose lines can be read."""

    def __init__(self) -> None:
        self.text = io.StringIO()
        super().__init__(stream=self.text, service=uuid.uuid4().hex)

    def lines(self, message: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.text.getvalue().splitlines()]
        return [line for line in lines if line["message"] == message]


class Client:
    """Stands for calls of EventBridge; `behave` answers, or fails as the network or EventBridge would."""

    def __init__(self, behave: Any = None) -> None:
        self.batches: list[Any] = []
        self.closed = 0
        self._behave = behave

    def call(self, operation: str, arguments: Any) -> Any:
        assert operation == "PutEvents"
        self.batches.append(arguments["Entries"])
        if self._behave:
            return self._behave(arguments["Entries"])
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"} for _ in arguments["Entries"]]}

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture(params=["log", "feed", "fan out", "eventbridge", "eventbridge down"])
def sink(request: pytest.FixtureRequest, log: Log) -> EventSink:
    """Each of them; the last cannot deliver anything."""

    def down(entries: Any) -> Any:
        raise AwsError("ConnectTimeoutError", passing=True)

    sinks: dict[str, EventSink] = {
        "log": EventLog(log),
        "feed": EventFeed(),
        "fan out": FanOut(EventLog(log), EventFeed(), EventBridgeSink(BUS, log, Client())),
        "eventbridge": EventBridgeSink(BUS, log, Client()),
        "eventbridge down": EventBridgeSink(BUS, log, Client(down)),
    }
    return sinks[request.param]


@pytest.mark.parametrize("count", [0, 1, 25])
async def test_emitting_never_raises(sink, count):
    """Whatever becomes of the events."""
    assert await sink.emit(events(count)) is None


async def test_many_may_emit_at_once(sink):
    """None of them raises."""
    assert await asyncio.gather(*(sink.emit(events(3)) for _ in range(20))) == [None] * 20


async def test_requests_do_not_wait_for_each_others_events(log):
    """Two deliveries are under way at the same time: each ends only once the other has begun."""
    together = threading.Barrier(2, timeout=patience(10))

    def meet(entries: Any) -> Any:
        together.wait()
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"} for _ in entries]}

    client = Client(meet)
    sink = EventBridgeSink(BUS, log, client)
    await asyncio.gather(sink.emit(events(1)), sink.emit(events(1)))
    assert len(client.batches) == 2
    assert log.lines("events failed") == []


async def test_the_bus_gets_what_is_documented(aws, log):
    """EventBridge takes all entries; source, type, time and detail are those of docs/events.md."""
    client = aws.client("events")
    client.create_event_bus(Name=BUS)
    seen = Watched(connect(aws.environ))
    sink, sent = EventBridgeSink(BUS, log, seen), events(12)
    await sink.emit(sent)
    assert log.text.getvalue() == ""
    assert [
        {"source": entry["Source"], "detail-type": entry["DetailType"], "detail": json.loads(entry["Detail"])}
        for entry in seen.entries
    ] == [event.render() for event in sent]
    assert {(entry["EventBusName"], entry["Time"]) for entry in seen.entries} == {(BUS, NOON // 1000)}
    assert [entry["EventId"] != "" for entry in seen.answered] == [True] * 12
    sink.close()


class Watched:
    """Hands on to EventBridge, and notes what goes there and comes back."""

    def __init__(self, calls: Any) -> None:
        self._calls = calls
        self.entries: list[Any] = []
        self.answered: list[Any] = []
        self.close = calls.close

    def call(self, operation: str, arguments: Any) -> Any:
        self.entries += arguments["Entries"]
        answer = self._calls.call(operation, arguments)
        self.answered += answer["Entries"]
        return answer


def test_botocore_would_send_the_same(aws, log):
    """Of the same events, and the same moment."""
    sent: list[Any] = []
    client = aws.client("events")
    client.create_event_bus(Name=BUS)
    client.meta.events.register("before-send", lambda request, **_: sent.append(json.loads(request.body)))
    entries = [EventBridgeSink(BUS, log, Client())._entry(event) for event in events(3, text="é")]
    client.put_events(Entries=[{**entry, "Time": datetime.fromtimestamp(entry["Time"], UTC)} for entry in entries])
    assert sent == [{"Entries": entries}]


async def test_a_bus_that_is_not_there_is_counted(aws, log):
    """EventBridge refuses, and the request knows nothing of it."""
    sink = EventBridgeSink("nowhere", log, connect(aws.environ))
    await sink.emit(events(2))
    (line,) = log.lines("events failed")
    assert (line["count"], line["detail"]) == (2, "ResourceNotFoundException")
    sink.close()


async def test_entries_that_are_refused_are_counted(log):
    """The others have arrived."""

    def refuse(entries: Any) -> Any:
        answers = [{"ErrorCode": "InternalFailure"} if i % 2 else {"EventId": "1"} for i in range(len(entries))]
        return {"FailedEntryCount": len(entries) // 2, "Entries": answers}

    await EventBridgeSink(BUS, log, Client(refuse)).emit(events(5))
    (line,) = log.lines("events failed")
    assert (line["count"], line["detail"]) == (2, "InternalFailure")


async def test_who_stops_waiting_does_not_stop_the_delivery(log):
    """The thread ends by itself, and counts what it could not deliver."""
    asked, may_fail = threading.Event(), threading.Event()

    def slow(entries: Any) -> Any:
        asked.set()
        may_fail.wait(patience(10))
        raise TimeoutError

    sink = EventBridgeSink(BUS, log, Client(slow))
    waiting = asyncio.create_task(sink.emit(events(1)))
    await asyncio.to_thread(asked.wait, 10)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    may_fail.set()
    sink._threads.shutdown(wait=True)
    assert [line["detail"] for line in log.lines("events failed")] == ["TimeoutError"]


async def test_a_batch_keeps_to_the_limits_of_put_events(log):
    """Ten entries, 256 KB; nothing is lost and the order stays."""
    client = Client()
    sent = events(23) + events(5, text="x" * 100_000) + events(2, text="é" * (MOST_BYTES // 2))
    await EventBridgeSink(BUS, log, client).emit(sent)
    assert [len(batch) for batch in client.batches] == [10, 10, 5, 2, 1, 1, 1]
    for batch in client.batches:
        assert len(batch) == 1 or sum(size_of(entry) for entry in batch) <= MOST_BYTES
    told = [json.loads(entry["Detail"]) for batch in client.batches for entry in batch]
    assert told == [event.render()["detail"] for event in sent]
    assert list(batches([])) == []


def test_a_restored_process_connects_anew(log):
    """The connections of a snapshot lead nowhere."""
    client = Client()
    EventBridgeSink(BUS, log, client).forget_connections()
    assert client.closed == 1


async def test_a_feed_gives_what_it_kept_and_then_what_comes(log):
    """From a number on; a reader sees a gap when it was too slow."""
    feed = EventFeed(kept=3)
    await feed.emit(events(5))
    reader = feed.read(after=3)
    assert [(await anext(reader)).number for _ in range(2)] == [4, 5]
    coming = asyncio.ensure_future(anext(reader))
    await feed.emit(events(1))
    assert (await coming).number == 6
    assert [entry.number for entry in feed.entries] == [4, 5, 6]
    await reader.aclose()
    assert not feed._readers


async def test_a_thread_without_a_loop_emits_too(log):
    """As the one that reads the configuration anew; readers on another loop hear of it."""
    feed = EventFeed()
    coming = asyncio.ensure_future(anext(feed.read(after=0)))
    await asyncio.sleep(0)
    await asyncio.to_thread(emit_from_thread, FanOut(feed, EventBridgeSink(BUS, log, Client())), events(1)[0])
    assert (await coming).event == events(1)[0]


async def test_a_closed_feed_ends_its_readers():
    """Those that wait, and those that come later."""
    feed = EventFeed()
    waiting = asyncio.ensure_future(anext(feed.read(after=0), None))
    await asyncio.sleep(0)
    feed.close()
    assert await waiting is None
    assert await anext(feed.read(after=0), None) is None


async def test_a_slow_sink_does_not_keep_events_from_the_others():
    """All of a fan-out start at the same time."""

    class Hanging:
        async def emit(self, sent: Any) -> None:
            await asyncio.Event().wait()

    feed = EventFeed()
    several = FanOut(Hanging())
    several.attach(feed)
    emitting = asyncio.create_task(several.emit(events(1)))
    await asyncio.sleep(0)
    assert [entry.number for entry in feed.entries] == [1]
    emitting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await emitting
