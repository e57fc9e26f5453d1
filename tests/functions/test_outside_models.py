"""Identifiers outside the catalog and base URLs of callers, by the routes: who may, what it costs, what is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from gateway_core.api import chat, complete, models, stream
from gateway_core.api.app import create_app
from gateway_core.config.catalog_loader import Overrides, load_catalog
from gateway_core.domain.answer import ProviderAnswer, Usage
from gateway_core.domain.chat import ProviderCall
from gateway_core.domain.provider_errors import AddressRefused, ProviderUnavailable, RateLimitError
from gateway_core.domain.rates import RateView, ReportedLimit
from tests.conftest import World, settings_for

BODY = {"messages": [{"role": "user", "content": "Hello."}], "max_tokens": 50}
SONAR = {**BODY, "model": "perplexity/sonar"}
BASE = "https://llm.example.com/v1"


@pytest.fixture
def world() -> World:
    """The default catalog, with a host that requests may name; models without a price are allowed."""
    hosts = frozenset({"llm.example.com"})
    catalog = load_catalog(Overrides(api_base_hosts=hosts, allow_unpriced=True))
    return World(catalog, settings_for(catalog))


@pytest.fixture
async def http(world) -> AsyncIterator[httpx.AsyncClient]:
    """Without a key."""
    app = create_app(world.services, *(part.router for part in (complete, stream, chat, models)))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        yield client


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def kept(world: World) -> list[object]:
    """What the fleet keeps of deployments."""
    state = world.store._state
    breakers = [one for one in state.breakers.values() if one.failures or one.generation]
    return [*breakers, *state.latencies, *state.provider_limits]


def failing(error):
    def behave(_call: ProviderCall) -> ProviderAnswer:
        raise error()

    return behave


async def test_a_plain_key_may_not(world, http):
    """403 that names the option, on our wire and on OpenAI's; nothing is held or called."""
    key = await world.key()
    for path in ("/v1/complete", "/v1/stream", "/v1/chat/completions"):
        answer = await http.post(path, json=SONAR, headers=bearer(key))
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
        assert "--models 'perplexity/sonar'" in answer.json()["error"]["message"]
    assert await world.records() == []


@pytest.mark.parametrize(
    "rights", [{"models": ("perplexity/*",)}, {"admin": True}, {"groups": ("fast",), "models": ("*",)}]
)
async def test_who_may(world, http, rights):
    """At LiteLLM's price, in the books under the identifier, with the fingerprint of the list that has it."""
    key = await world.key(**rights)
    answer = (await http.post("/v1/complete", json=SONAR, headers=bearer(key))).json()
    assert (answer["model"], answer["provider"]) == ("perplexity/sonar", "perplexity")
    assert answer["cost"]["price_source"].startswith("litellm-")
    (record,) = await world.records()
    assert record.cost_nano == (record.input_tokens + record.output_tokens) * 1000 > 0
    assert record.price_hash != world.catalog.prices_sha256[:16]


async def test_without_a_price(world, http):
    """Free, and it says so."""
    key = await world.key(models=("ollama/*",))
    answer = (await http.post("/v1/complete", json={**BODY, "model": "ollama/llama9"}, headers=bearer(key))).json()
    assert answer["cost"] == {"input_usd": "0", "output_usd": "0", "total_usd": "0", "price_source": "unpriced"}


@pytest.mark.parametrize("extra", [{}, {"api_base": BASE, "model": "gpt-5.1"}])
async def test_nothing_of_it_is_kept_for_others(world, http, extra):
    """Neither failures, nor a limit with a known end, nor how fast it was: the catalog's breakers stay as they are."""
    key = await world.key(models=("perplexity/*",), api_base_hosts=("llm.example.com",))
    body = {**SONAR, **extra}
    name = "gpt-5.1" if extra else "sonar"
    seen = RateView(requests=ReportedLimit(10, 0, 60_000), seen_ms=world.clock.now_ms())

    def answered(_call: ProviderCall) -> ProviderAnswer:
        return ProviderAnswer("Hi.", (), "stop", Usage(3, 2), rates=seen)

    for behave in (
        failing(lambda: ProviderUnavailable("down")),
        failing(lambda: RateLimitError("slow", retry_after_s=900)),
        answered,
    ):
        world.behave[name] = behave
        for _ in range(7):
            last = await http.post("/v1/complete", json=body, headers=bearer(key))
    assert last.status_code == 200
    assert kept(world) == []


