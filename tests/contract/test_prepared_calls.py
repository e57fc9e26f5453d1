"""A call that was put into words before it might be sent is sent as any other."""

from dataclasses import replace

import pytest

from gateway_core.domain.provider_errors import ProviderError
from tests.contract.litellm_paths import PATHS, provider_at
from tests.contract.raw_provider import RawProvider, respond

NATIVE = [replace(path, engine="native") for path in PATHS]
EACH = pytest.mark.parametrize("path", NATIVE, ids=lambda path: f"{path.provider}-{path.mode}")


@pytest.fixture
async def raw():
    async with RawProvider(respond(500, {"error": {"message": "not now"}})).serve() as server:
        yield server


@pytest.fixture
async def provider(raw):
    made = provider_at(raw.url)
    yield made
    await made.close()


async def sent(provider, raw, call, *, streams):
    """What arrives of it; the provider then fails."""
    asked = anext(provider.stream(call)) if streams else provider.complete(call)
    with pytest.raises(ProviderError):
        await asked
    arrived = raw.seen[-1]
    return arrived.line, arrived.headers, arrived.body


@EACH
@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("expected", [False, True])
async def test_the_same_bytes_arrive(provider, raw, path, streams, expected):
    """Also where another kind of answer was expected, and each time that it is sent."""
    call = path.call(raw.url, temperature=0.5)
    plain = await sent(provider, raw, call, streams=streams)
    prepared = replace(provider.prepare(call, streams=expected), timeout_s=9.0)
    assert [await sent(provider, raw, prepared, streams=streams) for _ in range(2)] == [plain, plain]


@EACH
async def test_it_is_translated_once(provider, raw, path, monkeypatch):
    """And let go of when it is sent: a stream may go on for minutes."""
    call = provider.prepare(path.call(raw.url), streams=False)
    monkeypatch.setattr("gateway_core.adapters.native.codec_of", lambda deployment: None)
    await sent(provider, raw, call, streams=False)
    with pytest.raises(ProviderError):  # nobody translates it once more
        await provider.complete(call)
    assert len(raw.seen) == 1


async def test_litellm_translates_when_it_is_called(provider, raw):
    """It needs what belongs to an attempt."""
    call = PATHS[0].call(raw.url)
    assert provider.prepare(call, streams=False) is call
