"""Bedrock: LiteLLM's translation, our signature, and the binary stream, at the simulator, which checks all three."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from gateway_core.adapters.models import model_provider
from gateway_core.adapters.upstream.network import signing_of
from gateway_core.adapters.upstream.provider import UpstreamProvider
from gateway_core.domain.answer import Chunk, Usage
from gateway_core.domain.chat import Deployment, ProviderCall
from gateway_core.domain.credentials import Credential, Secret
from gateway_core.domain.provider_errors import (
    BadCredentials,
    ContentFilterError,
    ContextLengthError,
    DeploymentUnusable,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimitError,
)
from local.providers import create_app
from local.providers.bedrock.frames import event
from local.providers.bedrock.signature import SECRET
from local.providers.control import Control
from local.serving import serve
from tests.contract.raw_provider import RawProvider, respond
from tests.contract.simulator_desk import PNG, WEATHER
from tests.manual_clock import ManualClock

MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
ARN = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc"
SIGNED = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": "a-role's"}
KIND = "application/vnd.amazon.eventstream"
BOTH = pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])


@dataclass(frozen=True)
class Asker:
    """A provider and where it is."""

    provider: UpstreamProvider
    base: str

    async def chunks(self, content: Any = "Hello.", *more: Any, model: str = MODEL, **params: Any) -> list[Chunk]:
        """A stream's."""
        return [chunk async for chunk in self.provider.stream(self.call(content, *more, model=model, **params))]

    async def told(self, *, streams: bool, content: Any = "Hello.", model: str = MODEL, **params: Any) -> Any:
        """Text, reasoning, calls by name and arguments, finish and usage, either way."""
        if not streams:
            answer = await self.provider.complete(self.call(content, model=model, **params))
            calls = [(one.name, json.loads(one.arguments)) for one in answer.tool_calls]
            return answer.content, answer.reasoning, calls, answer.finish_reason, answer.usage
        chunks = await self.chunks(content, model=model, **params)
        deltas = [delta for chunk in chunks for delta in chunk.tool_calls]
        names = [delta.name for delta in deltas if delta.name]
        arguments = ["".join(delta.arguments for delta in deltas if delta.index == at) for at in range(len(names))]
        calls = [(name, json.loads(text)) for name, text in zip(names, arguments, strict=True)]
        text, thought = ("".join(getattr(chunk, of) for chunk in chunks) for of in ("text", "reasoning"))
        return text, thought, calls, chunks[-1].finish_reason, chunks[-1].usage

    def call(self, content: Any, *more: Any, model: str = MODEL, timeout_s: float = 20, **params: Any) -> ProviderCall:
        messages = ({"role": "system", "content": "Be brief."}, {"role": "user", "content": content}, *more)
        deployment = Deployment("bedrock", model, self.base)
        return ProviderCall(deployment, messages, params, 4000, timeout_s, "req-1")


def provider_at(base: str, environ: dict[str, str], key: str = "none") -> UpstreamProvider:
    credential = Credential(Secret(key), base, "" if key != "none" else "eu-west-1")
    return model_provider({"bedrock": credential}, ManualClock(), signing=signing_of(environ))


@pytest.fixture(scope="module")
def root() -> Iterator[str]:
    """The simulator."""
    with serve(create_app()) as url:
        yield url


@pytest.fixture
def simulator(root: str) -> Iterator[Control]:
    """Its controls, with nothing set and nothing counted."""
    with Control(root) as control:
        control.reset()
        yield control


@pytest.fixture
async def asker(root: str, simulator: Control) -> AsyncIterator[Asker]:
    """Who asks there, and signs."""
    base = f"{root}/bedrock"
    provider = provider_at(base, SIGNED)
    yield Asker(provider, base)
    await provider.close()


