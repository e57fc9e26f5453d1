"""Clients that take their time: their requests, and what they do with the answer."""

import asyncio
import json

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from local.slow_clients import BoundedProtocol, Bounds, bounded
from tests.loop_time import loop_time

BOUNDS = Bounds(headers_s=10, body_s=20, unread_s=30)
HEAD = b"POST /x HTTP/1.1\r\nhost: here\r\ncontent-length: 10\r\n\r\n"
GET = b"GET /x HTTP/1.1\r\nhost: here\r\n\r\n"


class Wire(asyncio.Transport):
    """What a client would see. With `stuck` it reads nothing: what is closed stays open for what was written."""

    def __init__(self, *, stuck=False):
        super().__init__()
        self._stuck = stuck
        self.written = b""
        self.closed = self.aborted = False
        self.protocol = None

    def get_extra_info(self, name, default=None):
        return default

    def write(self, data):
        self.written += data

    def is_closing(self):
        return self.closed

    def close(self):
        if not self.closed and not self._stuck:
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)
        self.closed = True

    def abort(self):
        self.closed = self.aborted = True
        asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    def pause_reading(self):
        pass

    def resume_reading(self):
        pass

    @property
    def answer(self):
        head, _, body = self.written.partition(b"\r\n\r\n")
        return int(head.split()[1]), body


async def reads(scope, receive, send):
    """Reads the whole body, then answers."""
    while (message := await receive()).get("more_body"):
        pass
    if message["type"] == "http.disconnect":
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


async def streams(scope, receive, send):
    """Sends as long as there is somebody."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while not scope["state"]["over"].is_set():
        await send({"type": "http.response.body", "body": b"x" * 10, "more_body": True})
        await asyncio.sleep(0)


def connect(app=reads, *, stuck=False):
    config = Config(app, http=bounded(BOUNDS), log_config=None, lifespan="off", ws="none", timeout_keep_alive=1000)
    config.load()
    state = {"over": asyncio.Event()}
    wire = Wire(stuck=stuck)
    wire.protocol = config.http_protocol_class(config=config, server_state=ServerState(), app_state=state)
    wire.protocol.connection_made(wire)
    wire.over = state["over"]
    return wire


def refused(wire):
    """Whether it was told, in the gateway's shape, that it took too long."""
    status, body = wire.answer
    return wire.closed and status == 408 and json.loads(body)["error"]["code"] == "request_timeout"


@pytest.mark.parametrize("sent", [b"", b"POST /x HTTP/1.1\r\nhost: he"])
async def test_headers_that_do_not_come(sent):
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


async def test_a_body_that_does_not_come():
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


async def test_a_request_in_time_is_not_touched():
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


async def test_a_refused_body_is_not_read_for_ever():
    """The answer was given before the body was whole."""

    async def refuses(scope, receive, send):
        await send({"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    with loop_time() as time:
        wire = connect(refuses)
        wire.protocol.data_received(HEAD)
        await time.passes(19)
        assert wire.answer[0] == 413
        await time.passes(2)
        assert wire.closed
        assert wire.written.count(b"HTTP/1.1") == 1


async def test_who_never_reads_is_cut_off():
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


async def test_what_nobody_reads_is_not_waited_for_at_the_end():
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


@pytest.mark.parametrize("asked", [GET, HEAD + b"1234567890"])
async def test_who_asks_for_another_protocol_goes_on_with_this_one(asked):
    """As Java's client does over plain HTTP: its body is read, and the connection takes its next request."""
    seen = []

    async def heard(scope, receive, send):
        message = await receive()
        seen.append(message["body"])
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    wire = connect(heard)
    upgrade = b"\r\nconnection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAEA\r\n\r\n"
    for sent in (asked.replace(b"\r\n\r\n", upgrade), GET):
        wire.protocol.data_received(sent)
        for _ in range(5):
            await asyncio.sleep(0)
    assert seen == [asked.partition(b"\r\n\r\n")[2], b""]
    assert (wire.written.count(b"200 OK"), wire.closed) == (2, False)


def test_the_defaults():
    """They are documented."""
    assert BoundedProtocol.bounds == Bounds(30, 120, 60)
