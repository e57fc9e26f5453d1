"""A cheaper group instead of a refusal, from a share of a budget on: never silently, and only where a rule says so."""

from dataclasses import replace

import pytest

from gateway_core.config.documents import Document
from gateway_core.config.settings import GatewaySettings
from gateway_core.domain.answer import ProviderAnswer, Usage
from gateway_core.domain.caller import Limits
from gateway_core.domain.downgrade import Downgrade
from gateway_core.domain.errors import ConfigError, StoreUnavailable
from gateway_core.domain.prices import Price
from tests.conftest import PRICE, World, catalog_of, model, settings_for

HELLO = {"messages": [{"role": "user", "content": "one two three"}], "max_tokens": 10}
RULE = Downgrade("reasoning", "fast", 80, frozenset({"project", "key", "user"}))
CHEAP = Price(*(rate / 100 for rate in (PRICE.input, PRICE.output, PRICE.cached_input, PRICE.cache_write)), "cheap")
BUDGET = 1_000_000
GROUPS = {"reasoning": ("first",), "fast": ("small",)}
TOLD = "reasoning->fast"


@pytest.fixture
def world():
    """One call of `first` costs 81 % of the budget."""
    sees = frozenset({"tools", "vision"})
    catalog = catalog_of(model("first", capabilities=sees), model("small", price=CHEAP), groups=GROUPS)
    world = World(catalog, settings_for(catalog, downgrades=(RULE,)))
    world.behave["first"] = lambda _: ProviderAnswer("ok", (), "stop", Usage(10, 400))
    return world


@pytest.fixture
def rules(world):
    """Others in the place of the rule."""

    def change(**changes):
        world.services.gateway._gateway._downgrading._rules = (replace(RULE, **changes),)

    return change


async def spend(world, client, **grant):
    """Use up 81 % of every budget of a key, which speaks from now on."""
    key = await world.key(**grant)
    client.headers["authorization"] = f"Bearer {key}"
    answer = await client.post("/v1/complete", json=HELLO)
    assert (answer.json()["model"], answer.headers.get("x-gateway-downgraded")) == ("first", None)


@pytest.mark.parametrize("owner", ["project", "key", "user"])
async def test_whoever_has_spent_his_share_is_served_by_the_cheaper_group(client, world, owner):
    """The answer, its headers, the record, the report and an event say so, streamed or not."""
    limits = Limits(day_nano=BUDGET)
    if owner != "key":
        await world.budget(user="bob" if owner == "user" else "", day_nano=BUDGET)
    await spend(world, client, user_id="bob", limits=limits if owner == "key" else Limits())
    whole = await client.post("/v1/complete", json=HELLO)
    assert (whole.json()["model"], whole.json()["model_group"], whole.json()["downgraded"]) == ("small", "fast", TOLD)
    streamed = await client.post("/v1/chat/completions", json={**HELLO, "model": "reasoning", "stream": True})
    for answer in (whole, streamed):
        assert answer.headers["x-gateway-downgraded"] == TOLD
        assert answer.headers["x-gateway-model"] == "small"
    assert [record.downgraded for record in await world.records()] == ["", TOLD, TOLD]
    report = (await client.get("/v1/usage")).json()["totals"]
    assert (report["requests"], report["downgraded"]) == (3, 2)
    details = [event["detail"] for event in world.events() if event["detail-type"] == "request.downgraded"]
    assert len(details) == 2
    assert details[0]["scope"] == owner
    assert (details[0]["percent"], details[0]["at_percent"]) == (81, 80)


@pytest.mark.parametrize(
    ("asked", "grant", "changes"),
    [
        ({"model": "first"}, {}, {}),
        ({"require": ["vision"]}, {}, {}),
        ({}, {"groups": ("reasoning",)}, {}),
        ({}, {}, {"at_percent": 82}),
        ({}, {}, {"owners": frozenset({"key", "user"})}),
        ({"model": "small"}, {}, {"explicit": True}),
    ],
)
async def test_who_is_not_meant_is_served_as_asked(client, world, rules, asked, grant, changes):
    """An explicit model, what nobody of the group can do, a key without that group, another share or budget."""
    rules(**changes)
    await world.budget(day_nano=100 * BUDGET)
    await world.budget(user="bob", day_tokens=10**9)
    await spend(world, client, user_id="bob", **grant)
    await world.budget(day_nano=BUDGET)
    answer = await client.post("/v1/complete", json={**HELLO, **asked})
    assert "x-gateway-downgraded" not in answer.headers
    assert answer.json().get("model") == asked.get("model", "first"), answer.text


