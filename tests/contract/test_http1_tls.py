"""The gateway's HTTP client over TLS: whom it believes, and which end is one."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gateway_core.http1 import ConnectError, ConnectionBroken, LazyTls, Limits, Pool, Request, Response, Template, Url
from tests.contract.raw_server import Certificates, beside, busy, certificates, nothing, says, serving, until

OK = b"HTTP/1.1 200 OK\r\n"
HELLO = OK + b"content-length: 5\r\n\r\nhello"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture
async def open_pool(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[..., Pool]]:
    """Makes pools that trust a file, or what everybody trusts."""
    pools: list[Pool] = []

    def opened(trusted: Path | None = None, *, variable: str = "SSL_CERT_FILE", **limits: float) -> Pool:
        for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
            monkeypatch.delenv(name, raising=False)
        if trusted:
            monkeypatch.setenv(variable, str(trusted))
        tls = LazyTls()
        tls.context()
        pools.append(Pool(Limits(**{"connect_s": 30, **limits}), tls))  # type: ignore[arg-type]
        return pools[-1]

    yield opened
    for pool in pools:
        await pool.close()


async def post(pool: Pool, url: str, content: bytes = b"{}", **more: str) -> bytes:
    return await rest_of(await pool.send(Request("POST", Url.parse(url), {}, content), **more))  # type: ignore[arg-type]


async def rest_of(response: Response) -> bytes:
    """What has not been read of its body."""
    body = b""
    while piece := await response.read():
        body += piece
    return body


async def test_a_certificate_that_is_trusted(made: Certificates, open_pool: Callable[..., Pool]) -> None:
    """For many requests over one connection, long ones too, in any pieces."""
    pool = open_pool(made.trusted)
    long = OK + b"content-length: 900000\r\n\r\n" + b"x" * 900_000
    async with serving(says(*(HELLO[at : at + 1] for at in range(len(HELLO)))), tls=made.server) as raw:
        for _ in range(3):
            assert await post(pool, raw.url) == b"hello"
        raw.act = says(long)
        assert await post(pool, raw.url, b"y" * 900_000) == b"x" * 900_000
        assert len(raw.requests[-1]) > 900_000
    assert raw.connections == 1


async def test_certificates_may_be_in_a_folder(made: Certificates, open_pool: Callable[..., Pool]) -> None:
    """One that the environment names, each under its hash."""
    folder = made.trusted.parent / "folder"
    folder.mkdir(exist_ok=True)
    pool = open_pool(folder, variable="SSL_CERT_DIR")
    async with serving(says(HELLO), tls=made.server) as raw:
        with pytest.raises(ConnectError):  # it is empty
            await post(pool, raw.url)


async def test_a_certificate_that_nobody_trusts(made: Certificates, open_pool: Callable[..., Pool]) -> None:
    """Nothing is sent to whoever cannot prove who he is."""
    sent: list[bool] = []
    async with serving(says(HELLO), tls=made.server) as raw:
        with pytest.raises(ConnectError):
            await open_pool().send(Request("POST", Url.parse(raw.url), {}, b"{}"), lambda: sent.append(True))
    assert (raw.requests, sent) == ([], [])


async def test_a_certificate_for_another_name(made: Certificates, open_pool: Callable[..., Pool]) -> None:
    """Though its maker is trusted; `localhost` is not among its names."""
    async with serving(says(HELLO), tls=made.server) as raw:
        with pytest.raises(ConnectError):
            await post(open_pool(made.trusted), f"https://localhost:{raw.port}")
    assert raw.requests == []


async def test_the_certificate_is_the_names_wherever_the_connection_goes(
    made: Certificates, open_pool: Callable[..., Pool]
) -> None:
    """The server is told the name, and has to have it in its certificate."""
    asked: list[str | None] = []

    def heard(_socket: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
        asked.append(name)

    made.server.sni_callback = heard
    async with serving(says(HELLO), tls=made.server) as raw:
        pool = open_pool(made.trusted)
        assert await post(pool, f"https://llm.example:{raw.port}", address="127.0.0.1") == b"hello"
        with pytest.raises(ConnectError):
            await post(pool, f"https://other.example:{raw.port}", address="127.0.0.1")
    made.server.sni_callback = None
    assert asked == ["llm.example", "other.example"]


async def test_tls_is_not_spoken_to_who_does_not_know_it(open_pool: Callable[..., Pool]) -> None:
    """Nor is anything sent in plain."""
    async with serving(says(HELLO)) as raw:
        with pytest.raises(ConnectError):
            await post(open_pool(connect_s=0.2), f"https://127.0.0.1:{raw.port}")
    assert raw.requests == []


async def test_an_answer_without_a_length_needs_the_last_word_of_tls(
    made: Certificates, open_pool: Callable[..., Pool]
) -> None:
    """Without it anybody on the way could have cut it off."""
    pool = open_pool(made.trusted)
    async with serving(says(OK + b"\r\nhel", b"lo", close=True), tls=made.server) as raw:
        assert await post(pool, raw.url) == b"hello"
    for how in ({"abort": True}, {}):
        async with serving(says(OK + b"\r\nhello", **how), tls=made.server) as raw:
            response = await pool.send(Request("POST", Url.parse(raw.url), {}, b"{}"))
            if not how:
                transport = raw.writers[0].transport
                transport._ssl_protocol._transport.abort()  # type: ignore[attr-defined]  # no way leads to it
            with pytest.raises(ConnectionBroken):
                await rest_of(response)


@pytest.mark.parametrize("last_word", [True, False])
async def test_an_end_does_not_overtake_what_comes_before_it(
    made: Certificates, open_pool: Callable[..., Pool], last_word: bool
) -> None:
    """Who does not read for a while gets all of it, though the server has long ended the connection."""
    size, pool = 3_000_000, open_pool(made.trusted)

    async def act(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"content-length: %d\r\n\r\n" % size + b"x" * size)
        await writer.drain()
        ended = writer.transport if last_word else writer.transport._ssl_protocol._transport  # type: ignore[attr-defined]
        ended.close()

    async with serving(act, tls=made.server) as raw:
        response = await pool.send(Request("POST", Url.parse(raw.url), {}, b"{}"))
        connection = response._connection
        assert connection is not None
        await until(lambda: connection._paused)
        read = b""
        while piece := await response.read():
            read += piece
            for _ in range(20):  # so slowly that the end comes before it is read
                await asyncio.sleep(0)
    assert read == b"x" * size


@pytest.mark.parametrize("abort", [False, True])
async def test_an_answer_that_is_cut_is_broken(made: Certificates, open_pool: Callable[..., Pool], abort: bool) -> None:
    """With the last word of TLS as without."""
    pool = open_pool(made.trusted)
    for at in range(0, len(HELLO), 7):
        async with serving(says(HELLO[:at], close=not abort, abort=abort), tls=made.server) as raw:
            with pytest.raises(ConnectionBroken):
                await post(pool, raw.url)


async def test_a_handshake_counts_the_other_sides_time_only(made: Certificates, open_pool: Callable[..., Pool]) -> None:
    """However long the event loop is busy between its steps."""
    pool = open_pool(made.trusted, connect_s=0.05)
    with beside(HELLO, tls=made.server) as raw:
        async with busy(0.03):
            answer = await pool.fetch(Template(Url.parse(raw.url), {}), b"{}", answer_s=0.05, most_bytes=100)
    assert answer.body == b"hello"


async def test_an_idle_connection_that_was_closed_is_found_out(
    made: Certificates, open_pool: Callable[..., Pool]
) -> None:
    """While the event loop saw nothing."""
    pool = open_pool(made.trusted)
    with beside(HELLO, tls=made.server, close=True) as raw:
        assert await post(pool, raw.url) == b"hello"
        raw.answered.wait()
        assert await post(pool, raw.url) == b"hello"


async def test_a_last_word_that_comes_with_an_answer_is_heard(
    made: Certificates, open_pool: Callable[..., Pool]
) -> None:
    """Who asks again at once, within the very callback, does so over another connection."""
    pool = open_pool(made.trusted)
    async with serving(says(HELLO, close=True), tls=made.server) as raw:
        assert [await post(pool, raw.url) for _ in range(3)] == [b"hello"] * 3
    assert raw.connections == 3


async def test_closing_waits_for_nobody(made: Certificates, open_pool: Callable[..., Pool]) -> None:
    """The other side may never say its last word."""
    pool = open_pool(made.trusted)
    async with serving(says(HELLO), tls=made.server) as raw:
        await post(pool, raw.url)
        raw.act = nothing
        await pool.close()
        assert pool._idle.take(Url.parse(raw.url).origin) is None
