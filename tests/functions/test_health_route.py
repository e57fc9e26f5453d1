"""GET /health and GET /health/providers."""

from gateway_core.domain import Attribution, ChatRequest
from gateway_core.errors import ProviderUnavailable


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
