"""The gateway's HTTP client against a server of bytes: what arrives, what comes of it, what is used again."""

from __future__ import annotations

import asyncio
import socket
from functools import partial

import pytest

from gateway_core.http1 import (
    ConnectError,
    ConnectionBroken,
    HttpError,
    MalformedAnswer,
    Pool,
    Request,
    Url,
)
from gateway_core.http1.connection import Connection
from tests.contract.http1_calls import CHUNKED, HELLO, OK, fetch, post
from tests.contract.raw_server import beside, nothing, says, serving, until


async def test_a_request_and_its_answer(pool: Pool) -> None:
    """Byte by byte; `sending` is called once, and what was read stays read."""
    calls: list[bool] = []
    async with serving(says(OK + b"X-B: c\r\nContent-Length: 5\r\n\r\nhello")) as raw:
        request = Request("POST", Url.parse(raw.url + "/v1?q=1"), {"x-a": "b"}, b"{}")
        response = await pool.send(request, lambda: calls.append(True))
        assert (response.status, response.headers) == (200, {"x-b": "c", "content-length": "5"})
        assert [await response.read() for _ in range(3)] == [b"hello", b"", b""]
    assert (raw.requests, calls) == ([request.head() + b"{}"], [True])


@pytest.mark.parametrize("answer", [HELLO, CHUNKED], ids=["length", "chunks"])
async def test_an_answer_may_come_byte_by_byte(pool: Pool, answer: bytes) -> None:
    """The connection is good for another one."""
    async with serving(says(*(answer[at : at + 1] for at in range(len(answer))))) as raw:
        assert [await post(pool, raw.url), await fetch(pool, raw.url)] == [b"hello", b"hello"]
    assert (raw.connections, len(raw.requests)) == (1, 2)


@pytest.mark.parametrize("answer", [HELLO, CHUNKED], ids=["length", "chunks"])
@pytest.mark.parametrize("how", ["close", "abort"])
async def test_an_answer_that_is_cut_is_broken(pool: Pool, answer: bytes, how: str) -> None:
    """At every byte, in good order or not; nobody is asked twice."""
    for at in range(len(answer)):
        async with serving(says(answer[:at], **{how: True})) as raw:
            with pytest.raises(ConnectionBroken):
                await post(pool, raw.url)
        assert len(raw.requests) == 1


async def test_an_answer_without_a_length_ends_with_its_connection(pool: Pool) -> None:
    """If that ends in good order; a connection that breaks is no end."""
    head = OK + b"content-type: x\r\n\r\n"
    async with serving(says(head + b"hel", b"lo", close=True)) as raw:
        assert [await post(pool, raw.url), await fetch(pool, raw.url)] == [b"hello", b"hello"]
    assert raw.connections == 2
    async with serving(says(head + b"hello", abort=True)) as raw:
        with pytest.raises(ConnectionBroken):
            await post(pool, raw.url)


@pytest.mark.parametrize(
    "answer",
    [
        HELLO + b"HTTP/1.1 200 OK\r\n\r\n",
        CHUNKED + b"x",
        OK + b"connection: close\r\ncontent-length: 5\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello",
    ],
    ids=["more", "more chunks", "close", "old"],
)
async def test_some_answers_end_the_connection(pool: Pool, answer: bytes) -> None:
    """Whoever says more than was asked for, above all: it could be taken for the next answer."""
    async with serving(says(answer)) as raw:
        assert [await post(pool, raw.url), await fetch(pool, raw.url)] == [b"hello", b"hello"]
    assert raw.connections == 2


async def test_what_comes_unasked_ends_the_connection(pool: Pool) -> None:
    """An answer that nobody is waiting for is nobody's, before a request and between two."""
    async with serving(says(HELLO)) as raw:
        await post(pool, raw.url)
        raw.writers[0].write(HELLO.replace(b"hello", b"wrong"))
        await until(lambda: not _idle_is_quiet(pool))
        assert await post(pool, raw.url) == b"hello"
    assert raw.connections == 2


async def test_what_comes_before_a_request_is_no_answer() -> None:
    """Nothing is sent into such a connection."""
    loop = asyncio.get_running_loop()
    async with serving(nothing, greeting=HELLO) as raw:
        make = partial(Connection, loop, memoryview(bytearray(1000)), Url.parse(raw.url).origin)
        _, connection = await loop.create_connection(make, "127.0.0.1", raw.port)
        assert connection.is_reusable
        await until(lambda: not connection.is_reusable)
        with pytest.raises(HttpError):
            connection.start(b"POST / HTTP/1.1\r\n\r\n", b"")
    assert raw.requests == []


