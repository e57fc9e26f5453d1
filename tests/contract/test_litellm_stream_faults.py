"""Streams that the provider simulator breaks: what was delivered stays, and nothing looks finished."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway_core.domain.answer import Usage
from gateway_core.domain.provider_errors import (
    BadCredentials,
    ContentFilterError,
    ContextLengthError,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimitError,
)
from local.providers import create_app
from local.serving import serve
from tests.contract.leaks import LEAK_TEXT, LEAKS, all_loggers, everything
from tests.contract.litellm_paths import EACH, EACH_NAME, Path
from tests.contract.streaming import ANTHROPIC, GEMINI, RESPONSES, Heard, StreamDesk, error_of, opened, under_way
from tests.loop_time import ends_after
from tests.patience import patience

every_path = pytest.mark.parametrize("path", EACH, ids=EACH_NAME)
BEFORE: list[tuple[str, dict[str, Any]]] = [
    ("auth", {}),
    ("content_filter", {}),
    ("context_length", {}),
    ("error_text", {"text": "It broke.", "status": 502}),
    ("html", {}),
    ("html", {"status": 503}),
    ("not_found", {}),
    ("rate_limit", {"retry_after": 7}),
    ("redirect", {}),
    ("reset", {}),
    ("server_error", {}),
    ("unavailable", {"retry_after": 3}),
]
WITHIN: list[tuple[str, type[ProviderError]]] = [
    ("context_length", ContextLengthError),
    ("rate_limit", RateLimitError),
    ("server_error", ProviderUnavailable),
    ("unavailable", ProviderUnavailable),
]
NEVER_ENDED = ["cut", "malformed", "reset"]


@pytest.fixture(scope="module")
async def booth() -> AsyncIterator[StreamDesk]:
    with serve(create_app()) as url:
        async with opened(url) as desk:
            yield desk


@pytest.fixture
async def desk(booth: StreamDesk) -> StreamDesk:
    return await booth.cleared()


def reported(path: Path, error: ProviderError) -> bool:
    """Whether the usage is what this provider tells before the end of its stream."""
    if path == ANTHROPIC:
        return error.usage is not None and error.usage.input_tokens > 0
    if path == GEMINI:
        return error.usage is not None and error.usage.output_tokens == 2
    return error.usage is None


@every_path
@pytest.mark.parametrize(
    ("kind", "params"), BEFORE, ids=[f"{kind}{params.get('status', '')}" for kind, params in BEFORE]
)
async def test_errors_before_the_first_token_are_those_of_a_whole_answer(
    path: Path, kind: str, params: dict[str, Any], desk: StreamDesk
) -> None:
    """The same error, with the same words, wait, usage and effect."""
    await desk.fault(path, kind, **params)
    error, heard = await desk.failure(path)
    await desk.fault(path, kind, **params)
    whole = await error_of(desk.provider.complete(desk.call(path, "[[words=20]]")))
    assert heard.chunks == []
    assert facts(error) == facts(whole)


def facts(error: ProviderError) -> tuple[Any, ...]:
    """Everything but the ids of requests."""
    detail = [word for word in error.detail.split() if not word.startswith(("request_id=", "cause=", "type="))]
    return (
        type(error), error.message, detail, error.retry_after_s, error.usage, error.unconfirmed, error.effect
    )  # fmt: skip


@every_path
@pytest.mark.parametrize(("kind", "expected"), WITHIN, ids=[kind for kind, _ in WITHIN])
async def test_an_error_within_a_stream_is_classified(
    path: Path, kind: str, expected: type[ProviderError], desk: StreamDesk
) -> None:
    """By the provider's own word, as it has no status any more; it may bill what it had said."""
    await desk.fault(path, kind, after_chunks=2)
    error, heard = await desk.failure(path)
    assert (type(error), len(heard.chunks), heard.open) == (expected, 2, True)
    assert error.unconfirmed
    assert reported(path, error)


