"""The connections behind the API: reused when clean, never after a reply was left unread, 503 when there is none."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import httpx
import pytest

from local.serving import serve
from local.upstash.app import create_app
from local.upstash.resp import BackendError, Connection, ErrorReply, Pool, SimpleString
from local.valkey import Valkey
from tests.patience import patience

PING = b"*1\r\n$4\r\nPING\r\n"
PONG = b"+PONG\r\n"

type Script = Callable[[int, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Backend:
    """A TCP server that behaves as a script says, which gets each connection's number, from 1."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.connections = 0
        self.port = 0

    async def serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.closing(writer), contextlib.suppress(OSError, EOFError):
            await self.script(self.connections, reader, writer)


@contextlib.asynccontextmanager
async def backend(script: Script) -> AsyncIterator[Backend]:
    fake = Backend(script)
    server = await asyncio.start_server(fake.serve_one, "127.0.0.1", 0)
    fake.port = server.sockets[0].getsockname()[1]
    async with server:
        yield fake


@contextlib.asynccontextmanager
async def api_over(script: Script) -> AsyncIterator[tuple[Backend, httpx.AsyncClient]]:
    headers = {"Authorization": "Bearer t"}
    async with backend(script) as fake:
        app = create_app(redis_port=fake.port, token="t", pool_size=2)
        with serve(app) as url:
            async with httpx.AsyncClient(base_url=url, headers=headers, timeout=patience(30)) as http:
                yield fake, http


@contextlib.contextmanager
def closed_port() -> Iterator[int]:
    """A port that nobody else can take and nobody listens on."""
    with contextlib.closing(socket.socket()) as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *replies: bytes) -> None:
    for reply in replies:
        await reader.readexactly(len(PING))
        writer.write(reply)
        await writer.drain()


async def pong(_number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        await answer(reader, writer, PONG)


def first_then_pong(first: bytes) -> Script:
    """The first connection gives these bytes for a reply and ends; the later ones behave."""

    async def script(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await (answer(reader, writer, first) if number == 1 else pong(number, reader, writer))

    return script


# 13. half-read connections, and no server at all


async def test_a_clean_connection_is_used_again():
    """Requests one after the other share a connection."""
    async with api_over(pong) as (fake, http):
        for _ in range(5):
            assert (await http.post("/", json=["PING"])).json() == {"result": "PONG"}
        assert fake.connections == 1


@pytest.mark.parametrize(
    "broken", [b"", b"+PO", b"$100\r\nhalf", b"*3\r\n+a\r\n$5\r\nab", b"?what\r\n", b"$x\r\n", b"+" + b"x" * (1 << 21)]
)
async def test_a_half_read_connection_is_closed_and_not_reused(broken):
    """A cut or garbled reply is 503, and the next request gets a fresh connection and its own reply."""
    async with api_over(first_then_pong(broken)) as (fake, http):
        failed = await http.post("/", json=["PING"])
        assert failed.status_code == 503
        assert failed.json() == {"error": "ERR backend unavailable: connection lost"}
        assert (await http.post("/", json=["PING"])).json() == {"result": "PONG"}
        assert fake.connections == 2


async def test_a_connection_that_the_server_closed_while_idle_is_replaced():
    """A restart of the server between two requests goes unnoticed."""
    closed = asyncio.Event()

    async def script(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if number > 1:
            await pong(number, reader, writer)
        await answer(reader, writer, PONG)
        writer.close()
        await writer.wait_closed()
        closed.set()

    async with api_over(script) as (fake, http):
        assert (await http.post("/", json=["PING"])).status_code == 200
        await closed.wait()
        assert (await http.post("/", json=["PING"])).json() == {"result": "PONG"}
        assert fake.connections == 2


async def test_a_backend_that_is_down_is_503_with_json():
    """Single commands, batches and streams say so; the app recovers with the backend."""
    with closed_port() as port, serve(create_app(redis_port=port, token="t")) as url:
        async with httpx.AsyncClient(base_url=url, headers={"Authorization": "Bearer t"}, timeout=patience(30)) as http:
            for path, body in (
                ("/", ["PING"]),
                ("/pipeline", [["PING"]]),
                ("/multi-exec", [["PING"]]),
                ("/monitor", []),
            ):
                response = await http.post(path, json=body)
                assert response.status_code == 503
                assert response.json()["error"].startswith("ERR backend unavailable: ")


async def test_a_backend_that_dies_is_503_until_it_is_back():
    """Pooled connections to a dead server are dropped."""
    with Valkey() as first, serve(create_app(redis_port=first.port, token="t")) as url:
        port = first.port
        async with httpx.AsyncClient(base_url=url, headers={"Authorization": "Bearer t"}, timeout=patience(30)) as http:
            assert (await http.post("/", json=["PING"])).status_code == 200
            first.stop()
            assert (await http.post("/", json=["PING"])).status_code == 503
            with Valkey(pick_port=lambda: port):
                assert (await http.post("/", json=["PING"])).json() == {"result": "PONG"}


# the pool


async def test_a_cancelled_request_gives_its_connection_up():
    """The reply that nobody read cannot reach the next request."""
    received, never = asyncio.Event(), asyncio.Event()

    async def script(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if number > 1:
            await pong(number, reader, writer)
        await reader.readexactly(len(PING))
        received.set()
        await reader.read()
        never.set()

    async with backend(script) as fake, contextlib.AsyncExitStack() as stack:
        pool = Pool(fake.port, 1)
        stack.push_async_callback(pool.close)

        async def ping():
            async with pool.lease() as connection:
                connection.send([b"PING"])
                return await connection.read()

        task = asyncio.create_task(ping())
        await received.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await ping() == b"PONG"
        await never.wait()


async def test_the_pool_opens_no_more_connections_than_its_size():
    """Requests beyond the size wait for one to come back."""
    async with backend(pong) as fake:
        pool = Pool(fake.port, 2)

        async def ping():
            async with pool.lease() as connection:
                connection.send([b"PING"])
                return await connection.read()

        assert await asyncio.gather(*(ping() for _ in range(20))) == [b"PONG"] * 20
        assert fake.connections == 2
        await pool.close()


# the protocol


@pytest.mark.parametrize(
    ("wire", "reply"),
    [
        (b"+OK\r\n", SimpleString(b"OK")),
        (b"-ERR x\r\n", ErrorReply("ERR x")),
        (b":-7\r\n", -7),
        (b"$0\r\n\r\n", b""),
        (b"$4\r\na\r\nb\r\n", b"a\r\nb"),
        (b"$-1\r\n", None),
        (b"*-1\r\n", None),
        (b"*0\r\n", []),
        (b"*3\r\n:1\r\n*1\r\n$1\r\nx\r\n-ERR y\r\n", [1, [b"x"], ErrorReply("ERR y")]),
    ],
)
async def test_every_resp2_type_is_read(wire, reply):
    """Types and nesting as the specification has them."""

    async def script(_number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answer(reader, writer, wire)

    async with backend(script) as fake:
        connection = await Connection.open(fake.port)
        connection.send([b"PING"])
        assert await connection.read() == reply
        await connection.closed()


async def test_nobody_at_the_port_is_a_backend_error():
    """The reason is the system's own."""
    with closed_port() as port, pytest.raises(BackendError, match="Connect"):
        await Connection.open(port)
