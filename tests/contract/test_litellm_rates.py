"""What providers say of their limits, through LiteLLM and our transport: whole, streamed, embedded and refused."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from gateway_core.adapters.models import model_provider
from gateway_core.adapters.upstream.provider import UpstreamProvider
from gateway_core.adapters.upstream.rates import LONGEST_RESET_MS
from gateway_core.domain.chat import ProviderCall
from gateway_core.domain.credentials import Credential, Secret
from gateway_core.domain.embedding import EmbedCall
from gateway_core.domain.provider_errors import ProviderError, RateLimitError
from gateway_core.domain.rates import UNREPORTED, RateView, ReportedLimit
from local.providers import base_urls, create_app
from local.serving import serve
from tests.contract.embedding_calls import LARGE
from tests.contract.litellm_paths import EACH, EACH_NAME, NAMES, PATHS, Path
from tests.manual_clock import ManualClock
from tests.patience import patience

every_path = pytest.mark.parametrize("path", EACH, ids=EACH_NAME)
CLOCK = ManualClock()
NOW = CLOCK.now_ms()
SPEAKING = {"anthropic", "openai"}
OPENAI_EMPTY = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "9s"}
ANTHROPIC_EMPTY = {
    "anthropic-ratelimit-output-tokens-remaining": "0",
    "anthropic-ratelimit-output-tokens-reset": "2099-01-01T00:00:00Z",
}


class Desk:
    """The provider at a simulator whose faults can be set."""

    def __init__(self, root: str, provider: UpstreamProvider, http: httpx.AsyncClient) -> None:
        self.bases, self.provider, self.http = base_urls(root), provider, http

    def call(self, path: Path) -> ProviderCall:
        call = path.call("")
        return replace(
            call, deployment=replace(call.deployment, api_base=self.bases[f"{path.provider.upper()}_API_BASE"])
        )

    def embedding(self) -> EmbedCall:
        deployment = replace(self.call(PATHS[1]).deployment, upstream_model=LARGE, mode="embedding")
        return EmbedCall(deployment, ("Hello.",), None, 10.0, "req-1")

    async def fault(self, provider: str, kind: str, **params: Any) -> None:
        body = {"provider": provider, "kind": kind, "times": 1, **params}
        (await self.http.post("/__faults", json=body)).raise_for_status()

    async def stream(self, path: Path) -> list[RateView | None]:
        return [chunk.rates async for chunk in self.provider.stream(self.call(path))]


@pytest.fixture(scope="module")
def root() -> Iterator[str]:
    with serve(create_app()) as url:
        yield url


@pytest.fixture
async def desk(root: str) -> AsyncIterator[Desk]:
    bases = base_urls(root)
    credentials = {
        path.provider: Credential(Secret(path.key), bases[f"{path.provider.upper()}_API_BASE"]) for path in PATHS
    }
    provider = model_provider(credentials, CLOCK)
    async with httpx.AsyncClient(base_url=root, timeout=patience(30)) as http:
        await http.delete("/__faults")
        yield Desk(root, provider, http)
    await provider.close()


def check(path: Path, view: RateView | None) -> None:
    """The simulator's numbers, in the terms of our clock although the provider's shows another year."""
    if path.provider not in SPEAKING:
        assert view is None
        return
    assert view
    limit = 4000 if path.provider == "anthropic" else 10_000
    assert (view.seen_ms, view.until_ms) == (NOW, 0)
    assert (view.requests.limit, view.requests.remaining) == (limit, limit - 1)
    assert view.requests.reset_at_ms is not None
    # OpenAI counts in milliseconds, Anthropic in the whole seconds that its Date header has too.
    assert view.requests.reset_at_ms - NOW in ({0, 1000} if path.provider == "anthropic" else {6})
    assert view.tokens.limit
    assert view.tokens.remaining


@every_path
async def test_a_whole_answer_says_it(path: Path, desk: Desk) -> None:
    """DeepSeek and Gemini say nothing."""
    check(path, (await desk.provider.complete(desk.call(path))).rates)


@every_path
async def test_a_stream_says_it_with_its_first_chunk(path: Path, desk: Desk) -> None:
    """And only with that."""
    first, *others = await desk.stream(path)
    check(path, first)
    assert set(others) == {None}


async def test_vectors_say_it(desk: Desk) -> None:
    """Embeddings have OpenAI's headers."""
    check(PATHS[1], (await desk.provider.embed(desk.embedding())).rates)


