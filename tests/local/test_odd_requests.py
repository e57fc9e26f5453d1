"""Requests that proxies and servers are known to read differently: what the gateway's server makes of each.

What a proxy takes for one request and we for two lets somebody put words into another caller's mouth.
"""

import asyncio
import re
from dataclasses import dataclass

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from local.protocols import BoundedH11, BoundedProtocol
from local.serving import HEAD_BYTES
from tests.local.wire import PROTOCOLS, Listener, connect, turns
from tests.properties import examples

HOST = b"host: h\r\n"
END = b"\r\n"
LENGTH = b"content-length: 5\r\n"
CODED = b"transfer-encoding: chunked\r\n"
BIG = b"x: %b\r\n" % (b"x" * 70_000)
TINY = b"".join(b"a%d:\r\n" % number for number in range(20_000))


def get(*lines, line=b"GET /x HTTP/1.1\r\n"):
    return b"".join((line, *lines, END))


def post(*lines, body=b"12345"):
    return get(HOST, *lines, line=b"POST /x HTTP/1.1\r\n") + body


@dataclass(frozen=True)
class Odd:
    """What comes in one piece, which statuses are answered, what bodies were read, and by whom what comes next is."""

    sent: bytes
    statuses: tuple[int, ...] = (200,)
    bodies: tuple[bytes, ...] = (b"",)
    reader: str = "h11"