def _idle_is_quiet(pool: Pool) -> bool:
    (kept,) = next(iter(pool._idle._kept.values()))
    return kept.connection.is_reusable and kept.connection.is_quiet


@pytest.mark.parametrize(
    "answer",
    [
        b"<html>",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        OK + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        OK + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        OK + b"x: " + b"a" * 70_000,
        OK + b"x: a\r\n b\r\ncontent-length: 5\r\n\r\nhello",
        OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhelloX",
    ],
    ids=["page", "upgrade", "both", "lengths", "huge", "folded", "chunk"],
)
async def test_what_is_no_answer_is_refused(pool: Pool, answer: bytes) -> None:
    """At once, though the server leaves the connection open; the next request gets another one."""
    async with serving(says(answer)) as raw:
        with pytest.raises(MalformedAnswer):
            await post(pool, raw.url)
        raw.act = says(HELLO)
        assert await post(pool, raw.url) == b"hello"
    assert raw.connections == 2


async def test_nothing_is_followed(pool: Pool) -> None:
    """A redirect is an answer like any other, and an interim answer is none."""
    async with serving(says(b"HTTP/1.1 307 X\r\nlocation: /b\r\ncontent-length: 0\r\n\r\n")) as raw:
        response = await pool.send(Request("GET", Url.parse(raw.url), {}))
        assert (response.status, await response.read(), len(raw.requests)) == (307, b"", 1)
        raw.act = says(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 X\r\nlink: a\r\n\r\n", HELLO)
        assert await post(pool, raw.url) == b"hello"
    assert raw.connections == 1


async def test_what_nobody_read_is_not_the_next_answer(pool: Pool) -> None:
    """Of an answer that is whole, its connection is used again; one that is not, or too long, is cut off."""
    long = OK + b"content-length: 400000\r\n\r\n" + b"x" * 400_000
    for answer, used_again in ((HELLO.replace(b"hello", b"wrong"), True), (long, False)):
        async with serving(says(answer)) as raw:
            response = await pool.send(Request("POST", Url.parse(raw.url), {}, b"{}"))
            connection = response._connection
            assert connection is not None
            await until(lambda seen=connection: seen.ended or seen._paused)
            response.close()
            raw.act = says(HELLO)
            assert [await post(pool, raw.url), await fetch(pool, raw.url)] == [b"hello", b"hello"]
        assert raw.connections == (1 if used_again else 2)


async def test_what_came_together_is_handed_on_together(pool: Pool) -> None:
    """However many chunks it is."""
    async with serving(says(CHUNKED)) as raw:
        response = await pool.send(Request("POST", Url.parse(raw.url), {}, b"{}"))
        assert [await response.read(), await response.read()] == [b"hello", b""]


async def test_who_does_not_read_is_not_sent_more(pool: Pool) -> None:
    """What waits to be read is bounded; all of it arrives in the end."""
    size = 4_000_000
    async with serving(says(OK + b"content-length: %d\r\n\r\n" % size, *[b"x" * 100_000] * 40)) as raw:
        response = await pool.send(Request("POST", Url.parse(raw.url), {}, b"{}"))
        connection = response._connection
        assert connection is not None
        await until(lambda: connection._paused)
        assert connection._size < size / 4
        sizes = []
        while piece := await response.read():
            sizes.append(len(piece))
        assert (sum(sizes), max(sizes) < size / 4) == (size, True)
        raw.act = says(HELLO)
        assert await post(pool, raw.url) == b"hello"
    assert raw.connections == 1


async def test_an_answer_may_come_before_all_is_sent(pool: Pool) -> None:
    """A server that refuses a long request early; what was not sent of it spoils the connection for others."""
    refusal = b"HTTP/1.1 413 X\r\ncontent-length: 2\r\n\r\nno"

    async def early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(refusal)
        writers.append(writer)

    writers: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(early, "127.0.0.1", 0)
    url = Url.parse(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    response = await pool.send(Request("POST", url, {}, b"x" * 30_000_000))
    assert (response.status, await response.read()) == (413, b"no")
    assert pool._idle.take(url.origin) is None
    server.close()
    writers[0].transport.abort()
    await asyncio.sleep(0)


async def test_a_long_request_arrives_whole(pool: Pool) -> None:
    """Longer than what is sent in one piece with its head."""
    async with serving(says(HELLO)) as raw:
        assert await post(pool, raw.url, b"y" * 3_000_000) == b"hello"
    assert raw.requests[0].endswith(b"\r\n\r\n" + b"y" * 3_000_000)


async def test_a_connection_that_has_ended_is_found_out_before(pool: Pool) -> None:
    """Whether the event loop has seen it or not: it may have been frozen meanwhile."""
    async with serving(says(HELLO)) as raw:
        await post(pool, raw.url)
        raw.writers[0].close()
        await raw.writers[0].wait_closed()
        assert await post(pool, raw.url) == b"hello"
    with beside(HELLO, close=True) as other:
        await post(pool, other.url)
        other.answered.wait()  # meanwhile the loop sees nothing
        sent: list[bool] = []
        response = await pool.send(Request("POST", Url.parse(other.url), {}, b"{}"), lambda: sent.append(True))
        assert (await response.read(), sent) == (b"hello", [True])


async def test_what_was_sent_is_not_sent_again(pool: Pool) -> None:
    """A server that closes its end just as the request comes: whether it has worked on it, nobody knows."""
    async with serving(says(HELLO)) as raw:
        await post(pool, raw.url)
        raw.act = says(close=True)
        sent: list[bool] = []
        with pytest.raises(ConnectionBroken):
            await pool.send(Request("POST", Url.parse(raw.url), {}, b"{}"), lambda: sent.append(True))
    assert (len(raw.requests), raw.connections, sent) == (2, 1, [True])


async def test_nobody_there(pool: Pool) -> None:
    """Nothing was sent, and no time is lost; neither is a host without an address."""
    sent: list[bool] = []
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        for url in (f"http://127.0.0.1:{taken.getsockname()[1]}", "http://nobody.invalid/"):
            with pytest.raises(ConnectError):
                await pool.send(Request("POST", Url.parse(url), {}, b"{}"), lambda: sent.append(True))
    assert sent == []


async def test_what_cannot_be_sent_is_not(pool: Pool) -> None:
    """Not even a connection is made for it."""
    async with serving(says(HELLO)) as raw:
        with pytest.raises(ValueError, match="header"):
            await pool.send(Request("POST", Url.parse(raw.url), {"x": "a\r\nb: c"}, b"{}"))
    assert raw.connections == 0


async def test_a_host_may_have_several_addresses(pool: Pool) -> None:
    """Whichever of them answers: `localhost` often has one on which nobody listens."""
    async with serving(says(HELLO)) as raw:
        assert await post(pool, f"http://localhost:{raw.port}/") == b"hello"
        assert raw.requests[0].startswith(f"POST / HTTP/1.1\r\nhost: localhost:{raw.port}\r\n".encode())


async def test_an_address_may_be_one_of_ipv6(pool: Pool) -> None:
    """It goes in brackets, where the server looks for its name."""
    try:
        async with serving(says(HELLO), host="::1") as raw:
            assert await post(pool, raw.url) == b"hello"
    except OSError:
        pytest.skip("there is no IPv6 here")
    assert f"host: [::1]:{raw.port}\r\n".encode() in raw.requests[0]


async def test_the_address_may_be_another_than_the_names(pool: Pool) -> None:
    """The request does not show it, and no connection is taken that was kept for the name."""
    async with serving(says(HELLO)) as raw:
        request = Request("POST", Url.parse(f"http://llm.example:{raw.port}/"), {}, b"{}")
        for _ in range(2):
            assert await (await pool.send(request, address="127.0.0.1")).read() == b"hello"
        assert f"host: llm.example:{raw.port}\r\n".encode() in raw.requests[0]
    assert raw.connections == 2


async def test_who_leaves_takes_the_connection_along(pool: Pool) -> None:
    """Before the head of the answer, and in the midst of its body; closing twice is harmless."""
    async with serving(nothing) as raw:
        waiting = asyncio.ensure_future(post(pool, raw.url))
        await raw.asked.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        raw.act = says(HELLO[:-2])
        response = await pool.send(Request("POST", Url.parse(raw.url), {}, b"{}"))
        assert await response.read() == b"hel"
        response.close()
        response.close()
        assert await response.read() == b""
        raw.act = says(HELLO)
        assert await post(pool, raw.url) == b"hello"
    assert raw.connections == 3
