"""Providers outside the catalog, and base URLs that callers name: what arrives where, and what never leaves."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from gateway_core.adapters.models import model_provider
from gateway_core.adapters.upstream.guarded import GuardedNetwork
from gateway_core.adapters.upstream.network import Incoming
from gateway_core.adapters.upstream.provider import UpstreamProvider
from gateway_core.config.known_providers import known_providers
from gateway_core.domain.answer import Usage
from gateway_core.domain.chat import Deployment, ProviderCall, Reach
from gateway_core.domain.credentials import Credential, Secret
from gateway_core.domain.provider_errors import AddressRefused, ProviderError, ProviderUnavailable
from gateway_core.http1 import Request, Url
from tests.contract.litellm_paths import EACH, EACH_NAME, Path, provider_at
from tests.contract.raw_provider import RawProvider, Sight, head, respond
from tests.contract.test_litellm_others import ANSWERS
from tests.manual_clock import ManualClock
from tests.networks import Canned

# LiteLLM loads a provider's code with its first call, and pydantic has something to say about Cohere's.
pytestmark = pytest.mark.filterwarnings("ignore:Items? .* using the `ReadOnly` qualifier:UserWarning")
KEY = "sk-the-key-of-the-provider"
FRAME = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
USAGE = {"prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16}
PIECES = [
    {"choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hello "}, "finish_reason": None}]},
    {"choices": [{"index": 0, "delta": {"content": "back."}, "finish_reason": None}]},
    {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    {"choices": [], "usage": USAGE},
]
STREAM = b"".join(b"data: %s\n\n" % json.dumps({**FRAME, **piece}).encode() for piece in PIECES) + b"data: [DONE]\n\n"
ON_OPENAIS_WIRE = sorted(set(known_providers()) - {"bedrock", "cohere"})


async def chat(sight: Sight, writer) -> None:
    """Answer on OpenAI's wire, streamed or not as asked."""
    streamed = sight.json.get("stream")
    data = STREAM if streamed else json.dumps(ANSWERS["sonar"]).encode()
    kind = "text/event-stream" if streamed else "application/json"
    writer.write(head(200, f"content-type: {kind}", f"content-length: {len(data)}") + data)
    await writer.drain()


def call_of(provider: str, base: str, upstream: str = "org/some-model", reach: Reach = "any") -> ProviderCall:
    deployment = Deployment(provider, upstream, base, reach=reach)
    return ProviderCall(deployment, ({"role": "user", "content": "Hi."},), {"temperature": 0.5}, 100, 10, "req_1")


@asynccontextmanager
async def provider_for(name: str, base: str, **options) -> AsyncIterator[UpstreamProvider]:
    made = model_provider({name: Credential(Secret(KEY), base)}, ManualClock(), **options)
    yield made
    await made.close()


@pytest.mark.parametrize("name", ON_OPENAIS_WIRE)
async def test_every_well_known_provider_can_be_called(name):
    """Once for a whole answer and once for a stream: the path, the key, the limit and the name are as they should."""
    async with RawProvider(chat).serve() as raw:
        base = f"{raw.url}/v1"
        async with provider_for(name, base) as provider:
            answer = await provider.complete(call_of(name, base))
            chunks = [chunk async for chunk in provider.stream(call_of(name, base))]
    assert (answer.content, answer.usage) == ("Hello back.", Usage(11, 5))
    assert ("".join(chunk.text for chunk in chunks), chunks[-1].usage) == ("Hello back.", Usage(11, 5))
    assert [sight.path for sight in raw.seen] == ["/v1/chat/completions"] * 2
    assert {sight.headers["authorization"] for sight in raw.seen} == {f"Bearer {KEY}"}
    assert all(sight.json.get("max_tokens", sight.json.get("max_completion_tokens")) == 100 for sight in raw.seen)
    assert all(sight.json["model"].endswith("org/some-model") for sight in raw.seen)


async def test_cohere_can_be_called():
    """On its second version, as its row has the base URL and the name."""
    row = known_providers()["cohere"]
    async with RawProvider(respond(200, ANSWERS["command"])).serve() as raw:
        base = f"{raw.url}/{row.base_url.split('/', 3)[3]}"
        async with provider_for("cohere", base) as provider:
            answer = await provider.complete(call_of("cohere", base, f"{row.upstream_prefix}command-a"))
    assert answer.content == "Hello back."
    assert [(sight.path, sight.json["model"]) for sight in raw.seen] == [("/v2/chat", "command-a")]


@pytest.mark.parametrize("path", EACH, ids=EACH_NAME)
async def test_a_key_never_goes_to_a_callers_base_url(path: Path):
    """Not even to the host that it belongs to, by any engine, nor by the environment; by our own there is no header."""
    async with (
        RawProvider(respond(200, path.good)).serve() as own,
        RawProvider(respond(200, path.good)).serve() as other,
    ):
        provider = provider_at(own.url)
        for root in (other.url, own.url):
            call = path.call(root)
            await provider.complete(replace(call, deployment=replace(call.deployment, reach="private")))
        await provider.close()
    assert len(own.seen) == len(other.seen) == 1
    assert path.key not in str((own.seen, other.seen))
    if path.engine == "native":
        assert not any(path.key_header in sight.headers for sight in (*own.seen, *other.seen))


