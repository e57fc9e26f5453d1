"""Partial and odd events, as providers and the proxies before them send them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from gateway_core.domain.answer import Usage
from gateway_core.domain.provider_errors import ProviderUnavailable, RateLimitError
from gateway_core.http1 import ConnectionBroken
from tests.contract.litellm_paths import EACH, EACH_NAME, PATHS, Path, provider_at
from tests.contract.raw_provider import Act, RawProvider, Sight, hang, head
from tests.contract.streaming import (
    ANTHROPIC,
    DEEPSEEK,
    DONE,
    GEMINI,
    OPENAI,
    RESPONSES,
    Heard,
    Scripted,
    breaks,
    ended,
    error_of,
    hear_from,
    hear_scripted,
    said,
    sse,
)

every_path = pytest.mark.parametrize("path", EACH, ids=EACH_NAME)
END = ("stop", Usage(11, 3))


@every_path
async def test_any_network_read_may_end_anywhere(path: Path) -> None:
    """Also within a character; the content is the same, byte by byte."""
    stream = sse(*said(path, "Ötter 🦦 ", "と海"), *ended(path)).replace(b"\n", b"\r\n")
    heard = await hear_from(Scripted(lambda: [stream[at : at + 1] for at in range(len(stream))]), path)
    assert ([chunk.text for chunk in heard.chunks], heard.end) == (["Ötter 🦦 ", "と海", ""], END)


@every_path
async def test_all_in_one_read(path: Path) -> None:
    """It still comes out piece by piece."""
    heard = await hear_scripted(path, *said(path, "a", "b"), *ended(path))
    assert ([chunk.text for chunk in heard.chunks], heard.end) == (["a", "b", ""], END)


@every_path
async def test_nothing_is_held_back(path: Path) -> None:
    """Each piece is out before the provider sends the next one."""
    go = asyncio.Semaphore(0)

    async def act(_sight: Sight, writer: asyncio.StreamWriter) -> None:
        writer.write(head(200, "content-type: text/event-stream"))
        for events in (said(path, "first"), said(path, "second")[-1:]):
            writer.write(sse(*events))
            await writer.drain()
            await go.acquire()
        writer.write(sse(*ended(path)))
        writer.close()

    async with RawProvider(act).serve() as raw:
        provider, texts = provider_at(raw.url), []
        async for chunk in provider.stream(path.call(raw.url)):
            texts.append(chunk.text)
            go.release()
        await provider.close()
    assert texts == ["first", "second", ""]


@pytest.mark.parametrize("path", [path for path in PATHS if path != GEMINI], ids=lambda path: path.model)
async def test_the_providers_last_word_is_enough(path: Path) -> None:
    """A connection that it leaves open after that is cut off, not waited for."""

    async def act(sight: Sight, writer: asyncio.StreamWriter) -> None:
        writer.write(head(200, "content-type: text/event-stream") + sse(*said(path, "Hello."), *ended(path)))
        await hang(sight, writer)

    async with RawProvider(act).serve() as raw:
        provider = provider_at(raw.url)
        heard = await Heard().listen(provider.stream(path.call(raw.url)))
        await provider.close()
    assert (heard.text, heard.end) == ("Hello.", END)


@every_path
async def test_a_whole_stream_leaves_its_connection_to_the_next(path: Path) -> None:
    """Opening one costs as much as an answer's first token."""
    body = sse(*said(path, "Hello."), *ended(path))

    async def act(_sight: Sight, writer: asyncio.StreamWriter) -> None:
        writer.write(head(200, "content-type: text/event-stream", "transfer-encoding: chunked"))
        writer.write(b"%x\r\n%b\r\n" % (len(body), body))
        await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    async with RawProvider(act).serve() as raw:
        provider = provider_at(raw.url)
        for _ in range(3):
            assert (await Heard().listen(provider.stream(path.call(raw.url)))).end == END
        await provider.close()
    assert (len(raw.seen), raw.connections) == (3, 1)


@every_path
async def test_a_clean_end_without_the_last_word_is_a_cut(path: Path) -> None:
    """Other gateways take it for `stop`."""
    error, heard = await breaks(path, *said(path, "Half a"))
    assert (type(error), heard.text, error.unconfirmed) == (ProviderUnavailable, "Half a", True)
    assert error.usage == {"anthropic": Usage(11, 1), "gemini": Usage(11, 1)}.get(path.provider)


@every_path
async def test_an_end_without_usage_is_whole_if_anything_was_said(path: Path) -> None:
    """Servers of one's own often tell none: the gateway counts what was delivered."""
    bare = [{k: v for k, v in event.items() if "usage" not in k} for event in ended(path) if isinstance(event, dict)]
    for event in bare:
        event.get("response", {}).pop("usage", None)
    start = [event for event in said(path, "Hello.") if "message" not in event]
    start = [{k: v for k, v in event.items() if "usage" not in k} for event in start]
    heard = await hear_scripted(path, *start, *bare, *([DONE] if path in (OPENAI, DEEPSEEK) else []))
    assert (heard.text, heard.chunks[-1].finish_reason, heard.chunks[-1].usage) == ("Hello.", "stop", None)


async def test_a_gemini_stream_that_is_cut_after_its_reason_is_a_cut() -> None:
    """It has no other last word than the end of HTTP."""
    heard, cut = Heard(), ConnectionBroken("cut")
    network = Scripted(lambda: [sse(*said(GEMINI, "All."), *ended(GEMINI)), cut])
    error = await error_of(hear_from(network, GEMINI, heard))
    assert (heard.text, error.usage, error.unconfirmed) == ("All.", Usage(11, 3), True)


