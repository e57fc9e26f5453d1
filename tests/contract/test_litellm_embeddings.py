"""Embeddings through the adapter: exact vectors and usage, from the simulator and from odd providers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from gateway_core.adapters.upstream.provider import UpstreamProvider
from gateway_core.domain.answer import Usage
from gateway_core.domain.embedding import EmbeddingInput, Embeddings
from gateway_core.domain.provider_errors import (
    BadCredentials,
    ContentFilterError,
    ContextLengthError,
    DeploymentUnusable,
    ProviderError,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimitError,
)
from local.providers import create_app
from local.providers.openai.embeddings import vector
from local.serving import serve
from tests.contract.embedding_calls import ADA, GOOD, KEY, LARGE, body_of, call_at, embed, fails, row
from tests.contract.litellm_paths import PROMPT, provider_at
from tests.contract.raw_provider import RawProvider, respond
from tests.contract.streaming import under_way
from tests.loop_time import ends_after
from tests.patience import patience


class Simulator:
    """OpenAI as the simulator plays it, and a provider that calls it."""

    def __init__(self, provider: UpstreamProvider, http: httpx.AsyncClient) -> None:
        self.root = f"{http.base_url}/openai".replace("//openai", "/openai")
        self.provider = provider
        self.http = http

    async def embed(self, *inputs: EmbeddingInput, **options: Any) -> Embeddings:
        return await self.provider.embed(call_at(self.root, *inputs, **options))

    async def fault(self, kind: str, **params: Any) -> None:
        body = {"provider": "openai", "endpoint": "embeddings", "kind": kind, "times": 1, **params}
        (await self.http.post("/__faults", json=body)).raise_for_status()

    async def calls(self) -> dict[str, Any]:
        """What was counted, once no call is under way."""
        return dict((await self.http.get("/__calls", params={"wait_idle_s": patience(5)})).json())

    async def failure(self, **options: Any) -> ProviderError:
        """The error of one call, which made one request."""
        with pytest.raises(ProviderError) as caught:
            await self.embed(PROMPT, **options)
        assert (await self.calls())["totals"]["calls"] == 1
        return caught.value


@pytest.fixture(scope="module")
def root() -> Iterator[str]:
    with serve(create_app()) as url:
        yield url


@pytest.fixture
async def simulator(root: str) -> AsyncIterator[Simulator]:
    provider = provider_at(f"{root}/openai")
    async with httpx.AsyncClient(base_url=root, timeout=patience(30)) as http:
        await http.delete("/__faults")
        await http.delete("/__calls")
        yield Simulator(provider, http)
    await provider.close()


@pytest.fixture(scope="module", autouse=True)
async def warm() -> None:
    """The SDK imports more on its first call, too much for a deadline of some tenths of a second."""
    async with RawProvider(respond(200, GOOD)).serve() as raw:
        await embed(call_at(raw.url))


@pytest.mark.parametrize("model", [LARGE, ADA])
async def test_each_input_has_its_exact_vector_and_its_tokens_are_counted(model: str, simulator: Simulator) -> None:
    """Every bit of every number, in the order of the inputs; the usage is the provider's."""
    inputs = ("The otters sleep.", "a", "word " * 100)
    answer = await simulator.embed(*inputs, model=model)
    dimensions = 3072 if model == LARGE else 1536
    assert answer.vectors == tuple(tuple(vector(text, dimensions)) for text in inputs)
    totals = (await simulator.calls())["totals"]
    assert answer.usage == Usage(totals["input_tokens"])
    assert (totals["calls"], totals["input_tokens"] > 100) == (1, True)


async def test_tokens_may_stand_for_a_text(simulator: Simulator) -> None:
    """They travel as they are, next to texts."""
    answer = await simulator.embed((9906, 1917), "Hello")
    (request,) = (await simulator.calls())["requests"]
    assert request["body"]["input"] == [[9906, 1917], "Hello"]
    assert answer.vectors[0] == tuple(vector("(9906, 1917)", 3072))


async def test_dimensions_shorten_the_vectors(simulator: Simulator) -> None:
    """They are named only if asked for: older models refuse the mere mention."""
    assert [len(found) for found in (await simulator.embed("a", "b", dimensions=256)).vectors] == [256, 256]
    await simulator.embed("a", model=ADA)
    bodies = [request["body"] for request in (await simulator.calls())["requests"]]
    assert [body.get("dimensions") for body in bodies] == [256, None]


async def test_dimensions_that_a_model_does_not_have_are_the_callers_fault(simulator: Simulator) -> None:
    """The provider says so, and no deployment is to blame."""
    error = await simulator.failure(model=ADA, dimensions=256)
    assert (type(error), error.effect) == (ProviderRejected, "skip")


FAULTS: list[tuple[str, dict[str, Any], type[ProviderError], bool]] = [
    ("rate_limit", {"retry_after": 7}, RateLimitError, False),
    ("server_error", {}, ProviderUnavailable, False),
    ("unavailable", {}, ProviderUnavailable, False),
    ("auth", {}, BadCredentials, False),
    ("not_found", {}, DeploymentUnusable, False),
    ("context_length", {}, ContextLengthError, False),
    ("content_filter", {}, ContentFilterError, False),
    ("redirect", {"url": "http://127.0.0.1:9/elsewhere"}, DeploymentUnusable, False),
    ("malformed", {}, ProviderUnavailable, True),
    ("html", {}, ProviderUnavailable, True),
    ("cut", {}, ProviderUnavailable, True),
    ("reset", {}, ProviderUnavailable, True),
]


