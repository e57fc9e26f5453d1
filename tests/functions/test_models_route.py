"""GET /v1/models and /v1/models/{id}."""

from datetime import date
from decimal import Decimal

import httpx
import pytest

from gateway_core.api import models
from gateway_core.api.app import create_app
from gateway_core.api.models import group_body
from gateway_core.domain.chat import Deployment
from gateway_core.domain.prices import Price
from gateway_core.domain.provider_errors import ProviderUnavailable
from gateway_core.store.deployment_state import DeploymentState
from tests.conftest import World, catalog_of, model, settings_for


async def test_the_list_has_openais_shape_and_more(client):
    """What OpenAI's SDK wants, and what a client needs to choose."""
    body = (await client.get("/v1/models")).json()
    assert body["object"] == "list"
    first = body["data"][0]
    assert first == {
        "id": "first",
        "object": "model",
        "created": 1_767_225_600,
        "owned_by": "first-provider",
        "provider": "first-provider",
        "upstream_model": "first",
        "groups": ["reasoning"],
        "mode": "chat",
        "capabilities": ["json", "json_schema", "tools"],
        "context_window": 100_000,
        "max_output_tokens": 8192,
        "tier": 1,
        "pricing": {
            "unit": "USD per million tokens",
            "input": "1",
            "output": "2",
            "cached_input": "0.1",
            "cache_write": "1.25",
            "cache_write_1h": "1.25",
            "source": "test-prices",
        },
        "lifecycle": {"status": "served", "retires_on": None, "successor_of": None, "warning": None},
        "health": {
            "status": "healthy",
            "breaker": "closed",
            "consecutive_failures": 0,
            "retry_after_ms": 0,
            "latency_ms": None,
            "first_content_ms": None,
        },
    }


async def test_one_model(client):
    """By key; unknown ones are 404."""
    assert (await client.get("/v1/models/second")).json()["id"] == "second"
    assert (await client.get("/v1/models/nope")).status_code == 404


async def test_groups_come_after_the_models(client, world):
    """Named like models on OpenAI's wire, so found like them; with what one of their models can do."""
    listed = (await client.get("/v1/models")).json()["data"]
    group = {
        "id": "reasoning",
        "object": "model",
        "created": 1_767_225_600,
        "owned_by": "gateway",
        "provider": "gateway",
        "upstream_model": None,
        "groups": [],
        "models": ["first", "second", "third", "soon", "later", "gone"],
        "mode": "chat",
        "capabilities": ["json", "json_schema", "tools"],
        "context_window": 100_000,
        "max_output_tokens": 8192,
        "tier": 1,
        "pricing": listed[0]["pricing"],
        "lifecycle": {"status": "served", "retires_on": None, "successor_of": None, "warning": None},
        "health": {"status": "healthy"},
    }
    assert listed[-1] == group
    assert listed[0].keys() <= group.keys()
    assert [entry["id"] for entry in listed[:-1]] == list(world.catalog.models)
    assert (await client.get("/v1/models/reasoning")).json() == group


async def test_a_group_can_do_what_one_of_its_models_can():
    """The most of each; who answers is chosen by what a request needs."""
    deployment = Deployment("p", "v", "https://p.example", mode="embedding")
    dear = Price(Decimal(12_000), Decimal(1500), Decimal(0), Decimal(1250), "other-prices")
    catalog = catalog_of(
        model("small", capabilities=frozenset({"tools"}), max_output_tokens=100_000, tier=2),
        model("large", capabilities=frozenset({"vision"}), context_window=1_000_000, price=dear),
        model("vectors", deployment=deployment, capabilities=frozenset({"embeddings"})),
        groups={"mixed": ("small", "large"), "embedding": ("vectors",)},
    )
    states = [DeploymentState("p", "d", state, 5, 1000, None) for state in ("open", "half_open")]
    mixed, embedding = (group_body(name, catalog.group(name), states) for name in catalog.groups)
    assert (mixed["capabilities"], mixed["mode"]) == (["tools", "vision"], "chat")
    assert (mixed["context_window"], mixed["max_output_tokens"]) == (1_000_000, 100_000)
    assert (mixed["tier"], mixed["health"]["status"]) == (1, "recovering")
    rates = {name: mixed["pricing"][name] for name in ("input", "output", "cached_input", "source")}
    assert rates == {"input": "12", "output": "2", "cached_input": "0.1", "source": "test-prices"}
    assert embedding["mode"] == "embedding"


async def test_a_key_sees_the_groups_it_may_use():
    """And no others: those are 404, with the group named as what it is."""
    catalog = catalog_of(model("a"), model("b"), groups={"mine": ("a",), "other": ("a", "b")})
    world = World(catalog, settings_for(catalog))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(world.services, models.router)),
        base_url="http://gateway",
        headers={"authorization": f"Bearer {await world.key(groups=('mine', 'gone'))}"},
    ) as client:
        assert [entry["id"] for entry in (await client.get("/v1/models")).json()["data"]] == ["a", "mine"]
        hidden = await client.get("/v1/models/other")
        assert hidden.status_code == 404
        assert hidden.json()["error"]["message"] == "This key may not use the group 'other'."
        assert "may not use the model 'b'" in (await client.get("/v1/models/b")).json()["error"]["message"]


async def test_health_is_live(client, world):
    """An open breaker shows in the list."""

    def down(call):
        raise ProviderUnavailable("down")

    world.behave["first"] = down
    for _ in range(5):
        body = {"messages": [{"role": "user", "content": "hi"}]}
        assert (await client.post("/v1/complete", json=body)).status_code == 200
    assert (await client.get("/v1/models/first")).json()["health"]["status"] == "unhealthy"


async def test_a_key_sees_the_models_it_may_use(client, world):
    """Groups are an allow-list here too."""
    headers = {"authorization": f"Bearer {await world.key(groups=('other',))}"}
    assert (await client.get("/v1/models", headers=headers)).json()["data"] == []
    assert (await client.get("/v1/models/first", headers=headers)).status_code == 404


@pytest.fixture
def world():
    """The usual models, and three that are about to go or gone."""
    retiring = {
        "soon": date(2026, 12, 20),
        "later": date(2026, 12, 21),
        "gone": date(2026, 11, 20),
    }
    found = [model(name) for name in ("first", "second", "third")]
    found += [model(name, retires_on=day, successor_of="old") for name, day in retiring.items()]
    catalog = catalog_of(*found)
    return World(catalog, settings_for(catalog))


@pytest.mark.parametrize(
    ("name", "status", "warning"),
    [("soon", "retiring", "in 30 days"), ("later", "served", None), ("gone", "retired", "retired since 2026-11-20")],
)
async def test_retirements_are_announced(client, name, status, warning):
    """30 days ahead, in words too; a successor names what it stands for."""
    lifecycle = (await client.get(f"/v1/models/{name}")).json()["lifecycle"]
    assert (lifecycle["status"], lifecycle["successor_of"]) == (status, "old")
    assert (warning in lifecycle["warning"]) if warning else lifecycle["warning"] is None


async def test_a_key_for_some_models_sees_these_and_what_groups_have_of_them(client, world):
    """A group without any of them is not listed."""
    key = await world.key(models=("second", "groq/*"))
    listed = (await client.get("/v1/models", headers={"authorization": f"Bearer {key}"})).json()["data"]
    assert [entry["id"] for entry in listed] == ["second", "reasoning"]
    assert listed[1]["models"] == ["second"]
    other = await world.key(models=("nobody",))
    assert (await client.get("/v1/models", headers={"authorization": f"Bearer {other}"})).json()["data"] == []