@every_path
@pytest.mark.parametrize(
    "broken",
    [b'{"choices": [', b"[1]", b'"text"', b"\xff", b"[" * 100_000],
    ids=["cut", "list", "text", "bytes", "deep"],
)
async def test_what_is_no_event_breaks_the_stream(path: Path, broken: bytes) -> None:
    """At once, whatever comes after it: LiteLLM would keep the rest back, waiting for more."""
    error, heard = await breaks(path, *said(path, "Hello."), b"data: " + broken + b"\n\n", *said(path, "never"))
    assert (type(error), heard.text, error.unconfirmed) == (ProviderUnavailable, "Hello.", True)
    assert "cause=NotAStreamError" in error.detail


@every_path
async def test_the_last_word_does_not_mend_a_broken_stream(path: Path) -> None:
    """Even in the same read; the bill is known then."""
    error, heard = await breaks(path, *said(path, "Hello."), b"data: {\n\n", *ended(path))
    assert (type(error), heard.text, error.usage) == (ProviderUnavailable, "Hello.", Usage(11, 3))
    assert not error.unconfirmed


@pytest.mark.parametrize(
    ("path", "event"),
    [
        (ANTHROPIC, {"type": "content_block_delta", "index": 0}),
        (ANTHROPIC, {"type": "content_block_start", "content_block": {"type": "tool_use"}}),
        (OPENAI, {"choices": [{"delta": {"content": ["no"]}}]}),
        (OPENAI, {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"arguments": 5}}]}}]}),
        (RESPONSES, {"type": "response.output_text.delta", "delta": {"a": 1}}),
        (GEMINI, {"candidates": [{"content": {"parts": [{"functionCall": {}}]}}]}),
        (GEMINI, {"candidates": [{"content": {"parts": [{"text": 3}]}}]}),
    ],
)
async def test_an_event_of_the_wrong_shape_breaks_the_stream(path: Path, event: Any) -> None:
    """It is content that cannot be read, so the answer would lack it."""
    error, heard = await breaks(path, *said(path, "Hello."), event, *ended(path))
    assert (type(error), heard.text) == (ProviderUnavailable, "Hello.")


@every_path
async def test_events_that_nobody_knows_are_passed_over(path: Path) -> None:
    """So are comments, names, ids, retry times and empty lines."""
    odd = [{"type": "some_new_event", "choices": []}, {"type": "ping"}, b": comment\n\nid: 7\nretry: 10\n\n\n"]
    more = [*odd, b"event: x\n", *said(path, "Hello."), *odd, *ended(path)]
    assert (await hear_scripted(path, *more)).end == END


@every_path
async def test_events_come_in_many_forms(path: Path) -> None:
    """Signs of life, one event in several lines, and any line ends, as proxies and hosts of open models send them."""
    alive = [b"data:\n\n", b"data: \n\n", b"event: ping\ndata: {}\n\n", b":\n\n"]
    body = sse(*alive, *said(path, "Hel", "lo."), *alive, *ended(path))
    for form in (body, b"\xef\xbb\xbf" + body, body.replace(b"\n", b"\r"), body.replace(b", ", b",\r\ndata:")):
        heard = await hear_scripted(path, form)
        assert (heard.text, heard.end) == ("Hello.", END)


@every_path
async def test_a_last_line_that_is_left_open_counts(path: Path) -> None:
    """Some servers end their last event without an empty line."""
    stream = sse(*said(path, "Hello."), *ended(path)).rstrip(b"\n")
    heard = await hear_from(Scripted(lambda: [stream]), path)
    assert (heard.text, heard.end) == ("Hello.", END)


@every_path
async def test_a_whole_answer_instead_of_a_stream_is_refused(path: Path) -> None:
    """It was billed all the same."""
    heard, network = Heard(), Scripted(lambda: [json.dumps(path.good).encode()], "application/json")
    error = await error_of(hear_from(network, path, heard))
    assert (type(error), heard.chunks, error.usage) == (ProviderUnavailable, [], Usage(11, 3))
    assert not error.unconfirmed


@every_path
async def test_an_error_instead_of_a_stream_is_classified(path: Path) -> None:
    """With a 200 before it."""
    body = {"error": {"type": "rate_limit_error", "code": 429 if path == GEMINI else "rate_limit_exceeded"}}
    network = Scripted(lambda: [json.dumps(body).encode()], "application/json")
    assert type(await error_of(hear_from(network, path))) is RateLimitError


def announcing(body: bytes) -> Act:
    """Promise more than comes, so that HTTP never ends, and close."""

    async def act(_sight: Sight, writer: asyncio.StreamWriter) -> None:
        writer.write(head(200, "content-type: text/event-stream", f"content-length: {len(body) + 9}") + body)
        await writer.drain()
        writer.close()

    return act


@pytest.mark.parametrize("path", [path for path in PATHS if path != GEMINI], ids=lambda path: path.model)
async def test_what_follows_the_last_word_does_not_matter(path: Path) -> None:
    """The answer is whole, though its connection is of no more use."""
    async with RawProvider(announcing(sse(*said(path, "Hello."), *ended(path)))).serve() as raw:
        provider = provider_at(raw.url)
        heard = await Heard().listen(provider.stream(path.call(raw.url)))
        await provider.close()
    assert heard.end == END


@pytest.mark.parametrize("path", [ANTHROPIC, GEMINI], ids=["anthropic", "gemini"])
async def test_what_is_reported_on_the_way_goes_along_with_the_content(path: Path) -> None:
    """A caller who leaves pays the provider's own count of the input, not an estimate."""
    events = [sse(event) for event in (*said(path, "a", "b"), *ended(path))]
    heard = await hear_from(Scripted(lambda: events), path)
    assert [chunk.usage for chunk in heard.chunks[:2]] == [Usage(11, 1), None]
