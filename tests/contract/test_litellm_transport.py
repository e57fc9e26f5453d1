"""The transport alone: what it refuses, and what its exchange knows afterwards."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator

import httpx
import pytest

from gateway_core.adapters.upstream.exchange import ProviderExchange, origin_of
from gateway_core.adapters.upstream.transport import OnceTransport, connection_pool
from gateway_core.domain.chat import Usage
from gateway_core.wires.openai_chat import OPENAI_CHAT
from gateway_core.wires.wire import Wire
from tests.contract.raw_provider import Act, RawProvider, Sight, begin_then, head, respond

STREAM = (
    b'data: {"choices": [{"delta": {"content": "hi"}}]}\n\n'
    b'data: {"choices": [], "usage": {"prompt_tokens": 4, "completion_tokens": 2}}\n\n'
    b"data: [DONE]\n\n"
)


@pytest.fixture
async def pool() -> AsyncIterator[httpx.AsyncBaseTransport]:
    connections = connection_pool()
    yield connections
    await connections.aclose()


def exchange_at(url: str, wire: Wire = OPENAI_CHAT, max_bytes: int = 10_000) -> ProviderExchange:
    """A fresh exchange that may go to `url`."""
    return ProviderExchange(wire, origin_of(url), max_bytes)


async def post(pool: httpx.AsyncBaseTransport, seen: ProviderExchange, url: str) -> httpx.Response:
    """Post through the transport and read the whole answer."""
    async with httpx.AsyncClient(transport=OnceTransport(pool, seen), follow_redirects=True) as client:
        return await client.post(url, content=b"{}", headers={"authorization": "Bearer key"})


async def test_an_answer_passes_unchanged_and_is_noted(pool: httpx.AsyncBaseTransport) -> None:
    """Status, body and the headers worth keeping; nothing else is kept."""
    headers = ("Retry-After: 3", "X-RateLimit-Remaining-Requests: 9", "set-cookie: a=b")
    async with RawProvider(respond(200, {"a": 1}, *headers)).serve() as raw:
        seen = exchange_at(raw.url)
        response = await post(pool, seen, raw.url)
    assert (response.json(), seen.json, seen.complete, seen.sent, seen.fault) == ({"a": 1}, {"a": 1}, True, True, None)
    assert seen.headers == {
        "content-type": "application/json",
        "retry-after": "3",
        "x-ratelimit-remaining-requests": "9",
    }
    assert raw.seen[0].headers["accept-encoding"] == "identity"


async def test_connections_are_kept_for_the_next_attempt(pool: httpx.AsyncBaseTransport) -> None:
    """Closing one attempt's client does not close the pool."""
    async with RawProvider(respond(200, {})).serve() as raw:
        for _ in range(3):
            await post(pool, exchange_at(raw.url), raw.url)
    assert (len(raw.seen), raw.connections) == (3, 1)


async def test_a_second_request_of_an_attempt_is_refused(pool: httpx.AsyncBaseTransport) -> None:
    """Whoever sends it."""
    async with RawProvider(respond(200, {})).serve() as raw:
        seen = exchange_at(raw.url)
        await post(pool, seen, raw.url)
        with pytest.raises(httpx.ReadError, match="second_request"):
            await post(pool, seen, raw.url)
    assert (len(raw.seen), seen.fault) == (1, "second_request")


@pytest.mark.parametrize(
    "other", ["http://localhost:{port}/v1", "https://127.0.0.1:{port}/v1", "http://127.0.0.1:1/v1"]
)
async def test_another_host_is_refused(pool: httpx.AsyncBaseTransport, other: str) -> None:
    """Scheme, host and port must be the deployment's; the key is not sent elsewhere."""
    async with RawProvider(respond(200, {})).serve() as raw:
        seen = exchange_at(raw.url)
        with pytest.raises(httpx.ReadError, match="foreign_host"):
            await post(pool, seen, other.format(port=raw.port))
    assert (raw.connections, seen.fault, seen.sent) == (0, "foreign_host", False)


