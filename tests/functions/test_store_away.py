"""Every route while the store is away: who goes on says so, everybody else gets a 503 that names no secret."""

import pytest

from gateway_core.domain.caller import Limits
from gateway_core.domain.errors import StoreUnavailable
from gateway_core.store.virtual_keys import KeyRecord, digest_of

HELLO = [{"role": "user", "content": "one two three"}]
ASKS = {
    "/v1/complete": {"messages": HELLO},
    "/v1/stream": {"messages": HELLO},
    "/v1/chat/completions": {"messages": HELLO, "model": "first"},
}
READS = ["/v1/usage", "/v1/usage/records", "/v1/usage/records?after=latest", "/v1/budgets", "/v1/holds"]


async def away(*args, **kwargs):
    raise StoreUnavailable("The gateway's store does not answer.", detail="WRONGPASS secret", retry_after_s=5)


def lose(world):
    for name in (
        "find_key", "admit", "next", "settle", "deployment_states", "fleet_health", "names", "counted",
        "earlier_counters", "usage_records", "hour_records", "hold_page", "budget_lines", "projects",
    ):  # fmt: skip
        setattr(world.store, name, away)


def refused(answer):
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "store_unavailable")
    assert 1 <= int(answer.headers["retry-after"]) <= 5
    assert "WRONGPASS" not in answer.text


@pytest.mark.parametrize("path", ASKS)
async def test_a_caller_without_limits_goes_on_and_is_told(client, world, path):
    """The header is there while the store is away, and only then."""
    assert "x-gateway-degraded" not in (await client.post(path, json=ASKS[path])).headers
    lose(world)
    answer = await client.post(path, json=ASKS[path])
    assert (answer.status_code, answer.headers["x-gateway-degraded"]) == (200, "store")


@pytest.mark.parametrize("path", ASKS)
async def test_a_caller_with_limits_is_refused(client, world, path):
    """A hard limit never opens."""
    await world.budget(day_nano=10**12)
    assert (await client.post(path, json=ASKS[path])).status_code == 200
    lose(world)
    refused(await client.post(path, json=ASKS[path]))


@pytest.mark.parametrize("path", ASKS)
async def test_a_caller_whom_nobody_knows_is_not_turned_away_for_good(client, world, path):
    """503, never 401: the key may be good."""
    lose(world)
    refused(await client.post(path, json=ASKS[path], headers={"authorization": "Bearer gk_alpha_unknown"}))


@pytest.mark.parametrize("path", READS)
async def test_reports_are_not_guessed(client, world, path):
    """What only the store knows is a 503 with Retry-After."""
    assert (await client.get(path)).status_code == 200
    lose(world)
    refused(await client.get(path))


async def test_models_are_listed_without_their_health(client, world):
    """The list is configuration; only the live part is unknown."""
    assert (await client.get("/v1/models")).json()["data"][0]["health"]["status"] == "healthy"
    lose(world)
    answer = await client.get("/v1/models")
    assert (answer.status_code, answer.headers["x-gateway-degraded"]) == (200, "store")
    assert {entry["health"]["status"] for entry in answer.json()["data"]} == {"unknown"}


async def test_health_tells_that_the_store_is_away(client, world):
    """No provider is called unhealthy for it."""
    assert (await client.get("/health/providers")).json()["store"] == "ok"
    lose(world)
    body = (await client.get("/health/providers")).json()
    assert (body["store"], {provider["status"] for provider in body["providers"]}) == ("unavailable", {"unknown"})


async def test_a_key_with_a_rate_limit_is_refused(client, world):
    """A limit of the key's own counts like a budget."""
    key = "gk_alpha_limited"
    await world.store.put_key(KeyRecord("alpha", digest_of(key), limits=Limits(rpm=100)))
    headers = {"authorization": f"Bearer {key}"}
    assert (await client.post("/v1/complete", json=ASKS["/v1/complete"], headers=headers)).status_code == 200
    lose(world)
    refused(await client.post("/v1/complete", json=ASKS["/v1/complete"], headers=headers))
