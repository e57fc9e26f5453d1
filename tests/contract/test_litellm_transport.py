"""The transport alone: what it refuses, and what its exchange knows afterwards; by itself, and as LiteLLM has it."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from gateway_core.adapters.litellm.transport import HttpxTransport
from gateway_core.adapters.upstream.exchange import ProviderExchange, origin_of
from gateway_core.adapters.upstream.network import Network
from gateway_core.adapters.upstream.transport import OnceTransport, TransportError
from gateway_core.domain.answer import Usage
from gateway_core.http1 import LazyTls, Limits, Pool, Request, Url
from gateway_core.wires.openai_chat import OPENAI_CHAT
from gateway_core.wires.wire import Wire
from tests.contract.raw_provider import Act, RawProvider, Sight, begin_then, head, respond

STREAM = (
    b'data: {"choices": [{"delta": {"content": "hi"}}]}\n\n'
    b'data: {"choices": [], "usage": {"prompt_tokens": 4, "completion_tokens": 2}}\n\n'
    b"data: [DONE]\n\n"
)


type Post = Callable[[Network, ProviderExchange, str], Awaitable[bytes]]

HEADERS = {"authorization": "Bearer key"}
FAILED = (TransportError, httpx.ReadError)


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    connections = Pool(Limits(), LazyTls())
    yield connections
    await connections.close()


async def post_by_ours(pool: Network, seen: ProviderExchange, url: str) -> bytes:
    """As the gateway's own engine does."""
    transport, body = OnceTransport(pool, seen), b""
    try:
        await transport.send(Request("POST", Url.parse(url), HEADERS, b"{}"))
        while piece := await transport.read():
            body += piece
    finally:
        await transport.release()
    return body


async def post_by_httpx(pool: Network, seen: ProviderExchange, url: str) -> bytes:
    """As LiteLLM does."""
    transport = OnceTransport(pool, seen)
    async with httpx.AsyncClient(transport=HttpxTransport(transport), follow_redirects=True) as client:
        try:
            return (await client.post(url, content=b"{}", headers=HEADERS)).content
        finally:
            await transport.release()


@pytest.fixture(params=[post_by_ours, post_by_httpx], ids=["ours", "httpx"])
def post(request: pytest.FixtureRequest) -> Post:
    return request.param


def exchange_at(url: str, wire: Wire = OPENAI_CHAT, max_bytes: int = 10_000) -> ProviderExchange:
    """A fresh exchange that may go to `url`."""
    return ProviderExchange(wire, origin_of(url), max_bytes)


async def test_an_answer_passes_unchanged_and_is_noted(pool: Pool, post: Post) -> None:
    """Status, body and the headers worth keeping; nothing else is kept."""
    headers = ("Retry-After: 3", "X-RateLimit-Remaining-Requests: 9", "set-cookie: a=b")
    async with RawProvider(respond(200, {"a": 1}, *headers)).serve() as raw:
        seen = exchange_at(raw.url)
        response = await post(pool, seen, raw.url)
    assert (json.loads(response), seen.json, seen.complete, seen.sent, seen.fault) == (
        {"a": 1},
        {"a": 1},
        True,
        True,
        None,
    )
    assert seen.headers == {
        "content-type": "application/json",
        "retry-after": "3",
        "x-ratelimit-remaining-requests": "9",
    }
    assert raw.seen[0].headers["accept-encoding"] == "identity"


async def test_connections_are_kept_for_the_next_attempt(pool: Pool, post: Post) -> None:
    """Closing one attempt's client does not close the pool."""
    async with RawProvider(respond(200, {})).serve() as raw:
        for _ in range(3):
            await post(pool, exchange_at(raw.url), raw.url)
    assert (len(raw.seen), raw.connections) == (3, 1)


async def test_a_second_request_of_an_attempt_is_refused(pool: Pool, post: Post) -> None:
    """Whoever sends it."""
    async with RawProvider(respond(200, {})).serve() as raw:
        seen = exchange_at(raw.url)
        await post(pool, seen, raw.url)
        with pytest.raises(FAILED, match="second_request"):
            await post(pool, seen, raw.url)
    assert (len(raw.seen), seen.fault) == (1, "second_request")


@pytest.mark.parametrize(
    "other", ["http://localhost:{port}/v1", "https://127.0.0.1:{port}/v1", "http://127.0.0.1:1/v1"]
)
async def test_another_host_is_refused(pool: Pool, post: Post, other: str) -> None:
    """Scheme, host and port must be the deployment's; the key is not sent elsewhere."""
    async with RawProvider(respond(200, {})).serve() as raw:
        seen = exchange_at(raw.url)
        with pytest.raises(FAILED, match="foreign_host"):
            await post(pool, seen, other.format(port=raw.port))
    assert (raw.connections, seen.fault, seen.sent) == (0, "foreign_host", False)


async def test_a_compressed_answer_is_refused(pool: Pool, post: Post) -> None:
    """It was asked for plain; unpacking could fill the memory."""
    async with RawProvider(respond(200, gzip.compress(b"{}"), "content-encoding: gzip")).serve() as raw:
        seen = exchange_at(raw.url)
        with pytest.raises(FAILED):
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


async def test_a_long_answer_without_announced_length_stops_at_the_limit(pool: Pool, post: Post) -> None:
    """No more than allowed is kept."""
    async with RawProvider(chunked(*[b"x" * 400] * 5, kind="text/plain", end=True)).serve() as raw:
        seen = exchange_at(raw.url, max_bytes=1000)
        with pytest.raises(FAILED):
            await post(pool, seen, raw.url)
    assert (seen.fault, len(seen.body), seen.ended) == ("too_large", 1000, False)


async def test_a_chunked_answer_that_is_cut_is_truncated(pool: Pool, post: Post) -> None:
    """What came so far is there to be looked at."""
    async with RawProvider(chunked(b'{"a": ', kind="application/json", end=False)).serve() as raw:
        seen = exchange_at(raw.url)
        with pytest.raises(FAILED, match="broke off"):
            await post(pool, seen, raw.url)
    assert (seen.fault, bytes(seen.body), seen.json, seen.complete) == ("truncated", b'{"a": ', None, False)


async def test_a_stream_is_watched_not_kept(pool: Pool, post: Post) -> None:
    """It passes unchanged; its terminator and last usage remain."""
    async with RawProvider(chunked(STREAM[:50], STREAM[50:], kind="text/event-stream", end=True)).serve() as raw:
        seen = exchange_at(raw.url)
        response = await post(pool, seen, raw.url)
    assert response == STREAM
    assert (seen.complete, bytes(seen.body), OPENAI_CHAT.usage_of(seen.json)) == (True, b"", Usage(4, 2))


@pytest.mark.parametrize("end", [True, False], ids=["ended", "cut"])
async def test_a_stream_without_its_terminator_is_not_complete(pool: Pool, post: Post, end: bool) -> None:
    """Even when HTTP says that it ended well."""
    async with RawProvider(chunked(STREAM[:60], kind="text/event-stream; charset=utf-8", end=end)).serve() as raw:
        seen = exchange_at(raw.url)
        try:
            await post(pool, seen, raw.url)
        except FAILED:
            assert not end
    assert (seen.ended, seen.complete) == (end, False)


async def test_a_stream_shorter_than_announced_is_truncated(pool: Pool, post: Post) -> None:
    """Although its terminator was seen."""
    async with RawProvider(begin_then(STREAM, kind="text/event-stream")).serve() as raw:
        seen = exchange_at(raw.url)
        with pytest.raises(FAILED):
            await post(pool, seen, raw.url)
    assert (seen.fault, seen.complete) == ("truncated", False)
