"""What goes wrong with embeddings on the way, and what must not come of it."""

from __future__ import annotations

import asyncio
import json
import socket

import pytest

from gateway_core.domain.answer import Usage
from gateway_core.domain.chat import Deployment
from gateway_core.domain.embedding import EmbedCall
from gateway_core.domain.provider_errors import (
    ContextLengthError,
    DeploymentUnusable,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
)
from tests.contract.embedding_calls import GOOD, KEY, body_of, call_at, embed, fails, row
from tests.contract.leaks import LEAK_TEXT, LEAKS, all_loggers, everything
from tests.contract.litellm_paths import PROMPT, CountingPool, provider_at
from tests.contract.raw_provider import Act, RawProvider, Sight, begin_then, hang, reset, respond
from tests.contract.streaming import error_of
from tests.loop_time import ends_after, loop_time

DEADLINE_S = 1.2


async def test_an_event_stream_is_not_an_answer() -> None:
    """Nobody asked for one."""
    error, _raw = await fails(respond(200, b"data: {}\n\ndata: [DONE]\n\n", kind="text/event-stream"))
    assert (type(error), error.unconfirmed) == (ProviderUnavailable, True)


async def test_an_answer_longer_than_allowed_is_not_read() -> None:
    """Not even to its end."""
    async with RawProvider(respond(200, GOOD)).serve() as raw:
        with pytest.raises(ProviderUnavailable) as caught:
            await embed(call_at(raw.url), max_response_bytes=50)
    assert "fault=too_large" in caught.value.detail


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("Invalid 'input[0]': maximum input length is 8192 tokens.", None),
        ("This model's maximum context length is 8192 tokens, however you requested 9000 tokens.", None),
        ("Requested 346134 tokens, max 300000 tokens per request", "max_tokens_per_request"),
    ],
)
async def test_each_way_of_saying_too_long(message: str, code: str | None) -> None:
    """OpenAI has a limit for each input and one for all of them."""
    error, _raw = await fails(respond(400, {"error": {"message": message, "type": "x", "code": code}}))
    assert type(error) is ContextLengthError


async def test_a_reset_after_the_request_is_not_resent() -> None:
    """The provider would bill twice."""
    error, _raw = await fails(reset)
    assert (type(error), error.unconfirmed) == (ProviderUnavailable, True)


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
async def test_no_status_makes_the_sdk_try_again(status: int) -> None:
    """LiteLLM's own path sets the SDK's retries back to two: there is one request, and no wait for another."""
    with loop_time():  # in which nobody who waits for a moment would come back
        await fails(respond(status, {"error": {"message": "boom"}}, "retry-after: 1"))


async def test_a_refused_connection_costs_nothing_and_is_not_tried_again() -> None:
    """Nothing was sent."""
    pool = CountingPool()
    with socket.socket() as sock:  # bound, not listening: connecting is refused, and nobody else gets the port
        sock.bind(("127.0.0.1", 0))
        with pytest.raises(ProviderUnavailable) as caught:
            await embed(call_at(f"http://127.0.0.1:{sock.getsockname()[1]}"), connect=lambda: pool)
    assert (pool.sent, caught.value.unconfirmed) == (1, False)


async def test_a_redirect_is_not_followed() -> None:
    """The key stays here."""
    async with RawProvider(respond(200, GOOD)).serve() as other:
        error, _raw = await fails(respond(307, b"", f"location: {other.url}/v1/embeddings"))
    assert (other.connections, type(error), error.unconfirmed) == (0, DeploymentUnusable, False)


@pytest.mark.parametrize("act", [hang, begin_then(b'{"data": ', hang_after=True)], ids=["silent", "stalled"])
async def test_the_deadline_is_ours(act: Act) -> None:
    """To the hundredth of a second."""
    async with RawProvider(act).serve() as raw:
        failing = error_of(embed(call_at(raw.url, timeout_s=DEADLINE_S)))
        error = await ends_after(DEADLINE_S, failing, raw.asked.wait())
    assert (type(error), error.unconfirmed) == (ProviderTimeout, True)


async def test_a_foreign_base_url_gets_no_key() -> None:
    """A key goes to the host it was configured for."""
    async with RawProvider(respond(200, GOOD)).serve() as foreign:
        provider = provider_at("http://127.0.0.1:1")
        await provider.embed(call_at(foreign.url))
        await provider.close()
    assert "sk-key-of" not in str(foreign.seen)


@pytest.mark.parametrize("status", [200, 400, 401, 429, 500])
async def test_nothing_private_leaves_by_errors_logs_or_the_terminal(
    status: int, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither a provider's secrets nor our key nor what was to be embedded."""
    for said in (LEAK_TEXT, f"Invalid value: '{PROMPT}' and {KEY}"):
        with all_loggers() as logged:
            error, _raw = await fails(respond(status, {"error": {"message": said, "type": "server_error"}}))
        text = everything(error, logged)
        assert [name for name, secret in LEAKS.items() if secret in text] == []
        assert KEY not in text
        assert "otters" not in text
        assert (error.__cause__, error.__context__) == (None, None)
    assert capfd.readouterr() == ("", "")


async def test_a_good_call_logs_nothing_of_its_content(capfd: pytest.CaptureFixture[str]) -> None:
    """Neither text nor vector nor key."""
    async with RawProvider(respond(200, GOOD)).serve() as raw:
        with all_loggers() as logged:
            await embed(call_at(raw.url))
    text = "\n".join(logged.lines)
    assert [word for word in ("otters", GOOD["data"][0]["embedding"], KEY) if word in text] == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("provider_name", ["anthropic", "gemini", "deepseek"])
async def test_other_providers_are_refused_unsent(provider_name: str) -> None:
    """In words for the caller, and without blame for the deployment."""
    async with RawProvider(respond(200, GOOD)).serve() as raw:
        call = EmbedCall(Deployment(provider_name, "m-1", raw.url, "embedding"), ("a",), None, 5.0, "req-1")
        with pytest.raises(ProviderRejected, match="cannot embed with m-1") as caught:
            await embed(call)
    assert (raw.connections, caught.value.effect) == (0, "skip")


async def test_parallel_calls_keep_their_answers_apart() -> None:
    """Each has its own vector and usage."""

    async def act(sight: Sight, writer: asyncio.StreamWriter) -> None:
        number = int(json.loads(sight.body)["input"][0])
        await respond(200, body_of(row(0, number), prompt_tokens=number))(sight, writer)

    async with RawProvider(act).serve() as raw:
        provider = provider_at(raw.url)
        answers = await asyncio.gather(*(provider.embed(call_at(raw.url, str(number))) for number in range(1, 21)))
        await provider.close()
    assert [(found.vectors, found.usage) for found in answers] == [(((n,),), Usage(n)) for n in range(1, 21)]