@pytest.mark.parametrize(
    "addresses",
    [
        ["169.254.169.254"],
        ["fd00:ec2::254"],
        ["::ffff:169.254.169.254"],
        ["0.0.0.0"],
        ["127.0.0.1"],
        ["10.0.0.1"],
        ["8.8.8.8", "127.0.0.1"],
        [],
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
async def test_nothing_is_connected_to_at_a_refused_address(addresses, streamed):
    """A name that leads there, if only by one of its addresses, is 403 before anything is connected to."""

    async def look_up(_host: str, _port: int) -> list[str]:
        return addresses

    async with RawProvider(chat).serve() as raw:
        base = f"http://llm.example.com:{raw.port}/v1"
        async with provider_for("openai", "https://api.openai.com/v1", look_up=look_up) as provider:
            with pytest.raises(AddressRefused, match="api_base_private_hosts") as caught:
                await outcome(provider, call_of("openai", base, reach="public"), streamed=streamed)
    assert raw.connections == 0
    error = caught.value
    assert (error.status, error.code, error.effect, error.unconfirmed, error.retryable) == (
        403, "forbidden", "skip", False, False,
    )  # fmt: skip


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1"])
async def test_odd_spellings_of_this_machine(host):
    """Come out of the system's resolver as what they mean, or as nothing."""
    async with RawProvider(chat).serve() as raw:
        base = f"http://{host}:{raw.port}/v1"
        async with provider_for("openai", "https://api.openai.com/v1") as provider:
            with pytest.raises(ProviderError):
                await provider.complete(call_of("openai", base, reach="public"))
    assert raw.connections == 0


async def test_metadata_is_refused_where_private_is_allowed():
    """The operator's leave is for private addresses, not for credentials."""

    async def look_up(_host: str, _port: int) -> list[str]:
        return ["169.254.169.254"]

    async with provider_for("openai", "https://api.openai.com/v1", look_up=look_up) as provider:
        with pytest.raises(AddressRefused):
            await provider.complete(call_of("openai", "http://vllm.internal/v1", reach="private"))


async def test_a_name_is_looked_up_once_and_its_address_called():
    """Whoever answers otherwise the second time is not asked, the server sees the name, dead addresses are left out."""
    asked: list[str] = []

    async def look_up(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.2", "127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    async with RawProvider(chat).serve() as raw:
        base = f"http://vllm.internal:{raw.port}/v1"
        async with provider_for("openai", "https://api.openai.com/v1", look_up=look_up) as provider:
            answer = await provider.complete(call_of("openai", base, reach="private"))
            with pytest.raises(AddressRefused):
                await provider.complete(call_of("openai", base, reach="private"))
    assert answer.content == "Hello back."
    assert asked == ["vllm.internal"] * 2
    assert raw.connections == 1
    assert raw.seen[0].headers["host"] == f"vllm.internal:{raw.port}"


async def test_a_redirect_is_refused_there_too():
    """However public the first host was."""
    async with RawProvider(chat).serve() as target:
        act = respond(307, b"", f"location: {target.url}/v1/chat/completions")
        async with RawProvider(act).serve() as raw, provider_for("openai", "https://api.openai.com/v1") as provider:
            with pytest.raises(ProviderUnavailable, match="redirected"):
                await provider.complete(call_of("openai", f"{raw.url}/v1", reach="private"))
    assert target.connections == 0


async def test_a_name_without_an_address_cannot_be_reached():
    """As any provider that cannot: nothing was sent, nothing is billed."""

    async def look_up(_host: str, _port: int) -> list[str]:
        raise OSError

    async with provider_for("openai", "https://api.openai.com/v1", look_up=look_up) as provider:
        with pytest.raises(ProviderUnavailable, match="could not be reached") as caught:
            await provider.complete(call_of("openai", "https://llm.example.com/v1", reach="public"))
    assert not caught.value.unconfirmed


async def test_tls_asks_for_the_name():
    """The connection is to the address, the request is as it was; see `test_http1_tls.py` for the certificate."""
    sent: list[tuple[Request, str]] = []

    class Addressed:
        async def send(self, request: Request, sending: Callable[[], None], *, address: str) -> Incoming:
            sent.append((request, address))
            return Canned([])

        async def close(self) -> None:
            """There is nothing to close."""

    async def look_up(_host: str, _port: int) -> list[str]:
        return ["2606:4700::1111"]

    asked = Request("POST", Url.parse("https://llm.example.com:8443/v1/chat"), {}, b'{"a": 1}')
    await GuardedNetwork(Addressed(), allow_private=False, look_up=look_up).send(asked, lambda: None)
    assert sent == [(asked, "2606:4700::1111")]


async def outcome(provider: UpstreamProvider, call: ProviderCall, *, streamed: bool) -> None:
    if streamed:
        async for _ in provider.stream(call):
            pass
    else:
        await provider.complete(call)
