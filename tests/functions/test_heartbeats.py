"""Event streams: comments while nothing comes, and a source that ends with its client."""

import asyncio

import pytest

from gateway_core.api.sse import HEARTBEAT, EventStream, event


async def silent_forever():
    """A client that stays."""
    await asyncio.Event().wait()


async def test_silence_is_filled_with_comments():
    """A heartbeat for each interval without an event; the source is closed at the end, and nothing comes after it."""
    go, closed, sent = asyncio.Event(), [], []

    async def source():
        try:
            yield event("a")
            await go.wait()
            yield event("b")
        finally:
            closed.append(True)

    async def send(message):
        sent.append(message)
        if [one.get("body") for one in sent].count(HEARTBEAT) == 2:
            go.set()

    await EventStream(source(), {}, heartbeat_s=0.01)({"type": "http"}, silent_forever, send)
    parts = [one["body"] for one in sent[1:]]
    assert parts[0] == b"data: a\n\n"
    assert parts[1:3] == [HEARTBEAT, HEARTBEAT]
    assert [part for part in parts if part not in (HEARTBEAT, b"")] == [b"data: a\n\n", b"data: b\n\n"]
    assert not sent[-1]["more_body"]
    assert all(one["more_body"] for one in sent[1:-1])
    assert closed == [True]


async def test_a_heartbeat_waits_for_the_event_that_is_being_sent():
    """One message at a time: a client that takes an event slowly is not silent meanwhile."""
    taking, sent = 0, []

    async def source():
        yield event("a")

    async def send(message):
        nonlocal taking
        taking += 1
        assert taking == 1
        await asyncio.sleep(0.05 if message.get("body") else 0)
        sent.append(message.get("body"))
        taking -= 1

    await EventStream(source(), {}, heartbeat_s=0.01)({"type": "http"}, silent_forever, send)
    assert sent == [None, b"data: a\n\n", b""]


async def test_a_client_that_broke_in_silence_ends_the_source():
    """The heartbeat finds out."""
    closed = []

    async def source():
        try:
            yield event("a")
            await asyncio.Event().wait()
        finally:
            closed.append(True)

    async def send(message):
        if message.get("body") == HEARTBEAT:
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await EventStream(source(), {}, heartbeat_s=0.01)({"type": "http"}, silent_forever, send)
    assert closed == [True]


async def test_a_client_who_leaves_ends_the_source():
    """Also while the source is silent."""
    closed = asyncio.Event()
    left = asyncio.Event()

    async def source():
        try:
            yield event("a")
            await asyncio.Event().wait()
        finally:
            closed.set()

    sent = []

    async def receive():
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)
        if message.get("body"):
            left.set()

    await EventStream(source(), {})({"type": "http"}, receive, send)
    assert closed.is_set()
    assert sent[-1]["more_body"] is True


async def test_a_client_that_broke_ends_the_source():
    """A send that fails closes the source too."""
    closed = []

    async def source():
        try:
            yield event("a")
            yield event("b")
        finally:
            closed.append(True)

    async def receive():
        await asyncio.Event().wait()

    async def send(message):
        if message.get("body"):
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await EventStream(source(), {})({"type": "http"}, receive, send)
    assert closed == [True]
