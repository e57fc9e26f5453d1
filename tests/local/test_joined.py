"""What leaves together: an answer's head and the first of its body."""

import asyncio

import pytest

from local.joined import JoinedTransport
from local.serving import bind, running, server_for

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n"


class Below(asyncio.Transport):
    """The transport that it is over, with each write by itself."""

    def __init__(self):
        super().__init__()
        self.writes = []
        self.ended = ""
        self.protocol = None

    def write(self, data):
        self.writes.append(bytes(data))

    def close(self):
        self.ended = "closed"

    def abort(self):
        self.ended = "aborted"

    def is_closing(self):
        return bool(self.ended)

    def get_extra_info(self, name, default=None):
        return {"peername": ("127.0.0.1", 9)}.get(name, default)

    def get_write_buffer_size(self):
        return 7

    def set_protocol(self, protocol):
        self.protocol = protocol

    def pause_reading(self):
        self.reading = False

    def resume_reading(self):
        self.reading = True

    def is_reading(self):
        return self.reading


@pytest.fixture
async def below():
    return Below()


@pytest.fixture
async def transport(below):
    return JoinedTransport(below, asyncio.get_running_loop())


async def test_a_head_leaves_with_what_follows(transport, below):
    """In one write; what comes then goes as it comes."""
    transport.write(HEAD)
    assert (below.writes, transport.get_write_buffer_size()) == ([], 7 + len(HEAD))
    transport.write(b"body")
    transport.write(b"more")
    assert below.writes == [HEAD + b"body", b"more"]
    await asyncio.sleep(0)
    assert below.writes == [HEAD + b"body", b"more"]


async def test_a_head_alone_waits_for_no_more_than_a_turn(transport, below):
    """A stream's first event may be long in coming."""
    transport.write(HEAD)
    await asyncio.sleep(0)
    assert below.writes == [HEAD]
    transport.writelines([b"a", b"b"])
    assert below.writes == [HEAD, b"ab"]


async def test_two_heads_keep_their_order(transport, below):
    """As of an interim answer and the one behind it."""
    transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    transport.write(HEAD)
    await asyncio.sleep(0)
    assert b"".join(below.writes) == b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD


async def test_closing_loses_nothing(transport, below):
    """Cutting off does, as ever."""
    transport.write(HEAD)
    transport.close()
    assert (below.writes, below.ended, transport.is_closing()) == ([HEAD], "closed", True)


async def test_what_is_cut_off_is_not_written(transport, below):
    """Neither now nor later."""
    transport.write(HEAD)
    transport.abort()
    await asyncio.sleep(0)
    assert (below.writes, below.ended) == ([], "aborted")


async def test_the_rest_is_the_other_transports(transport, below):
    """Addresses, reading, and whose protocol it is."""
    transport.pause_reading()
    assert not transport.is_reading()
    transport.resume_reading()
    assert transport.is_reading()
    transport.set_protocol(protocol := asyncio.Protocol())
    assert below.protocol is protocol
    assert (transport.get_extra_info("peername")[1], transport.get_extra_info("none", 3)) == (9, 3)


async def test_a_server_answers_in_one_piece():
    """Over a real connection: one read has all of a short answer."""

    async def app(scope, receive, send):
        if scope["type"] != "http":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        await send({"type": "http.response.body", "body": b"body"})

    class Reads(asyncio.Protocol):
        def __init__(self):
            self.pieces = []
            self.first = asyncio.get_running_loop().create_future()

        def data_received(self, data):
            self.pieces.append(data)
            if not self.first.done():
                self.first.set_result(data)

    with running(server_for(app), bind(), 1) as url:
        port = int(url.rpartition(":")[2])
        writer, reads = await asyncio.get_running_loop().create_connection(Reads, "127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nhost: here\r\n\r\n")
        assert (await reads.first).endswith(b"\r\n\r\nbody")
        writer.close()