REFUSED = ((400,), ())
ODD = {
    "plain": Odd(get(HOST), reader="llhttp"),
    "a length": Odd(post(LENGTH), bodies=(b"12345",), reader="llhttp"),
    "two of them": Odd(get(HOST) * 2, (200, 200), (b"", b""), "llhttp"),
    "spaces around a value": Odd(get(b"host:\t h \t\r\n"), reader="llhttp"),
    "a host without a name": Odd(get(b"host:\r\n"), reader="llhttp"),
    "a value of other bytes": Odd(get(HOST, b"x: \xff\xfe\r\n"), reader="llhttp"),
    "a length with zeros before it": Odd(post(b"content-length: 005\r\n"), bodies=(b"12345",), reader="llhttp"),
    "an underscore": Odd(post(LENGTH, b"transfer_encoding: chunked\r\n"), bodies=(b"12345",), reader="llhttp"),
    "no host": Odd(get(), *REFUSED),
    "two hosts": Odd(get(HOST, HOST), *REFUSED),
    "two lengths": Odd(post(LENGTH, b"content-length: 6\r\n"), *REFUSED),
    "one length twice": Odd(post(LENGTH, LENGTH), bodies=(b"12345",)),
    "a list of lengths": Odd(post(b"content-length: 5, 6\r\n"), *REFUSED),
    "length and chunks": Odd(post(LENGTH, CODED, body=b"3\r\n123\r\n0\r\n\r\n"), bodies=(b"123",)),
    "a length with a sign": Odd(post(b"content-length: +5\r\n"), *REFUSED),
    "a length of 200 digits": Odd(post(b"content-length: %b\r\n" % (b"9" * 200)), *REFUSED),
    "a length above 64 bits": Odd(post(b"content-length: 18446744073709551616\r\n"), (), ()),
    "a length without digits": Odd(post(b"content-length:\r\n"), *REFUSED),
    "a space before the colon": Odd(post(b"content-length : 5\r\n"), *REFUSED),
    "chunks": Odd(post(CODED, body=b"5\r\n12345\r\n0\r\n\r\n"), bodies=(b"12345",)),
    "chunks with extensions": Odd(post(CODED, body=b"5;a=b\r\n12345\r\n0\r\n\r\n"), bodies=(b"12345",)),
    "a chunk that overflows": Odd(post(CODED, body=b"%b\r\n1" % (b"f" * 21)), *REFUSED),
    "a chunk with a sign": Odd(post(CODED, body=b"+5\r\n12345\r\n0\r\n\r\n"), *REFUSED),
    "a chunk that ends elsewhere": Odd(post(CODED, body=b"5\r\n123456\r\n0\r\n\r\n"), *REFUSED),
    "chunks, then as it is": Odd(post(b"transfer-encoding: chunked, identity\r\n"), *REFUSED),
    "another coding": Odd(post(b"transfer-encoding: gzip, chunked\r\n"), *REFUSED),
    "a coding with a tab": Odd(post(b"transfer-encoding:\x0bchunked\r\n", LENGTH), *REFUSED),
    "two codings": Odd(post(CODED, CODED, body=b"5\r\n12345\r\n0\r\n\r\n"), *REFUSED),
    "a folded line": Odd(get(HOST, b"x: a\r\n b\r\n")),
    "a folded length": Odd(post(b"content-length:\r\n 5\r\n"), bodies=(b"12345",)),
    "a bare line feed": Odd(get(HOST, b"x: a\ny: b\r\n")),
    "bare line feeds": Odd(b"GET /x HTTP/1.1\nhost: h\n\n"),
    "a bare carriage return": Odd(get(HOST, b"x: a\ry: b\r\n"), *REFUSED),
    "a NUL": Odd(get(HOST, b"x: a\0b\r\n"), *REFUSED),
    "a NUL in a name": Odd(get(HOST, b"x\0: a\r\n"), *REFUSED),
    "no name": Odd(get(HOST, b": a\r\n"), *REFUSED),
    "no colon": Odd(get(HOST, b"x\r\n"), *REFUSED),
    "an unknown method": Odd(get(HOST, line=b"FOO /x HTTP/1.1\r\n")),
    "a method in small letters": Odd(get(HOST, line=b"get /x HTTP/1.1\r\n")),
    "no method": Odd(get(HOST, line=b" /x HTTP/1.1\r\n"), *REFUSED),
    "a tunnel": Odd(get(HOST, line=b"CONNECT h:1 HTTP/1.1\r\n")),
    "a tunnel to a path": Odd(get(HOST, line=b"CONNECT /x HTTP/1.1\r\n")),
    "another's method": Odd(get(HOST, line=b"SOURCE /x ICE/1.1\r\n"), *REFUSED),
    "another protocol": Odd(get(HOST, line=b"OPTIONS /x RTSP/1.1\r\n"), *REFUSED),
    "HTTP/1.0": Odd(get(line=b"GET /x HTTP/1.0\r\n")),
    "HTTP/1.2": Odd(get(HOST, line=b"GET /x HTTP/1.2\r\n")),
    "HTTP/2": Odd(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (200, 400)),
    "a longer version": Odd(get(HOST, line=b"GET /x HTTP/1.10\r\n"), *REFUSED),
    "two spaces": Odd(get(HOST, line=b"GET  /x HTTP/1.1\r\n"), *REFUSED),
    "an absolute target": Odd(get(HOST, line=b"GET http://other/x HTTP/1.1\r\n")),
    "a target of all": Odd(get(HOST, line=b"OPTIONS * HTTP/1.1\r\n")),
    "a fragment": Odd(get(HOST, line=b"GET /x#y HTTP/1.1\r\n")),
    "a target of other bytes": Odd(get(HOST, line=b"GET /\xc3\xa9 HTTP/1.1\r\n"), *REFUSED),
    "a space in the target": Odd(get(HOST, line=b"GET /x y HTTP/1.1\r\n"), *REFUSED),
    "100-continue": Odd(post(LENGTH, b"expect: 100-continue\r\n"), bodies=(b"12345",)),
    "an empty line before": Odd(END + get(HOST), *REFUSED),
    "an empty line between": Odd(get(HOST) + END + get(HOST), (200, 400), (b"",)),
    "another's handshake": Odd(b"\x16\x03\x01\x02\x00\x01", *REFUSED),
    "a proxy's connection": Odd(get(HOST, b"proxy-connection: close\r\n") + get(HOST), (200, 200), (b"", b"")),
    "the end, then another": Odd(get(HOST, b"connection: close\r\n") + get(HOST), reader="llhttp"),
    "a large head": Odd(get(HOST, BIG), reader="llhttp"),
    "a large head that is not over": Odd(get(HOST, BIG)[:-2], *REFUSED),
    "many headers": Odd(get(HOST, TINY), reader="llhttp"),
    "many headers that are not over": Odd(get(HOST, TINY)[:-2], *REFUSED),
    "another protocol, no body": Odd(get(HOST, b"connection: upgrade\r\nupgrade: websocket\r\n")),
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
async def test_what_becomes_of_odd_requests(odd, protocol):
    """The same by either protocol. What is not plain ends with h11."""
    seen, statuses, _, reader = await talk(protocol, [odd.sent])
    assert (statuses, tuple(each[-1] for each in seen)) == (odd.statuses, odd.bodies)
    if protocol is BoundedProtocol:
        assert reader == odd.reader


async def test_a_head_that_comes_drop_by_drop_is_bounded():
    """However small its parts are; the whole of it is as much as a whole head may be."""
    wire = connect(Listener())
    wire.receive(get(HOST)[:-2])
    sent = 0
    while sent < 2 * HEAD_BYTES and not wire.closed:
        wire.receive(TINY[sent : sent + 7])
        sent += 7
    await turns()
    assert (wire.statuses, HEAD_BYTES - 100 < sent < HEAD_BYTES) == ([400], True)


@pytest.mark.parametrize("cut", [1, 7, 16, 27, 40])
async def test_wherever_odd_requests_are_cut(cut):
    """It is the same as by h11 alone."""
    for odd in ODD.values():
        if len(odd.sent) < 1000:
            pieces = [odd.sent[:cut], odd.sent[cut:]]
            assert (await talk(BoundedProtocol, pieces))[:3] == (await talk(BoundedH11, pieces))[:3]


async def talk(protocol, pieces):
    """What the app saw, the statuses, all that was written but the casing of it, and who reads the connection."""
    listener = Listener()
    listener.open.set()
    wire = connect(listener, protocol)
    for piece in filter(None, pieces):
        wire.receive(piece)
        await turns(6)
    said = re.sub(rb"(date|server): [^\r]*\r\n", b"", wire.written.lower())
    statuses, reader, is_closed = tuple(wire.statuses), wire.reader, wire.closed
    wire.close()
    await turns(3)
    assert not wire.server.tasks
    return listener.seen, tuple(s for s in statuses if s != 100), (said, is_closed), reader


NAMES = [b"host", b"Content-Length", b"transfer-encoding", b"Connection", b"upgrade", b"expect", b"x-a", b"x_b", b"x "]
VALUES = [b"h", b"", b" \t", b"5", b"+5", b"5,5", b"chunked", b"chunked, identity", b"close", b"keep-alive, close"]
VALUES += [
    b"upgrade",
    b"h2c",
    b"100-continue",
    b"a\x01b",
    b"a\0b",
    b"a\rb",
    b"a\nb",
    b"a\r\n b",
    b"\xff",
    b"a\tb ",
    b"\x0c5",
]
METHODS = [b"GET", b"POST", b"HEAD", b"get", b"FOO", b"CONNECT", b"PRI", b"SOURCE"]
TARGETS = [
    b"/x",
    b"/early",
    b"/x?a=b?c",
    b"//x",
    b"/%41%zz",
    b"/x#f",
    b"*",
    b"http://h/x",
    b"/\xe9",
    b"/a b",
    b'/"<>|\\',
]
VERSIONS = [b"HTTP/1.1"] * 6 + [b"HTTP/1.0", b"HTTP/2.0", b"ICE/1.1", b"HTTP/1.1 "]
BODIES = [b"", b"12345", b"123", b"1234567", b"5\r\n12345\r\n0\r\n\r\n", b"\r\n"]


def mostly(usual, others):
    return st.one_of(st.just(usual), st.just(usual), st.sampled_from(others))


@st.composite
def messages(draw):
    """Requests that are nearly right."""
    line = b" ".join((draw(mostly(b"POST", METHODS)), draw(mostly(b"/x", TARGETS)), draw(st.sampled_from(VERSIONS))))
    headers = draw(st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES)), max_size=2))
    headers += draw(mostly([(b"Host", b"h"), (b"content-length", b"5")], [[], [(b"host", b"h")]]))
    lines = [line, *(name + draw(mostly(b": ", [b":", b" :"])) + value for name, value in headers), b""]
    return b"".join(part + draw(mostly(END, [END, END, b"\n", b"\r"])) for part in lines) + draw(
        mostly(b"12345", BODIES)
    )


@given(st.lists(messages(), min_size=1, max_size=3), st.booleans())
@example([b"CONNECT /x HTTP/1.1\r\nhost: h\r\n\r\n"], False)  # noqa: FBT003 - drawn
@examples(40)
def test_no_request_is_read_differently(sent, at_once):
    """All that the app sees, and all that is answered, is as by h11 alone."""
    pieces = [b"".join(sent)] if at_once else sent

    async def both():
        return (await talk(BoundedProtocol, pieces))[:3], (await talk(BoundedH11, pieces))[:3]

    ours, as_h11 = asyncio.run(both())
    assert ours == as_h11