@pytest.mark.parametrize(("kind", "params", "error", "unconfirmed"), FAULTS, ids=[fault[0] for fault in FAULTS])
async def test_every_fault_has_its_error_and_one_request(
    kind: str, params: dict[str, Any], error: type[ProviderError], unconfirmed: bool, simulator: Simulator
) -> None:
    """A refusal is free; what is no whole answer may have been billed."""
    await simulator.fault(kind, **params)
    found = await simulator.failure()
    assert (type(found), found.unconfirmed, found.usage) == (error, unconfirmed, None)
    assert found.retry_after_s == params.get("retry_after")


@pytest.mark.parametrize("kind", ["timeout", "stall"])
async def test_silence_ends_at_the_deadline(kind: str, simulator: Simulator) -> None:
    """Before the answer or within it; it may have been billed."""
    await simulator.fault(kind)
    error = await ends_after(1.2, simulator.failure(timeout_s=1.2), under_way(simulator.http))
    assert (type(error), error.unconfirmed) == (ProviderTimeout, True)


async def test_an_empty_answer_is_billed_as_reported(simulator: Simulator) -> None:
    """No vectors, but the provider counted the input."""
    await simulator.fault("empty_choices")
    error = await simulator.failure()
    assert type(error) is ProviderUnavailable
    assert error.usage == Usage((await simulator.calls())["totals"]["input_tokens"])
    assert not error.unconfirmed


async def test_one_request_to_the_right_place_with_its_own_key() -> None:
    """POST /embeddings below the base URL; floats are asked for in base64."""
    async with RawProvider(respond(200, GOOD)).serve() as raw:
        answer = await embed(call_at(raw.url))
    assert (answer.vectors, answer.usage) == (((0.5, -0.25),), Usage(11))
    (sight,) = raw.seen
    assert sight.line == "POST /v1/embeddings HTTP/1.1"
    assert sight.headers["authorization"] == f"Bearer {KEY}"
    assert sight.json == {"model": LARGE, "input": [PROMPT], "encoding_format": "base64"}


async def test_vectors_come_back_in_the_order_of_the_inputs() -> None:
    """Whatever order the provider sends them in, and as decimals from servers that know no base64."""
    plain = {"object": "embedding", "index": 0, "embedding": [0.1, 2]}
    async with RawProvider(respond(200, body_of(row(2, 3, 3), plain, row(1, 2, 2)))).serve() as raw:
        answer = await embed(call_at(raw.url, "a", "b", "c"))
    assert answer.vectors == ((0.1, 2.0), (2.0, 2.0), (3.0, 3.0))


ODD: dict[str, list[Any]] = {
    "too few": [row(0, 1)],
    "too many": [row(0, 1), row(1, 1), row(2, 1)],
    "one twice": [row(0, 1), row(0, 1)],
    "no index": [{"embedding": [1.0]}, row(1, 1)],
    "a list as index": [{"index": [0], "embedding": [1.0]}, row(1, 1)],
    "no vector": [row(0, 1), {"index": 1}],
    "an empty vector": [row(0), row(1)],
    "different lengths": [row(0, 1), row(1, 1, 1)],
    "not base64": [row(0, 1), {"index": 1, "embedding": "not base64!"}],
    "three bytes": [row(0, 1), {"index": 1, "embedding": "AAAA"}],
    "words": [row(0, 1), {"index": 1, "embedding": ["one"]}],
    "not a number": [row(0, 1), row(1, float("nan"))],
    "infinity": [row(0, 1), {"index": 1, "embedding": [float("inf")]}],
    "not rows": [1, 2],
}


@pytest.mark.parametrize("rows", ODD.values(), ids=ODD.keys())
async def test_anything_but_a_vector_for_each_input_is_a_failure_that_was_billed(rows: list[Any]) -> None:
    """By as much as the answer says."""
    error, _raw = await fails(respond(200, body_of(*rows)), "a", "b")
    assert (type(error), error.usage, error.unconfirmed) == (ProviderUnavailable, Usage(11), False)


async def test_vectors_of_another_length_than_asked_for_are_refused() -> None:
    """An index that expects 256 numbers cannot use 2."""
    error, _raw = await fails(respond(200, GOOD), dimensions=256)
    assert (type(error), error.usage) == (ProviderUnavailable, Usage(11))


@pytest.mark.parametrize("usage", [{"total_tokens": 11}, {"prompt_tokens": -1}, {"prompt_tokens": "11"}])
async def test_an_answer_without_usage_is_an_error(usage: dict[str, Any]) -> None:
    """Nobody knows what it costs."""
    error, _raw = await fails(respond(200, body_of(row(0, 1), **usage)))
    assert (type(error), error.usage, error.unconfirmed) == (ProviderUnavailable, None, True)


@pytest.mark.parametrize("data", [b"", b"null", b"[]", b'{"data": 5, "usage": 7}', b"\xff"])
async def test_garbage_is_not_an_answer(data: bytes) -> None:
    """Nor is an answer to another question."""
    error, _raw = await fails(respond(200, data))
    assert (type(error), error.unconfirmed) == (ProviderUnavailable, True)
