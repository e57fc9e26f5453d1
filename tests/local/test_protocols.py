"""One connection of the gateway's server: which library reads it, and what stays true when another one goes on."""

import gc
import json
import weakref

import pytest

from tests.local.wire import (
    GET,
    HEAD,
    KEEP_ALIVE_S,
    UPGRADE,
    Listener,
    connect,
    refuses,
    streams,
    turns,
)
from tests.loop_time import loop_time

BODY = b"1234567890"
POST = HEAD + BODY
ASKS_FOR_HTTP2 = POST.replace(b"host: here\r\n", b"host: here\r\n" + UPGRADE)
CHUNKED = b"POST /x HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\n5\r\n67890\r\n0\r\n%b\r\n"
WAIT = GET.replace(b"/x", b"/wait")
CURL = b"POST /x HTTP/1.1\r\nHost: h:1\r\nUser-Agent: curl/8\r\nAccept: */*\r\nContent-Length: 10\r\n\r\n" + BODY


def opened():
    """Who answers all at once, and a connection to it."""
    listener = Listener()
    listener.open.set()
    return listener, connect(listener)


@pytest.mark.parametrize("pieces", [[GET], [POST], [HEAD, BODY], [HEAD, BODY[:3], BODY[3:]], [CURL]])
async def test_what_is_plain_is_read_by_llhttp(pieces):
    """As long as the connection lasts."""
    listener, wire = opened()
    for _ in range(3):
        for piece in pieces:
            wire.receive(piece)
            await turns()
    body = BODY if len(b"".join(pieces)) > len(GET) else b""
    assert (wire.reader, listener.bodies, wire.statuses) == ("llhttp", [body] * 3, [200] * 3)


@pytest.mark.parametrize("first", [b"", GET])
async def test_who_asks_for_another_protocol_goes_on_with_this_one(first):
    """As Java's client does over plain HTTP: its body is read, wherever it is cut, and the next one with it."""
    for cut in range(1, len(ASKS_FOR_HTTP2), 7 if first else 1):
        listener, wire = opened()
        for piece in (first, ASKS_FOR_HTTP2[:cut], ASKS_FOR_HTTP2[cut:], ASKS_FOR_HTTP2, GET):
            wire.receive(piece) if piece else None
            await turns(6)
        assert listener.bodies == [b""] * bool(first) + [BODY, BODY, b""]
        assert (set(wire.statuses), wire.closed, wire.reader) == ({200}, False, "h11")


@pytest.mark.parametrize("behind", [ASKS_FOR_HTTP2, POST, CHUNKED % b"", CHUNKED % b"x-sum: 1\r\n"])
async def test_what_comes_behind_an_open_answer_is_read_when_that_is_over(behind):
    """In order, each with its own body, and not before: it may be anything."""
    listener = Listener()
    wire = connect(listener)
    wire.receive(WAIT + behind[:30])
    await turns()
    wire.receive(behind[30:] + GET)
    await turns()
    assert (listener.bodies, wire.written, wire.paused) == ([b""], b"", True)
    listener.open.set()
    await turns(30)
    assert listener.bodies == [b"", BODY, b""]
    assert (wire.statuses, wire.closed, wire.paused) == ([200] * 3, False, False)
    assert [json.loads(part[-4:]) for part in wire.written.split(b"HTTP/1.1 ")[2:]] == ["/x", "/x"]


async def test_nonsense_behind_an_open_answer_does_not_break_it():
    """It is refused after it."""
    listener = Listener()
    wire = connect(listener)
    wire.receive(WAIT + b"\x00nonsense\r\n\r\n")
    await turns()
    assert not wire.written
    listener.open.set()
    await turns()
    assert (wire.statuses, wire.closed) == ([200, 400], True)


async def test_nonsense_in_the_body_behind_an_answer_is_not_answered():
    """There was one already. A second one would be taken for that of the next request."""
    wire = connect(refuses)
    wire.receive((CHUNKED % b"")[:-15])
    await turns()
    wire.receive(b"nonsense\r\n")
    await turns()
    assert (wire.reader, wire.statuses, wire.closed) == ("h11", [413], True)


