"""Providers beyond the four, on wires of their own: what an operator can configure without a change of ours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from gateway_core.adapters.models import model_provider
from gateway_core.adapters.upstream.provider import UpstreamProvider
from gateway_core.bootstrap import read_settings
from gateway_core.config.settings import GatewaySettings
from gateway_core.domain.answer import Usage
from gateway_core.domain.chat import Model, ProviderCall
from gateway_core.domain.credentials import Credential, Secret
from gateway_core.domain.provider_errors import BadCredentials, ProviderError, ProviderTimeout
from local.serving import serve
from tests.contract.raw_provider import RawProvider, respond
from tests.contract.streaming import Unreachable
from tests.manual_clock import ManualClock
from tests.other_providers import CONFIG, KEYS, MODELS, create_app

# LiteLLM loads a provider's code with its first call, and pydantic has something to say about Cohere's.
pytestmark = pytest.mark.filterwarnings("ignore:Items? .* using the `ReadOnly` qualifier:UserWarning")
ANSWERS = {
    "llama": {
        "model": "llama",
        "message": {"role": "assistant", "content": "Hello back."},
        "done": True,
        "done_reason": "stop",
        "prompt_eval_count": 11,
        "eval_count": 5,
    },
    "command": {
        "id": "1",
        "finish_reason": "COMPLETE",
        "message": {"role": "assistant", "content": [{"type": "text", "text": "Hello back."}]},
        "usage": {"billed_units": {"input_tokens": 7, "output_tokens": 5}},
    },
    "sonar": {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "sonar",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello back."}}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16},
    },
}
USAGE = {"llama": Usage(11, 5), "command": Usage(7, 5), "sonar": Usage(11, 5)}


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Iterator[GatewaySettings]:
    """The configuration of the three."""
    with serve(create_app()) as url:
        path: Path = tmp_path_factory.mktemp("others") / "config.yaml"
        path.write_text(CONFIG.format(url=url))
        yield read_settings({"GATEWAY_CONFIG": str(path), **KEYS})


@pytest.fixture
async def provider(settings) -> AsyncIterator[UpstreamProvider]:
    """The adapter, with the keys that these providers have."""
    keys = {"ollama": Secret("none"), **settings.provider_keys}
    bases = {name: settings.catalog.providers[name].api_base for name in keys}
    made = model_provider({name: Credential(key, bases[name]) for name, key in keys.items()}, ManualClock())
    yield made
    await made.close()


@pytest.fixture
def ask(settings) -> Callable[..., ProviderCall]:
    """A call of a model by its key."""

    def make(key: str, question: str = "Hello.") -> ProviderCall:
        model: Model = settings.catalog.models[key]
        return ProviderCall(
            model.deployment, ({"role": "user", "content": question},), {"temperature": 0.5}, 100, 10, "req_1"
        )

    return make


@pytest.mark.parametrize("key", MODELS)
async def test_it_completes(provider, ask, key):
    """With the provider's own count of what it bills."""
    answer = await provider.complete(ask(key))
    assert answer.content.endswith("heard: Hello.")
    assert (answer.finish_reason, answer.usage) == ("stop", USAGE[key])


@pytest.mark.parametrize("key", ["llama", "command"])
async def test_a_stream_that_cannot_be_read_comes_in_one_piece(provider, ask, key):
    """Ollama's and Cohere's: the whole answer as a chunk, with its end and its usage."""
    (chunk,) = [chunk async for chunk in provider.stream(ask(key))]
    assert chunk.text.endswith("heard: Hello.")
    assert (chunk.finish_reason, chunk.usage) == ("stop", USAGE[key])


async def test_what_comes_in_one_piece_is_the_first_content(settings, ask):
    """So it has no longer than that, and what was not sent by then costs nothing."""
    credential = Credential(Secret("none"), settings.catalog.providers["ollama"].api_base)
    provider = model_provider({"ollama": credential}, ManualClock(), connect=Unreachable)
    with pytest.raises(ProviderTimeout) as caught:
        await anext(provider.stream(replace(ask("llama"), first_s=0.2)))
    assert not caught.value.unconfirmed


@pytest.mark.parametrize("key", MODELS)
async def test_an_error_is_an_error(provider, ask, key):
    """In each provider's own shape, never an empty answer."""
    with pytest.raises(ProviderError) as caught:
        await provider.complete(ask(key, "fail"))
    assert isinstance(caught.value, BadCredentials) == (key != "llama")


@pytest.mark.parametrize("key", MODELS)
async def test_a_key_stays_with_its_host(provider, ask, key):
    """Another host is called without it, and through our transport, also by handlers that take no client of ours."""
    call = ask(key)
    async with RawProvider(respond(200, ANSWERS[key])).serve() as foreign:
        path = urlsplit(call.deployment.api_base).path
        elsewhere = replace(call.deployment, api_base=f"{foreign.url}{path}")
        answer = await provider.complete(replace(call, deployment=elsewhere))
    assert answer.content == "Hello back."
    assert len(foreign.seen) == 1
    assert [secret for secret in KEYS.values() if secret in str(foreign.seen)] == []
