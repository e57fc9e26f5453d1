"""What the schedules start, over the memory store and a lister that obeys."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.adapters.echo import EchoModelLister
from gateway_core.domain.catalog import Provider
from gateway_core.domain.credentials import Secret
from gateway_core.domain.errors import StoreUnavailable
from gateway_core.domain.provider_errors import BadCredentials, ProviderUnavailable
from gateway_core.store.probes import FRESH_INTERVALS, ModelList
from gateway_core.telemetry.telemetry import Telemetry
from gateway_core.triggers.health_checks import HealthChecks, scheduled
from tests.conftest import World, catalog_of, model, settings_for
from tests.loop_time import ends_after

EVENT = {"check": "providers", "every": "rate(5 minutes)"}


def world_of(**settings):
    """Providers `one` (a key is set), `two` (none is), `own` (takes none) and `hidden` (not to be probed)."""
    models = [model("m1", "one"), model("m2", "two"), model("m3", "own"), model("m4", "hidden")]
    models.append(model("m5", "own", retires_on=date(2026, 12, 1)))
    catalog = catalog_of(*models)
    providers = {
        name: replace(found, key_env=None if name == "own" else f"{name.upper()}_KEY", probe=name != "hidden")
        for name, found in catalog.providers.items()
    }
    catalog = replace(catalog, providers=dict(sorted(providers.items())), prices_date=date(2026, 1, 1))
    chosen = replace(settings_for(catalog, **settings), provider_keys=MappingProxyType({"one": Secret("sk-one")}))
    return World(catalog, chosen)


@pytest.fixture
def world():
    return world_of()


def checks_of(world, answer: Callable[[Provider], ModelList]):
    lister = EchoModelLister(answer)
    return HealthChecks(world.services, lister), lister


def fine(provider: Provider) -> ModelList:
    return ModelList(frozenset({"m1"}))


async def probes(world):
    return {probe.provider: probe for probe in (await world.store.fleet_health([])).probes}


async def test_all_providers_are_probed_that_may_be(world):
    """With their own keys; one without a key is not in use, and is not called."""
    checks, lister = checks_of(world, fine)
    told = await checks.run(EVENT)
    assert told["check"] == "providers"
    assert {p["provider"]: p["status"] for p in told["providers"]} == {
        "one": "ok",
        "own": "ok",
        "two": "not_configured",
    }
    assert [(name, key and key.reveal()) for name, key in lister.asked] == [("one", "sk-one"), ("own", None)]


async def test_results_count_for_three_intervals(world):
    """So that a schedule that stopped does not pass for good health."""
    checks, _ = checks_of(world, fine)
    await checks.run(EVENT)
    found = (await probes(world))["one"]
    assert found.fresh_until_ms - found.checked_ms == FRESH_INTERVALS * 300_000
    assert found.listed == {"m1": True}
    assert (await probes(world))["own"].listed == {"m3": False, "m5": False}


async def test_one_that_fails_spoils_nothing_for_the_others(world):
    """Each has a result of its own; failures are warned of and counted, without what the provider said."""

    def answer(provider):
        if provider.name == "one":
            raise BadCredentials("refused", detail="HTTP 401")
        return fine(provider)

    checks, _ = checks_of(world, answer)
    await checks.run(EVENT)
    found = await probes(world)
    assert (found["one"].status, found["one"].listed, found["own"].status) == ("bad_credentials", {}, "ok")
    (line,) = [line for line in world.lines() if line["level"] == "WARN"]
    assert (line["message"], line["gen_ai.provider.name"], line["detail"]) == ("provider probed", "one", "HTTP 401")


async def test_subscribers_hear_of_a_provider_that_fails_and_of_a_model_that_goes(world):
    """By events, once a round; of good news there is none."""

    def answer(provider):
        if provider.name == "one":
            raise BadCredentials("refused", detail="HTTP 401")
        return fine(provider)

    checks, _ = checks_of(world, answer)
    await checks.run(EVENT)
    await checks.run({"check": "catalog"})
    told = [entry.event.render() for entry in world.feed.entries]
    assert [(event["detail-type"], event["detail"]["provider"]) for event in told] == [
        ("provider.unhealthy", "one"),
        ("model.retiring", "own"),
    ]
    assert told[0]["detail"]["error_code"] == "bad_credentials"
    assert (told[1]["detail"]["model"], told[1]["detail"]["retires_on"]) == ("m5", "2026-12-01")


async def test_a_retried_event_changes_nothing():
    """The same event again: the same results."""
    world = world_of()
    checks, _ = checks_of(world, fine)
    first = (await checks.run(EVENT), await probes(world))
    assert (await checks.run(EVENT), await probes(world)) == first


async def test_all_are_asked_at_once_under_one_deadline():
    """One that never answers is given up while the others were asked meanwhile."""
    world = world_of(probe_timeout_s=5)
    together = asyncio.Event()

    class Slow(EchoModelLister):
        async def list_models(self, provider, key):
            found = await super().list_models(provider, key)
            if len(self.asked) == 2:
                together.set()
            await together.wait()  # the first goes on only once the second was asked
            if provider.name == "one":
                await asyncio.Event().wait()
            return found

    await ends_after(5, HealthChecks(world.services, Slow(fine)).run(EVENT), together.wait())
    found = await probes(world)
    assert (found["one"].status, found["own"].status) == ("timeout", "ok")


async def test_a_store_that_cannot_take_them_fails_the_event(world):
    """The schedule tries again, and in the end its dead letter raises an alarm."""

    async def away(*_args, **_kwargs):
        raise StoreUnavailable("away", detail="HTTP 500")

    world.store.post_probes = away
    checks, _ = checks_of(world, fine)
    with pytest.raises(StoreUnavailable):
        await checks.run(EVENT)
    assert world.lines()[-1]["message"] == "probes not stored"


async def test_the_catalog_is_looked_at(world):
    """Models that retire soon, and prices that are old: one line each, and in the answer."""
    checks, lister = checks_of(world, fine)
    told = await checks.run({"check": "catalog"})
    assert [(w["code"], w["model"]) for w in told["warnings"]] == [("model_retiring", "m5"), ("prices_old", "")]
    logged = [line["warning"] for line in world.lines() if line["message"] == "catalog warning"]
    assert logged == told["warnings"]
    assert lister.asked == []
    assert (await checks.run({"check": "catalog"})) == told


async def test_a_catalog_in_order_says_nothing():
    """No warning, no line."""
    world = world_of(price_age_days=400)
    models = {key: replace(found, retires_on=None) for key, found in world.catalog.models.items()}
    settings = replace(world.settings, catalog=replace(world.catalog, models=models))
    checks, _ = checks_of(World(settings.catalog, settings), fine)
    assert await checks.run({"check": "catalog"}) == {"check": "catalog", "warnings": []}


@pytest.mark.parametrize(
    ("event", "param"),
    [
        (None, "check"),
        ([], "check"),
        ({}, "check"),
        ({"check": "secret"}, "check"),
        ({"check": ["providers"]}, "check"),
        ({"check": "providers", "every": "secret"}, "every"),
        ({"check": "providers", "every": 5}, "every"),
        ({"source": "aws.events", "detail": {}}, "check"),
    ],
)
async def test_an_event_that_nobody_understands_is_answered(world, event, param):
    """It names the field, repeats no value, calls nobody and asks for no retry."""
    checks, lister = checks_of(world, fine)
    error = (await checks.run(event))["error"]
    assert (error["code"], error["param"]) == ("invalid_request", param)
    assert "secret" not in world.log.getvalue() + error["message"]
    assert world.lines()[-1]["message"] == "event refused"
    assert (lister.asked, await probes(world)) == ([], {})


@given(
    st.recursive(st.none() | st.text() | st.integers(), lambda inner: st.dictionaries(st.text(), inner), max_leaves=10)
)
async def test_no_event_crashes_it(event):
    """Whatever a schedule is made to send."""
    world = world_of()
    assert "error" in await checks_of(world, fine)[0].run(event)


async def test_an_interval_may_be_left_out(world):
    """Then it is five minutes."""
    checks, _ = checks_of(world, fine)
    await checks.run({"check": "providers"})
    found = (await probes(world))["one"]
    assert found.fresh_until_ms - found.checked_ms == FRESH_INTERVALS * 300_000


def test_the_handler_answers_and_lets_go_of_the_store(world):
    """In an event loop of its own, twice as well as once, and after a failure too."""
    closed = []

    async def close():
        closed.append(True)

    world.store.close = close
    checks, _ = checks_of(world, fine)
    handler = scheduled(checks)
    assert handler({"check": "catalog"}, None) == handler({"check": "catalog"}, None)
    assert json.dumps(handler(EVENT, None))
    assert len(closed) == 3


def test_metrics_tell_latency_and_failures(world, capsys):
    """By provider, as the CloudWatch dashboard reads them; none for a provider that is not in use."""

    def answer(provider):
        if provider.name == "own":
            raise ProviderUnavailable("down", detail="HTTP 503")
        world.clock.advance(0.25)
        return fine(provider)

    services = replace(world.services, telemetry=Telemetry(metrics=True, stream=world.log, service="metrics-of-probes"))
    asyncio.run(HealthChecks(services, EchoModelLister(answer)).run(EVENT))
    metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    told = {(m["provider"], name): m[name] for m in metrics for name in ("ProviderLatency", "ProbeFailed") if name in m}
    assert told[("one", "ProviderLatency")] == [250.0]
    assert told[("own", "ProbeFailed")] == [1.0]
    assert {provider for provider, _ in told} == {"one", "own"}