async def test_a_compressed_answer_is_refused(pool: httpx.AsyncBaseTransport) -> None:
    """It was asked for plain; unpacking could fill the memory."""
    async with RawProvider(respond(200, gzip.compress(b"{}"), "content-encoding: gzip")).serve() as raw:
        seen = exchange_at(raw.url)
        with pytest.raises(httpx.ReadError):
            await post(pool, seen, raw.url)
    assert (seen.fault, seen.complete) == ("encoded", False)


def chunked(*pieces: bytes, kind: str, end: bool) -> Act:
    """Answer in chunks; without `end`, the connection is cut before the last chunk."""

    async def act(_sight: Sight, writer: asyncio.StreamWriter) -> None:
        writer.write(head(200, f"content-type: {kind}", "transfer-encoding: chunked"))
        for piece in pieces:
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
        if end:
            writer.write(b"0\r\n\r\n")
            await writer.drain()
        else:
            writer.close()

    return act


async def test_a_long_answer_without_announced_length_stops_at_the_limit(pool: httpx.AsyncBaseTransport) -> None:
    """No more than allowed is kept."""
    async with RawProvider(chunked(*[b"x" * 400] * 5, kind="text/plain", end=True)).serve() as raw:
        seen = exchange_at(raw.url, max_bytes=1000)
        with pytest.raises(httpx.ReadError):
            await post(pool, seen, raw.url)
    assert (seen.fault, len(seen.body), seen.ended) == ("too_large", 800, False)


async def test_a_chunked_answer_that_is_cut_is_truncated(pool: httpx.AsyncBaseTransport) -> None:
    """What came so far is there to be looked at."""
    async with RawProvider(chunked(b'{"a": ', kind="application/json", end=False)).serve() as raw:
        seen = exchange_at(raw.url)
        with pytest.raises(httpx.ReadError, match="broke off"):
            await post(pool, seen, raw.url)
    assert (seen.fault, bytes(seen.body), seen.json, seen.complete) == ("truncated", b'{"a": ', None, False)


async def test_a_stream_is_watched_not_kept(pool: httpx.AsyncBaseTransport) -> None:
    """It passes unchanged; its terminator and last usage remain."""
    async with RawProvider(chunked(STREAM[:50], STREAM[50:], kind="text/event-stream", end=True)).serve() as raw:
        seen = exchange_at(raw.url)
        response = await post(pool, seen, raw.url)
    assert response.content == STREAM
    assert (seen.complete, bytes(seen.body), OPENAI_CHAT.usage_of(seen.json)) == (True, b"", Usage(4, 2))


@pytest.mark.parametrize("end", [True, False], ids=["ended", "cut"])
async def test_a_stream_without_its_terminator_is_not_complete(pool: httpx.AsyncBaseTransport, end: bool) -> None:
    """Even when HTTP says that it ended well."""
    async with RawProvider(chunked(STREAM[:60], kind="text/event-stream; charset=utf-8", end=end)).serve() as raw:
        seen = exchange_at(raw.url)
        try:
            await post(pool, seen, raw.url)
        except httpx.ReadError:
            assert not end
    assert (seen.ended, seen.complete) == (end, False)


async def test_a_stream_shorter_than_announced_is_truncated(pool: httpx.AsyncBaseTransport) -> None:
    """Although its terminator was seen."""
    async with RawProvider(begin_then(STREAM, kind="text/event-stream")).serve() as raw:
        seen = exchange_at(raw.url)
        with pytest.raises(httpx.ReadError):
            await post(pool, seen, raw.url)
    assert (seen.fault, seen.complete) == ("truncated", False)


async def test_a_synchronous_stream_is_refused() -> None:
    """The pool must be an asynchronous one."""

    class Wrong(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, stream=httpx.ByteStream(b"{}"), request=request)

    class Sync(httpx.SyncByteStream):
        def __iter__(self):
            yield b"{}"

    class Worse(Wrong):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, stream=Sync(), request=request)

    seen = exchange_at("http://h")
    assert (await post(Wrong(), seen, "http://h/")).content == b"{}"
    with pytest.raises(TypeError, match="asynchronous"):
        await post(Worse(), exchange_at("http://h"), "http://h/")