@pytest.mark.parametrize("path", PATHS[1:3], ids=NAMES[1:3])
async def test_an_answer_that_leaves_nothing_closes_until_the_reset(path: Path, desk: Desk) -> None:
    """It is a good answer all the same."""
    await desk.fault("openai", "answer", headers=OPENAI_EMPTY)
    view = (await desk.provider.complete(desk.call(path))).rates
    assert view
    assert (view.requests, view.until_ms) == (ReportedLimit(10_000, 0, NOW + 9000), NOW + 9000)


async def test_any_limit_of_tokens_may_be_the_one_that_is_used_up(desk: Desk) -> None:
    """Anthropic has three; a reset in another century counts for an hour."""
    await desk.fault("anthropic", "answer", headers=ANTHROPIC_EMPTY)
    view = (await desk.provider.complete(desk.call(PATHS[0]))).rates
    assert view
    assert (view.tokens.remaining, view.until_ms) == (0, NOW + LONGEST_RESET_MS)


async def ask(desk: Desk, path: Path, how: str) -> None:
    if how == "stream":
        await desk.stream(path)
    elif how == "embed":
        await desk.provider.embed(desk.embedding())
    else:
        await desk.provider.complete(desk.call(path))


async def refused(desk: Desk, path: Path, how: str) -> RateLimitError:
    """The error of a whole answer, a stream or vectors."""
    with pytest.raises(RateLimitError) as caught:
        await ask(desk, path, how)
    return caught.value


@pytest.mark.parametrize("how", ["complete", "stream"])
@every_path
async def test_a_429_says_when_to_come_back(path: Path, how: str, desk: Desk) -> None:
    """Retry-After goes before the reset; Gemini's quota is in its body."""
    await desk.fault(path.provider, "rate_limit", retry_after=7)
    error = await refused(desk, path, how)
    assert error.retry_after_s == 7
    if path.provider == "deepseek":
        assert error.rates is None
        return
    assert error.rates
    assert (error.rates.requests.remaining, error.rates.until_ms) == (0, 0)
    if path.provider == "gemini":
        assert error.rates == RateView(NOW, ReportedLimit(150, 0, NOW + 7000), UNREPORTED)


@pytest.mark.parametrize("how", ["complete", "stream", "embed"])
async def test_a_429_without_a_time_means_the_reset(how: str, desk: Desk) -> None:
    """OpenAI's reset header is all there is."""
    await desk.fault("openai", "rate_limit")
    error = await refused(desk, PATHS[1], how)
    assert (error.retry_after_s, error.wait_s) == (None, 0.12)
    assert error.rates
    assert error.rates.until_ms == NOW + 120


async def test_a_failure_says_it_as_well(desk: Desk) -> None:
    """The headers of a 500 are no worse than others."""
    await desk.fault("openai", "server_error", headers={"x-ratelimit-remaining-tokens": "17"})
    with pytest.raises(ProviderError) as caught:
        await desk.provider.complete(desk.call(PATHS[1]))
    assert caught.value.rates
    assert caught.value.rates.tokens == ReportedLimit(None, 17)


async def test_a_stream_that_breaks_off_says_it(desk: Desk) -> None:
    """With its error, as a caller may have let the first chunk go by."""
    await desk.fault("openai", "cut", after_chunks=1)
    with pytest.raises(ProviderError) as caught:
        await desk.stream(PATHS[1])
    check(PATHS[1], caught.value.rates)
