"""Clients that take their time: their requests, and what they do with the answer."""

import json
from functools import partial

import pytest

from local.protocols import BoundedH11, BoundedProtocol
from local.slow_clients import Bounds
from tests.local import wire as wires
from tests.local.wire import GET, HEAD, KEEP_ALIVE_S, PROTOCOLS, refuses, streams
from tests.loop_time import loop_time


@pytest.fixture(params=PROTOCOLS)
def connect(request):
    """A connection by either protocol."""
    return partial(wires.connect, protocol=request.param)


def refused(wire):
    """Whether it was told, in the gateway's shape, that it took too long."""
    status, body = wire.answer
    return wire.closed and status == 408 and json.loads(body)["error"]["code"] == "request_timeout"


@pytest.mark.parametrize("sent", [b"", b"POST /x HTTP/1.1\r\nhost: he"])
async def test_headers_that_do_not_come(connect, sent):
    """However little of them came, and whatever comes drop by drop."""
    with loop_time() as time:
        wire = connect()
        wire.protocol.data_received(sent) if sent else None
        await time.passes(5)
        wire.protocol.data_received(b"r") if sent else None
        await time.passes(4.9)
        assert not wire.closed
        await time.passes(0.2)
        assert refused(wire)


async def test_a_body_that_does_not_come(connect):
    """The app hears that the client is gone."""
    with loop_time() as time:
        wire = connect()
        wire.protocol.data_received(HEAD)
        for _ in range(4):
            await time.passes(4.9)
            wire.protocol.data_received(b"1")
        assert not wire.closed
        await time.passes(0.5)
        assert refused(wire)
        await time.passes(1)
        assert wire.written.count(b"HTTP/1.1") == 1
        assert not wire.protocol.tasks


async def test_the_app_does_not_wait_for_what_nobody_reads(connect):
    """It hears that the client is gone while what was said to that lies there."""
    with loop_time() as time:
        wire = connect(stuck=True)
        wire.protocol.data_received(HEAD)
        await time.passes(0)
        assert wire.protocol.tasks
        await time.passes(21)
        assert (wire.statuses, bool(wire.protocol.tasks)) == ([408], False)
        wire.lose()


async def test_a_request_in_time_is_not_touched(connect):
    """Nor is the connection while it waits for the next one; what begins then has to come in time again."""
    with loop_time() as time:
        wire = connect()
        wire.protocol.data_received(HEAD)
        await time.passes(15)
        wire.protocol.data_received(b"1234567890")
        await time.passes(0)
        assert wire.answer[0] == 200
        await time.passes(500)
        assert not wire.closed
        wire.protocol.data_received(GET[:10])
        await time.passes(9)
        wire.protocol.data_received(GET[10:])
        await time.passes(100)
        assert (wire.written.count(b"200 OK"), wire.closed) == (2, False)
        wire.protocol.data_received(GET[:10])
        await time.passes(11)
        assert wire.closed
        assert b"408" in wire.written


async def test_a_refused_body_is_not_read_for_ever(connect):
    """The answer was given before the body was whole."""
    with loop_time() as time:
        wire = connect(refuses)
        wire.protocol.data_received(HEAD)
        await time.passes(19)
        assert wire.answer[0] == 413
        await time.passes(2)
        assert wire.closed
        assert wire.written.count(b"HTTP/1.1") == 1


async def test_who_never_reads_is_cut_off(connect):
    """After a time without taking anything; who takes a little goes on."""
    with loop_time() as time:
        wire = connect(streams)
        wire.protocol.data_received(GET)
        await time.passes(1)
        for _ in range(3):
            wire.protocol.pause_writing()
            await time.passes(29, steps=29)
            assert not wire.closed
            wire.protocol.resume_writing()
            await time.passes(1)
        wire.protocol.pause_writing()
        await time.passes(31, steps=31)
        assert wire.aborted
        wire.over.set()


async def test_what_nobody_reads_is_not_waited_for_at_the_end(connect):
    """The answer is over, and its rest lies there: the socket closes all the same."""
    with loop_time() as time:
        wire = connect(streams, stuck=True)
        wire.protocol.data_received(GET)
        await time.passes(0)
        wire.protocol.pause_writing()
        wire.protocol.shutdown()
        wire.close()
        await time.passes(0.5)
        assert not wire.aborted
        await time.passes(1)
        assert wire.aborted
        wire.over.set()


async def test_a_connection_is_bounded_where_the_answer_came_before_the_body(connect):
    """What came last was the body, and then nothing comes any more."""
    with loop_time() as time:
        wire = connect(refuses)
        wire.protocol.data_received(HEAD)
        await time.passes(1)
        wire.protocol.data_received(b"1234567890")
        await time.passes(KEEP_ALIVE_S - 1)
        assert not wire.closed
        await time.passes(2)
        assert (wire.closed, wire.statuses) == (True, [413])


async def test_a_client_that_resets_leaves_nothing(connect):
    """Neither a timer nor what the last request was: there may be thousands of them."""
    wire = connect()
    wire.protocol.data_received(GET)
    await wires.turns()
    idle = wire.protocol.timeout_keep_alive_task
    wire.closed = True
    wire.lose(ConnectionResetError())
    assert idle.cancelled()
    assert not wire.server.connections


async def test_a_client_that_resets_in_its_body_leaves_nothing(connect):
    """Nor the timer of what would have come."""
    wire = connect()
    wire.protocol.data_received(HEAD)
    await wires.turns()
    wire.closed = True
    wire.lose(ConnectionResetError())
    await wires.turns()
    assert (wire.protocol.untimed(), wire.server.connections, wire.server.tasks) == (None, set(), set())


def test_the_defaults():
    """They are documented."""
    assert BoundedProtocol.bounds == BoundedH11.bounds == Bounds(30, 120, 60)