@every_path
async def test_an_error_as_the_first_event_is_classified(path: Path, desk: StreamDesk) -> None:
    """Nothing was delivered: the request may go elsewhere."""
    await desk.fault(path, "unavailable", after_chunks=0)
    error, heard = await desk.failure(path)
    assert (type(error), heard.chunks, error.retryable) == (ProviderUnavailable, [], True)


@every_path
@pytest.mark.parametrize("kind", NEVER_ENDED)
@pytest.mark.parametrize("wish", ["[[words=20]]", "[[tool]]"])
async def test_a_stream_without_its_end_is_not_whole(path: Path, kind: str, wish: str, desk: StreamDesk) -> None:
    """What came is delivered first; then comes an error, with the usage told so far."""
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}]
    await desk.fault(path, kind, after_chunks=2)
    error, heard = await desk.failure(path, wish, tools=tools)
    assert (type(error), error.unconfirmed, heard.open) == (ProviderUnavailable, True, True)
    assert heard.text if "words" in wish else heard.tool_calls
    assert error.usage is None if path not in (ANTHROPIC, GEMINI) else error.usage is not None


@every_path
async def test_a_cut_after_the_last_word_is_still_a_cut(path: Path, desk: StreamDesk) -> None:
    """All the text is there, its end is not."""
    await desk.fault(path, "cut", after_chunks=100)
    error, heard = await desk.failure(path, "[[say=All is said.]]")
    assert (type(error), heard.text, heard.open) == (ProviderUnavailable, "All is said.", True)
    assert error.unconfirmed


@every_path
async def test_a_filter_in_the_middle_is_an_error_with_its_usage(path: Path, desk: StreamDesk) -> None:
    """The provider ended the stream properly, and bills it."""
    await desk.fault(path, "content_filter", after_chunks=2)
    error, heard = await desk.failure(path)
    assert (type(error), len(heard.chunks), heard.open) == (ContentFilterError, 2, True)
    assert (error.usage, error.unconfirmed) == (await desk.oracle(), False)


async def test_a_refused_gemini_prompt_is_filtered(desk: StreamDesk) -> None:
    """It answers 200, without a candidate."""
    await desk.fault(GEMINI, "content_filter")
    error, heard = await desk.failure(GEMINI)
    assert (type(error), heard.chunks, error.usage) == (ContentFilterError, [], await desk.oracle())


@every_path
async def test_a_slow_first_token_with_comments_is_no_fault(path: Path, desk: StreamDesk) -> None:
    """Keep-alive comments are nothing to anybody."""
    await desk.fault(path, "slow_first_token", delay_ms=60, keep_alive_ms=10)
    heard = await desk.hear(path, "[[say=At last.]]")
    assert (heard.text, heard.end) == ("At last.", ("stop", await desk.oracle()))


@every_path
async def test_an_empty_stream_is_not_an_answer(path: Path, desk: StreamDesk) -> None:
    """No choice, no content, no reason: nobody can use it."""
    if path in (ANTHROPIC, RESPONSES):
        return await a_bare_end_is_an_answer(path, desk)
    await desk.fault(path, "empty_choices")
    error, heard = await desk.failure(path)
    assert (type(error), heard.chunks) == (ProviderUnavailable, [])
    return None


async def a_bare_end_is_an_answer(path: Path, desk: StreamDesk) -> None:
    """These two say that they ended, which is all that can be asked."""
    await desk.fault(path, "empty_choices")
    heard = await desk.hear(path)
    assert heard.end == ("stop", await desk.oracle())