@BOTH
async def test_it_answers_with_what_it_bills(asker, simulator, streams):
    """Signed, once, and by the usage that it tells: what its cache read and wrote comes on top of its input."""
    asked = "[[cached=5]] [[cache_write=4]] [[cache_write_1h=3]] Hello."
    text, _, calls, finish, usage = await asker.told(streams=streams, content=asked, temperature=0.3)
    counts = simulator.counts("bedrock", MODEL)
    assert (text[-6:], calls, finish) == ("Hello.", [], "stop")
    assert (usage.input_tokens, usage.output_tokens) == (counts["input_tokens"], counts["output_tokens"])
    assert (usage.cached_input_tokens, usage.cache_write_tokens) == (
        counts["cached_tokens"],
        counts["cache_write_tokens"],
    )
    assert usage.cache_write_1h_tokens == 3
    assert counts["calls"] == 1
    (sent,) = simulator.calls()["requests"]
    assert sent["body"]["inferenceConfig"] == {"temperature": 0.3, "maxTokens": 4000}


@BOTH
async def test_tools_are_called(asker, streams):
    """With their arguments, in pieces or at once."""
    _, _, calls, finish, _ = await asker.told(streams=streams, content="[[tool]]", tools=[WEATHER])
    ((name, arguments),) = calls
    assert (name, set(arguments), finish) == ("get_weather", {"city"}, "tool_calls")


@BOTH
async def test_images_thoughts_and_schemas(asker, simulator, streams):
    """Each in the wire's own words; thinking is counted apart."""
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    seen = [{"type": "text", "text": "[[reasoning=7]] What is it?"}, image]
    _, thought, _, _, usage = await asker.told(streams=streams, content=seen, reasoning_effort="low")
    (sent,) = simulator.calls()["requests"]
    assert sent["body"]["messages"][0]["content"][1]["image"]["format"] == "png"
    assert sent["body"]["additionalModelRequestFields"]["thinking"]["type"] == "enabled"
    assert thought
    assert usage.reasoning_tokens == 7
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema, "strict": True}}
    text, *_ = await asker.told(streams=streams, response_format=wanted)
    assert set(json.loads(text)) == {"a"}


async def test_results_of_calls_go_back(asker, simulator):
    """As blocks that belong together."""
    called = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Ulm"}'}}
    more = (
        {"role": "assistant", "content": None, "tool_calls": [called]},
        {"role": "tool", "tool_call_id": "call_1", "content": "Sun."},
    )
    await asker.chunks("Weather?", *more, tools=[WEATHER])
    _, said, result = simulator.calls()["requests"][0]["body"]["messages"]
    assert said["content"][0]["toolUse"]["input"] == {"city": "Ulm"}
    assert result["content"][0]["toolResult"]["toolUseId"] == said["content"][0]["toolUse"]["toolUseId"]


@pytest.mark.parametrize("model", [ARN, "amazon.nova-lite-v1:0", "eu.meta.llama3-2-3b-instruct-v1:0"])
async def test_other_models_and_profiles(asker, simulator, model):
    """By name or as an ARN, which is one part of the path that is signed."""
    assert await asker.chunks(model=model)
    assert simulator.counts("bedrock", model)["ok"] == 1


async def test_a_key_of_bedrocks_own_needs_no_signature(root, simulator):
    """And AWS's credentials are not asked for."""
    base = f"{root}/bedrock"
    provider = provider_at(base, {}, key="a-key")
    assert (await provider.complete(Asker(provider, base).call("Hello."))).content
    await provider.close()


async def test_without_credentials_nothing_is_sent(root, simulator, monkeypatch):
    """Or with wrong ones nothing is served."""
    base = f"{root}/bedrock"
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    for environ, calls in (({}, 0), (SIGNED | {"AWS_SECRET_ACCESS_KEY": "another"}, 1)):
        provider = provider_at(base, environ)
        with pytest.raises(BadCredentials):
            await provider.complete(Asker(provider, base).call("Hello."))
        await provider.close()
        assert simulator.calls()["totals"]["calls"] == calls


async def test_no_signature_goes_to_another_host(asker, root, simulator):
    """It is called without any, as others are without the key."""
    await Asker(asker.provider, root.replace("127.0.0.1", "localhost") + "/bedrock").chunks()
    (sent,) = simulator.calls()["requests"]
    assert "x-amz-date" not in sent["headers"]
    assert sent["headers"]["authorization"]["sha256"] == hashlib.sha256(b"none").hexdigest()[:12]


