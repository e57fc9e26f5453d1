"""A stream's last message: sent to every client that is there and reads, however late its source is."""

import asyncio

import pytest

from gateway_core.api.sse import HEARTBEAT, UNREAD_S, EventStream, event
from tests.loop_time import loop_time

LONGEST_S = 10


async def silent_forever():
    """A client that stays."""
    await asyncio.Event().wait()


def serving(source, send):
    """The stream at work."""
    stream = EventStream(source, {}, longest_s=LONGEST_S)
    return asyncio.create_task(stream({"type": "http"}, silent_forever, send))


@pytest.mark.parametrize("late_s", [UNREAD_S + 1, 10 * UNREAD_S])
async def test_a_late_source_is_heard_to_its_end_by_a_client_that_reads(late_s):
    """Its books are being closed: the error and the end of the answer still go out."""
    closed, sent = asyncio.Event(), []

    async def source():
        yield event("a")
        await closed.wait()
        yield event("too late", "error")

    async def send(message):
        sent.append(message)

    with loop_time() as time:
        answering = serving(source(), send)
        await time.passes(0)
        await time.passes(LONGEST_S + late_s, steps=round(LONGEST_S + late_s))
        assert not answering.done()
        closed.set()
        await answering
    bodies = [one["body"] for one in sent[1:]]
    assert [body for body in bodies if body != HEARTBEAT] == [event("a"), event("too late", "error"), b""]
    assert [one["more_body"] for one in sent[1:]] == [True] * (len(sent) - 2) + [False]


async def test_a_client_that_stops_reading_after_the_time_is_waited_for_no_longer_than_others():
    """The time for each message is its own, from when it was begun."""
    late, closed, sent = asyncio.Event(), [], []

    async def source():
        try:
            yield event("a")
            await late.wait()
            yield event("b")
        finally:
            closed.append(True)

    async def send(message):
        if message.get("body") == event("b"):
            await asyncio.Event().wait()
        sent.append(message)

    with loop_time() as time:
        answering = serving(source(), send)
        await time.passes(0)
        await time.passes(LONGEST_S + UNREAD_S + 2, steps=34)
        late.set()
        await time.passes(0)
        await time.passes(UNREAD_S - 0.1, steps=10)
        assert (answering.done(), closed) == (False, [])
        await time.passes(0.2)
        assert (answering.done(), closed) == (True, [True])
        await answering
    assert all(one["more_body"] for one in sent[1:])