async def test_what_follows_the_last_request_is_ignored():
    """A client that says that it closes has nothing more to say."""
    listener, wire = opened()
    wire.receive(GET.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n") + b"\x00nonsense" + GET)
    await turns()
    assert (len(listener.seen), wire.statuses, wire.closed) == (1, [200], True)
    assert b"connection: close\r\n" in wire.written


async def test_trailers_are_no_headers():
    """What a chunked body ends with cannot say what the head has not."""
    listener, wire = opened()
    wire.receive(CHUNKED % (b"authorization: Bearer another\r\n" * 100))
    await turns()
    [(*_, headers, body)] = listener.seen
    assert (body, [name for name, _ in headers]) == (BODY, [b"host", b"transfer-encoding"])


async def test_a_pipelined_request_is_timed_from_its_turn():
    """However long the answer before it takes, which nothing cuts."""
    listener = Listener()
    with loop_time() as time:
        wire = connect(listener)
        wire.receive(WAIT + HEAD + BODY[:3])
        await time.passes(500)
        assert (wire.closed, wire.written) == (False, b"")
        listener.open.set()
        await time.passes(0)
        await time.passes(19)
        assert (wire.closed, wire.statuses) == (False, [200])
        await time.passes(2)
        assert (wire.closed, wire.statuses) == (True, [200, 408])


@pytest.mark.parametrize("head", [GET[:20], ASKS_FOR_HTTP2[:40]])
async def test_the_time_for_headers_goes_on_with_h11(head):
    """From the connection's first moment; on one that was used, from the request's first byte."""
    with loop_time() as time:
        wire = connect()
        await time.passes(9)
        wire.receive(head)
        await time.passes(0.9)
        assert (wire.reader, wire.closed) == ("h11", False)
        await time.passes(0.2)
        assert (wire.closed, wire.statuses) == (True, [408])
        wire = connect()
        wire.receive(GET)
        await time.passes(500)
        wire.receive(head)
        await time.passes(9.9)
        assert (wire.closed, wire.statuses) == (False, [200])
        await time.passes(0.2)
        assert (wire.closed, wire.statuses) == (True, [200, 408])


async def test_the_time_for_a_body_goes_on_with_h11():
    """From when its headers were there."""
    with loop_time() as time:
        wire = connect()
        wire.receive(ASKS_FOR_HTTP2[:-1])
        await time.passes(19)
        assert not wire.closed
        await time.passes(2)
        assert (wire.closed, wire.statuses) == (True, [408])


async def test_who_reads_nothing_is_cut_off_by_h11_as_well():
    """What was written before lies there still: more is not added to it, and it is not waited for."""
    with loop_time() as time:
        wire = connect()
        wire.receive(GET)
        await time.passes(1)
        wire.protocol.pause_writing()
        wire.receive(ASKS_FOR_HTTP2)
        await time.passes(1)
        assert (wire.reader, wire.statuses) == ("h11", [200])
        await time.passes(28, steps=28)
        assert not wire.aborted
        await time.passes(2, steps=2)
        assert (wire.aborted, wire.statuses) == (True, [200])


@pytest.mark.parametrize("error", [None, ConnectionResetError()])
@pytest.mark.parametrize("sent", [HEAD + BODY[:3], ASKS_FOR_HTTP2[:-1], WAIT + GET, ASKS_FOR_HTTP2[:40]])
async def test_a_client_that_leaves(sent, error):
    """The app hears of it, nothing is left of the connection, and no request is made up of the half that came."""
    listener = Listener()
    wire = connect(listener)
    wire.receive(sent)
    await turns()
    wire.closed = True
    wire.lose(error)
    listener.open.set()
    await turns()
    assert listener.left == sent.count(b"content-length: 10\r\n\r\n")
    assert (wire.server.connections, wire.server.tasks, wire.written.count(b"/x")) == (set(), set(), 0)


@pytest.mark.parametrize("sent", [b"", GET, GET + GET[:9], ASKS_FOR_HTTP2])
async def test_the_end_of_the_server(sent):
    """Closes what waits, whoever reads it; the server has each connection once."""
    wire = connect()
    wire.receive(sent) if sent else None
    await turns()
    [connection] = wire.server.connections
    assert connection is wire.protocol
    connection.shutdown()
    await turns()
    assert (wire.closed, wire.server.connections) == (True, set())


@pytest.mark.parametrize("sent", [WAIT, WAIT + GET, ASKS_FOR_HTTP2.replace(b"/x", b"/wait")])
async def test_the_end_of_the_server_lets_an_answer_end(sent):
    """And begins none after it."""
    listener = Listener()
    wire = connect(listener)
    wire.receive(sent)
    await turns()
    wire.protocol.shutdown()
    await turns()
    assert not wire.closed
    listener.open.set()
    await turns()
    assert (wire.closed, wire.statuses) == (True, [200])


@pytest.mark.parametrize("sent", [GET, POST])
async def test_an_idle_connection_has_one_timer(sent):
    """The server's own, which closes it: ten thousand of them cost nothing else."""
    with loop_time() as time:
        wire = connect()
        wire.receive(sent)
        await time.passes(0)
        await time.passes(KEEP_ALIVE_S - 1)
        assert (wire.protocol.untimed(), wire.protocol.timeout_keep_alive_task is None) == (None, False)
        await time.passes(2)
        assert wire.closed


@pytest.mark.parametrize("pieces", [[GET, WAIT], [GET + WAIT], [GET, ASKS_FOR_HTTP2.replace(b"/x", b"/wait")]])
async def test_an_answer_takes_longer_than_a_connection_may_wait(pieces):
    """The time of who waits for another request ends with that request."""
    listener = Listener()
    with loop_time() as time:
        wire = connect(listener)
        for piece in pieces:
            wire.receive(piece)
            await time.passes(1)
        await time.passes(KEEP_ALIVE_S + 1)
        listener.open.set()
        await time.passes(0)
    assert (wire.closed, wire.statuses) == (False, [200, 200])


async def test_who_hands_over_is_gone():
    """At once: the collector of what refers to itself passes rarely, as most of the process is frozen for it."""
    wire = connect()
    wire.receive(GET)
    await turns()
    before = weakref.ref(wire.protocol)
    gc.disable()
    try:
        wire.receive(ASKS_FOR_HTTP2)
        await turns()
        assert before() is None
    finally:
        gc.enable()


async def test_a_body_that_nobody_wants_is_not_the_next_request():
    """The answer came first; all of it has to come before the connection goes on."""
    wire = connect(refuses)
    wire.receive(HEAD)
    await turns()
    for piece in (GET[:4], GET[4:10] + GET):
        wire.receive(piece)
        await turns()
    assert (wire.statuses, wire.closed) == ([413, 413], False)


async def test_a_stream_goes_on_while_the_client_sends_more():
    """What it sends is not read then, and not timed."""
    with loop_time() as time:
        wire = connect(streams)
        wire.receive(GET + GET[:5])
        await time.passes(1000)
        assert (wire.closed, wire.statuses, wire.paused) == (False, [200], True)
        wire.over.set()
        await time.passes(0)