@every_path
@pytest.mark.parametrize(
    ("kind", "params"), [("stall", {"after_chunks": 2}), ("timeout", {})], ids=["stall", "silence"]
)
async def test_the_deadline_bounds_the_whole_stream(
    path: Path, kind: str, params: dict[str, Any], desk: StreamDesk
) -> None:
    """Also once it has begun; the provider's connection is closed."""
    await desk.fault(path, kind, **params)
    error, heard = await desk.silence(path, timeout_s=1.2, after_chunks=params.get("after_chunks", 0))
    assert (type(error), len(heard.chunks), heard.open) == (ProviderTimeout, 2 if kind == "stall" else 0, True)
    assert error.unconfirmed
    assert error.usage is None if kind == "timeout" else reported(path, error)
    assert (await desk.counted())["disconnects"] == 1


@every_path
async def test_the_deadline_holds_while_comments_keep_the_line_busy(path: Path, desk: StreamDesk) -> None:
    """A stream of comments is silence."""
    await desk.fault(path, "stall", after_chunks=1, keep_alive_ms=20)
    error, heard = await desk.failure(path, timeout_s=patience(1.2))
    assert (type(error), len(heard.chunks)) == (ProviderTimeout, 1)
    assert (await desk.counted())["disconnects"] == 1


@every_path
async def test_closing_the_iterator_closes_the_connection(path: Path, desk: StreamDesk) -> None:
    """The provider stops at once."""
    await desk.fault(path, "stall", after_chunks=1)
    stream = desk.provider.stream(desk.call(path, "[[words=20]]"))
    assert (await anext(stream)).is_content
    await stream.aclose()
    assert (await desk.counted())["disconnects"] == 1
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


@every_path
async def test_cancelling_the_listener_closes_the_connection(path: Path, desk: StreamDesk) -> None:
    """In the middle of waiting for more; the cancellation goes its way."""
    await desk.fault(path, "stall", after_chunks=1)
    heard, first = Heard(), asyncio.Event()

    async def listen() -> None:
        async for chunk in desk.provider.stream(desk.call(path, "[[words=20]]")):
            heard.chunks.append(chunk)
            first.set()

    task = asyncio.create_task(listen())
    await first.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await desk.counted())["disconnects"] == 1
    assert len(heard.chunks) == 1


@every_path
async def test_cancelling_before_the_answer_closes_the_connection(path: Path, desk: StreamDesk) -> None:
    """A caller's own, shorter deadline is such a cancellation."""
    await desk.fault(path, "timeout")

    async def listen() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await desk.hear(path)

    await ends_after(0.3, listen(), under_way(desk.http))
    assert (await desk.counted())["disconnects"] == 1


@every_path
@pytest.mark.parametrize("params", [{"status": 400}, {"after_chunks": 1}], ids=["before", "within"])
async def test_no_secret_prompt_or_completion_gets_out(path: Path, params: dict[str, Any], desk: StreamDesk) -> None:
    """Not in the error, nor in any log at DEBUG, although the provider's own text holds them."""
    prompt, completion = "Where do the otters winter?", "Under the quay"
    await desk.fault(path, "error_text", text=f"{LEAK_TEXT} for {prompt}", **params)
    with all_loggers() as logged:
        error, _ = await desk.failure(path, f"{prompt}[[say={completion} at Kyleakin.]]")
    told = everything(error, logged)
    assert "said=" in error.detail
    for hidden in (*LEAKS.values(), prompt, completion, path.key):
        assert hidden not in told


async def test_a_key_that_is_refused_is_the_gateways_fault(desk: StreamDesk) -> None:
    """Never the caller's."""
    await desk.fault(RESPONSES, "auth")
    error, _ = await desk.failure(RESPONSES)
    assert (type(error), error.usage, error.unconfirmed) == (BadCredentials, None, False)


async def test_a_broken_stream_reports_what_was_told_so_far(desk: StreamDesk) -> None:
    """Gemini counts as it goes."""
    await desk.fault(GEMINI, "cut", after_chunks=3)
    error, _ = await desk.failure(GEMINI, "[[words=20]]")
    counted = await desk.counted()
    assert error.usage == Usage(counted["unfinished_input_tokens"], counted["unfinished_output_tokens"])
    assert error.usage.output_tokens == 3