async def test_an_explicit_model_is_replaced_where_the_rule_says_so(client, world, rules):
    """Of the group that it belongs to; an unknown one is still 404, and one at a base URL of its own its own."""
    rules(explicit=True)
    await world.budget(day_nano=BUDGET)
    await spend(world, client)
    answer = await client.post("/v1/complete", json={**HELLO, "model": "first"})
    assert (answer.json()["model"], answer.headers["x-gateway-downgraded"]) == ("small", TOLD)
    assert (await client.post("/v1/complete", json={**HELLO, "model": "none"})).status_code == 404
    elsewhere = await client.post("/v1/complete", json={**HELLO, "model": "first", "api_base": "https://x.example"})
    assert "x-gateway-downgraded" not in elsewhere.headers


@pytest.mark.parametrize("stream", [False, True])
async def test_who_would_be_refused_is_served_by_the_cheaper_group(client, world, rules, stream):
    """Though little is spent: a long answer has no room. Not for other budgets than the rule's, nor for a model."""
    await world.budget(day_nano=BUDGET)
    asked = {**HELLO, "max_tokens": 1000, "model": "reasoning", "stream": stream}
    answer = await client.post("/v1/chat/completions", json=asked)
    assert (answer.status_code, answer.headers["x-gateway-downgraded"]) == (200, TOLD)
    assert answer.headers["x-gateway-model"] == "small"
    (event,) = [event["detail"] for event in world.events() if event["detail-type"] == "request.downgraded"]
    assert (event["percent"], event["at_percent"], event["period"]) == (0, 80, event["at"][:10].replace("-", ""))
    assert (await client.post("/v1/chat/completions", json={**asked, "model": "first"})).status_code == 402
    assert (
        await client.post("/v1/complete", json={**HELLO, "max_tokens": 1000, "require": ["vision"]})
    ).status_code == 402
    await world.budget(day_nano=100 * BUDGET, month_tokens=500)
    assert (await client.post("/v1/chat/completions", json=asked)).status_code == 402
    rules(owners=frozenset({"key"}))
    await world.budget(day_nano=0)
    assert (await client.post("/v1/chat/completions", json=asked)).status_code == 402
    assert (await client.post("/v1/complete", json={**HELLO, "token_budget": 1})).status_code == 402


async def test_an_admins_key_counts_only_where_it_acts(client, world):
    """The budget is that of the project it names."""
    await world.budget(day_nano=BUDGET)
    key = await world.key("ops", admin=True, limits=Limits(day_nano=10 * BUDGET))
    headers = {"authorization": f"Bearer {key}"}
    for told in (None, TOLD):
        answer = await client.post("/v1/complete", json={**HELLO, "project_id": "alpha"}, headers=headers)
        assert answer.headers.get("x-gateway-downgraded") == told


async def test_without_the_store_nothing_is_cheaper(client, world, monkeypatch):
    """Nobody knows what is spent; what that means for limits is decided elsewhere."""

    async def away(*_, **__):
        raise StoreUnavailable("away")

    await world.budget(day_nano=100 * BUDGET)
    await spend(world, client)
    monkeypatch.setattr(world.store, "budget_lines", away)
    assert (await client.post("/v1/complete", json=HELLO)).json()["model"] == "first"


async def test_the_highest_share_that_is_reached_counts(client, world):
    """From 50 % on one group, from 80 % on another; a limit of nothing is spent."""
    lower = replace(RULE, target="reasoning", at_percent=50)
    world.services.gateway._gateway._downgrading._rules = (lower, RULE)
    await world.budget(day_nano=BUDGET, month_tokens=10**6)
    await spend(world, client)
    assert (await client.post("/v1/complete", json=HELLO)).headers["x-gateway-downgraded"] == TOLD
    await world.budget(day_nano=0)
    refused = await client.post("/v1/complete", json=HELLO)
    assert refused.status_code == 402


def config(text):
    return GatewaySettings.from_env({}, [Document("config.yaml", text)])


def test_rules_are_configured_by_groups_that_there_are():
    """Defaults: from 80 % of any budget on, and no explicit models. `fit_max_tokens` is beside it."""
    settings = config("budgets: {fit_max_tokens: 2048, downgrades: [{from: reasoning, to: fast}]}")
    assert settings.downgrades == (RULE,)
    assert settings.least_max_tokens == 2048
    with pytest.raises(ConfigError, match=r"budgets\.downgrades\.0: there is no group 'slow'"):
        config("budgets: {downgrades: [{from: reasoning, to: slow, of: [key], at_percent: 50}]}")
    assert GatewaySettings.from_env({}, [], with_catalog=False).downgrades == ()
