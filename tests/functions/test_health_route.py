"""GET /health and GET /health/providers."""

from dataclasses import replace
from datetime import date

import pytest

from gateway_core.adapters.echo import echo
from gateway_core.domain.caller import Attribution
from gateway_core.domain.chat import ChatRequest
from gateway_core.domain.provider_errors import ProviderUnavailable
from gateway_core.domain.rates import RateView, ReportedLimit
from gateway_core.store.probes import KEPT_MS, Probe
from tests.conftest import World, catalog_of, model, settings_for


async def test_health_needs_no_key_and_no_store(client, world):
    """Liveness: this process answers."""

    async def down(*args, **kwargs):
        raise AssertionError("the store was asked")

    world.store.find_key = down
    answer = await client.get("/health", headers={"authorization": ""})
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


async def test_providers_need_a_key(client):
    """The fleet's state is not public."""
    assert (await client.get("/health/providers", headers={"authorization": ""})).status_code == 401


async def test_a_fresh_fleet_is_healthy(client):
    """Nothing is known against anybody."""
    body = (await client.get("/health/providers")).json()
    assert {"healthy"} == {provider["status"] for provider in body["providers"]}
    assert [p["models"][0]["model"] for p in body["providers"]] == ["first", "second", "third"]


async def test_an_open_breaker_shows(client, world):
    """State, failures and the time until the probe, per model."""

    def down(call):
        raise ProviderUnavailable("down")

    world.behave["first"] = down
    caller = await world.services.authenticator.authenticate(await world.key())
    request = ChatRequest(({"role": "user", "content": "hi"},), Attribution("alpha"), model_group="reasoning")
    for number in range(5):
        await world.services.gateway.complete(request, caller, f"r{number}", timeout_s=60)
    world.clock.advance(10)
    first, second, _third = (await client.get("/health/providers")).json()["providers"]
    assert first["status"] == "unhealthy"
    view = first["models"][0]
    assert (view["breaker"], view["retry_after_ms"]) == ("open", 20_000)
    assert (second["status"], second["latency_ms"]) == ("healthy", 0)


async def test_the_room_that_a_provider_told_of_shows(client, world):
    """Limit, rest and reset of requests and tokens; null for those who say nothing, and when the word is old."""
    now = world.clock.now_ms()
    told = RateView(now, ReportedLimit(60, 42, now + 1500), ReportedLimit(None, 7))

    async def said(call):
        return replace(echo(call), rates=told)

    world.provider.complete = said
    caller = await world.services.authenticator.authenticate(await world.key())
    request = ChatRequest(({"role": "user", "content": "hi"},), Attribution("alpha"), model="first")
    await world.services.gateway.complete(request, caller, "r1", timeout_s=60)
    first, second, _third = (await client.get("/health/providers")).json()["providers"]
    assert first["models"][0]["rate_limit"] == {
        "requests": {"limit": 60, "remaining": 42, "reset_at": "2026-11-20T16:00:01.500Z"},
        "tokens": {"limit": None, "remaining": 7, "reset_at": None},
    }
    assert second["models"][0]["rate_limit"] is None
    world.clock.advance(301)
    first = (await client.get("/health/providers")).json()["providers"][0]
    assert first["models"][0]["rate_limit"] is None


def probe(world, status="ok", name="first-provider", **changes):
    """A probe of just now, which counts for a quarter of an hour."""
    now_ms = world.clock.now_ms()
    return replace(Probe(name, status, 31, now_ms, now_ms + 900_000, {"first": True}), **changes)


async def first(client):
    """What is told of the first provider."""
    return (await client.get("/health/providers")).json()["providers"][0]


async def test_without_a_probe_breakers_alone_decide(client):
    """And the probe says that nothing is known."""
    told = await first(client)
    assert told["status"] == "healthy"
    assert told["probe"] == {"status": "unknown", "latency_ms": None, "checked_at": None}
    assert (told["models"][0]["listed"], told["models"][0]["lifecycle"]) == (None, "served")


@pytest.mark.parametrize(
    ("found", "status"),
    [
        ("ok", "healthy"),
        ("unsupported", "healthy"),
        ("not_configured", "unknown"),
        ("rate_limited", "degraded"),
        ("timeout", "degraded"),
        ("unavailable", "degraded"),
        ("bad_credentials", "unhealthy"),
    ],
)
async def test_a_probe_shows_and_may_lower_the_status(client, world, found, status):
    """Of its own provider only; the breakers stay as they are."""
    await world.store.post_probes([probe(world, found)], kept_ms=KEPT_MS)
    told = await first(client)
    assert (told["status"], told["models"][0]["breaker"]) == (status, "closed")
    assert told["probe"] == {"status": found, "latency_ms": 31, "checked_at": "2026-11-20T16:00:00.000Z"}
    others = (await client.get("/health/providers")).json()["providers"][1:]
    assert {provider["status"] for provider in others} == {"healthy"}


async def test_a_probe_that_is_too_old_counts_no_more(client, world):
    """Bad news or good: the schedule stopped, and its last date is what is left."""
    await world.store.post_probes([probe(world, "bad_credentials")], kept_ms=KEPT_MS)
    world.clock.advance(900)
    told = await first(client)
    assert told["status"] == "healthy"
    assert told["probe"] == {"status": "unknown", "latency_ms": None, "checked_at": "2026-11-20T16:00:00.000Z"}
    assert told["models"][0]["listed"] is None


async def test_a_model_that_is_not_listed_is_warned_of(client, world):
    """It stays healthy: it may run all the same."""
    await world.store.post_probes([probe(world, listed={"first": False})], kept_ms=KEPT_MS)
    body = (await client.get("/health/providers")).json()
    assert (body["providers"][0]["status"], body["providers"][0]["models"][0]["listed"]) == ("healthy", False)
    (warning,) = body["warnings"]
    assert (warning["code"], warning["provider"], warning["model"]) == ("model_unlisted", "first-provider", "first")


async def test_the_store_is_asked_once(client, world):
    """Breakers and probes come in one trip."""
    asked = []
    fleet_health = world.store.fleet_health

    async def counted(pairs, _project):
        asked.append(pairs)
        return await fleet_health(pairs)

    async def never(*_args):
        raise AssertionError("a second trip")

    world.store.fleet_health, world.services.ledger.deployment_states = counted, never
    assert (await client.get("/health/providers")).status_code == 200
    assert asked == [
        [(f"{name}-provider", f"{name}@https://{name}-provider.example") for name in ("first", "second", "third")]
    ]


class TestRetirement:
    @pytest.fixture
    def world(self):
        """A model that retires soon, and prices of last year."""
        catalog = catalog_of(model("soon", retires_on=date(2026, 12, 1)), model("later", retires_on=date(2027, 12, 1)))
        catalog = replace(catalog, prices_date=date(2025, 11, 20))
        return World(catalog, settings_for(catalog))

    async def test_what_needs_an_operator_is_told(self, client):
        """By a list of warnings, and by each model's own date."""
        body = (await client.get("/health/providers")).json()
        later, soon = (provider["models"][0] for provider in body["providers"])
        assert (soon["lifecycle"], soon["retires_on"]) == ("retiring", "2026-12-01")
        assert (later["lifecycle"], later["retires_on"]) == ("served", "2027-12-01")
        assert [(w["code"], w["model"]) for w in body["warnings"]] == [("model_retiring", "soon"), ("prices_old", "")]
        assert "in 11 days" in body["warnings"][0]["message"]
        assert {provider["status"] for provider in body["providers"]} == {"healthy"}