FAULTS: list[tuple[str, dict[str, Any], type[ProviderError], bool]] = [
    ("rate_limit", {"retry_after": 7}, RateLimitError, False),
    ("server_error", {}, ProviderUnavailable, False),
    ("unavailable", {}, ProviderUnavailable, False),
    ("server_error", {"status": 408}, ProviderUnavailable, False),
    ("server_error", {"status": 424}, ProviderUnavailable, False),
    ("auth", {}, BadCredentials, False),
    ("not_found", {}, DeploymentUnusable, False),
    ("error_text", {"status": 400, "text": "The provided model identifier is invalid."}, DeploymentUnusable, False),
    ("context_length", {}, ContextLengthError, False),
    ("content_filter", {}, ContentFilterError, False),
    ("content_filter", {"as_error": False}, ContentFilterError, False),
    ("malformed", {"after_chunks": 0}, ProviderUnavailable, True),
    ("html", {}, ProviderUnavailable, True),
    ("redirect", {}, DeploymentUnusable, False),
    ("reset", {}, ProviderUnavailable, True),
    ("timeout", {}, ProviderTimeout, True),
    ("cut", {}, ProviderUnavailable, True),
]


@BOTH
@pytest.mark.parametrize(("kind", "params", "error", "unconfirmed"), FAULTS)
async def test_a_fault_is_an_error(asker, simulator, kind, params, error, unconfirmed, streams):
    """Told apart as for everybody, after one request; and what may be billed is said to be."""
    if not streams:
        params = {name: value for name, value in params.items() if name != "after_chunks"}
    simulator.fault("bedrock", kind, times=1, **params)
    with pytest.raises(error) as caught:
        await asker.told(streams=streams, **({"timeout_s": 0.3} if kind == "timeout" else {}))
    assert caught.value.unconfirmed is unconfirmed
    assert caught.value.retry_after_s == params.get("retry_after")
    counted = await asyncio.to_thread(simulator.calls)  # the loop has connections to close
    assert counted["totals"]["calls"] == 1


@pytest.mark.parametrize(("kind", "error"), [("rate_limit", RateLimitError), ("server_error", ProviderUnavailable)])
async def test_an_exception_within_a_stream(asker, simulator, kind, error):
    """It comes after a part of the answer, as a frame of its own."""
    simulator.fault("bedrock", kind, times=1, after_chunks=2)
    chunks = asker.provider.stream(asker.call("[[words=9]]"))
    assert [(await anext(chunks)).text for _ in range(2)] == ["alpha", " beta"]
    with pytest.raises(error) as caught:
        await anext(chunks)
    assert caught.value.unconfirmed


HEARD = event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Hi"}})
STOP = event("messageStop", {"stopReason": "end_turn"})
BILL = event("metadata", {"usage": {"inputTokens": 5, "outputTokens": 1, "totalTokens": 6}, "metrics": {}})


@pytest.mark.parametrize(
    "body",
    [
        HEARD,
        HEARD + STOP,
        HEARD + BILL,
        HEARD + STOP + BILL[:-1],
        HEARD + STOP + BILL[:-1] + b"x",
        HEARD + b"data: {}\n\n",
    ],
    ids=["no stop", "no bill", "no reason", "half a frame", "wrong checksum", "no frame"],
)
async def test_what_is_not_stop_and_bill_is_no_end(body):
    """However well the body ends."""
    async with RawProvider(respond(200, body, kind=KIND)).serve() as raw:
        provider = provider_at(raw.url, SIGNED)
        with pytest.raises(ProviderUnavailable):
            await Asker(provider, raw.url).chunks()
        await provider.close()


async def test_usage_comes_from_the_bill():
    """Which is the last that comes, also of a stream that a proxy hands on in bytes."""
    async with RawProvider(respond(200, HEARD + STOP + BILL, kind=KIND)).serve() as raw:
        provider = provider_at(raw.url, SIGNED)
        chunks = await Asker(provider, raw.url).chunks()
        await provider.close()
    assert (chunks[-1].finish_reason, chunks[-1].usage, chunks[-1].is_bill) == ("stop", Usage(5, 1), True)