async def test_a_base_url_takes_two_rights(world, http):
    """The key's, with the option that gives it; and the configuration's."""
    body = {**BODY, "model": "gpt-5.1", "api_base": BASE}
    plain, named = await world.key(), await world.key(api_base_hosts=("llm.example.com", "other.example.com"))
    refused = await http.post("/v1/complete", json=body, headers=bearer(plain))
    assert (refused.status_code, refused.json()["error"]["param"]) == (403, "api_base")
    assert "--api-base-host llm.example.com" in refused.json()["error"]["message"]
    elsewhere = await http.post(
        "/v1/complete", json={**body, "api_base": "https://other.example.com"}, headers=bearer(named)
    )
    assert (elsewhere.status_code, "api_base_hosts" in elsewhere.text) == (403, True)
    assert (await http.post("/v1/complete", json=body, headers=bearer(named))).status_code == 200
    assert [call.deployment.api_base for call in world.provider.calls] == [BASE]


async def test_an_address_that_is_refused_is_403(world, http):
    """Nothing was sent, so nothing is billed and nothing stays held."""
    key = await world.key(api_base_hosts=("llm.example.com",))
    world.behave["gpt-5.1"] = failing(lambda: AddressRefused("api_base leads where nobody may go."))
    for path in ("/v1/complete", "/v1/stream"):
        answer = await http.post(path, json={**BODY, "model": "gpt-5.1", "api_base": BASE}, headers=bearer(key))
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["param"]) == (403, "forbidden", "api_base")
    assert await world.spent() == (0, 0)


@pytest.mark.parametrize(
    "base",
    ["http://llm.example.com/v1", "https://169.254.169.254/", "https://llm.example.com@evil.example/", "ftp://x"],
)
async def test_hostile_base_urls(world, http, base):
    """400 or 403, whatever the key may do; nothing is called."""
    key = await world.key(admin=True, api_base_hosts=("llm.example.com", "169.254.169.254", "evil.example"))
    answer = await http.post("/v1/complete", json={**BODY, "model": "gpt-5.1", "api_base": base}, headers=bearer(key))
    assert answer.status_code in (400, 403)
    assert world.provider.calls == []


async def test_a_group_has_no_base_url(world, http):
    """Its models are of several providers."""
    key = await world.key(api_base_hosts=("llm.example.com",))
    answer = await http.post("/v1/complete", json={**BODY, "api_base": BASE}, headers=bearer(key))
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "api_base")


async def test_the_providers_own_limits_do_not_count_elsewhere(world, http):
    """What we agreed with a provider is not used up by calls of another host."""
    limited = {**world.catalog.providers, "openai": replace(world.catalog.providers["openai"], rpm=1)}
    other = World(replace(world.catalog, providers=limited), settings_for(replace(world.catalog, providers=limited)))
    app = create_app(other.services, complete.router)
    key = await other.key(api_base_hosts=("llm.example.com",))
    body = {**BODY, "model": "gpt-5.1", "api_base": BASE}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
        codes = [(await client.post("/v1/complete", json=body, headers=bearer(key))).status_code for _ in range(4)]
    assert codes == [200] * 4


async def test_the_list_of_models_is_the_catalogs(world, http):
    """An identifier outside it is not in it."""
    key = await world.key(admin=True)
    answer = await http.get("/v1/models/perplexity/sonar", headers=bearer(key))
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_model")
