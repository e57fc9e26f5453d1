"""In which order fit candidates are tried, and why."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.domain.caller import Attribution
from gateway_core.domain.chat import ChatRequest, Deployment
from gateway_core.domain.prices import Price
from gateway_core.routing.explain import explain
from gateway_core.routing.order import EXPLORED, Snapshot, expected_nano, ordered
from gateway_core.routing.plan import plan
from gateway_core.store.deployment_state import DeploymentState, Measured, comparable_ms
from gateway_core.store.messages import STALE_MS
from tests.conftest import catalog_of, model

NOW = 10_000_000
MODELS = (model("a"), model("b"), model("c"))
HELLO = ({"role": "user", "content": "hello"},)


def request(**changes):
    fields = {"messages": HELLO, "attribution": Attribution("alpha"), "model_group": "reasoning"}
    return ChatRequest(**{**fields, **changes})


def state(key, whole=None, *, first=None, age_ms=0, breaker="closed", until_ms=0):
    """What the fleet knows of a model: averages in milliseconds, measured `age_ms` ago."""
    averages = (None if ms is None else Measured(ms, NOW - age_ms) for ms in (whole, first))
    found = model(key)
    return DeploymentState(found.provider, found.deployment.id, breaker, 0, until_ms, *averages)


def snapshot(*states, draw=0.5, **more):
    return Snapshot(states={(s.provider, s.deployment_id): s for s in states}, now_ms=NOW, draw=draw, **more)


def by_latency(moment, models=MODELS):
    return [m.key for m in ordered(models, request(routing="latency"), moment, 4096)]


def test_two_accounts_at_one_provider_are_measured_apart():
    """The same model at the same address is another deployment with another name, key and limits."""
    twins = (model("a"), model("b", deployment=Deployment("b-provider", "a", "https://a-provider.example")))
    assert twins[0].deployment.id == twins[1].deployment.id
    slow, fast = state("a", 900.0), replace(state("a", 100.0), provider="b-provider")
    for states in ((slow, fast), (fast, slow)):
        assert by_latency(snapshot(*states), twins) == ["b", "a"]


def price(rate_in, rate_out):
    return Price(Decimal(rate_in), Decimal(rate_out), Decimal(rate_in), Decimal(rate_in), "test")


def by_cost(models, moment, **changes):
    return [m.key for m in ordered(models, request(routing="cost", **changes), moment, 4096)]


def test_an_explicit_model_and_the_configured_order_stay():
    """Nothing is measured or priced for them."""
    moment = snapshot(state("a", 900.0), state("b", 1.0), state("c", 2.0))
    assert [m.key for m in ordered(MODELS, request(), moment, 4096)] == ["a", "b", "c"]
    for routing in ("latency", "cost"):
        asked = request(model="a", fallback=True, routing=routing)
        assert [m.key for m in ordered(MODELS, asked, moment, 4096)] == ["a", "b", "c"]


def test_cost_never_prefers_a_worse_tier():
    """Quality first, then price; equals keep their order."""
    models = (model("a"), model("b", price=price(1, 1)), model("c", price=price(0, 0), tier=2), model("d"))
    assert by_cost(models, snapshot()) == ["b", "a", "d", "c"]


def test_cost_is_that_of_this_request():
    """A long prompt with a short answer is cheap where input is cheap, and the other way round."""
    reader, writer = model("reader", price=price(1, 20)), model("writer", price=price(3, 4))
    both = (writer, reader)
    assert by_cost(both, snapshot(estimated_tokens=50_000), max_output_tokens=10) == ["reader", "writer"]
    assert by_cost(both, snapshot(estimated_tokens=10), max_output_tokens=4000) == ["writer", "reader"]


def test_what_was_counted_is_priced_and_the_default_limit_stands_in():
    """1000 nano-USD for each counted token, 2000 for each of the answer, up to the model's own limit."""
    moment = Snapshot(estimated_tokens=7, counted={"a": 50})
    assert expected_nano(MODELS[0], request(max_output_tokens=3), moment, 4096) == 50 * 1000 + 3 * 2000
    assert expected_nano(MODELS[1], request(), moment, 100) == 7 * 1000 + 100 * 2000
    assert expected_nano(model("s", max_output_tokens=5), request(), moment, 100) == 7 * 1000 + 5 * 2000
    twice = request(max_output_tokens=3, params={"n": 2})
    assert expected_nano(MODELS[0], twice, moment, 4096) == 50 * 1000 + 2 * 3 * 2000


def test_latency_prefers_who_is_not_measured_then_who_is_fast():
    """So that everybody becomes known."""
    assert by_latency(snapshot(state("a", 900.0), state("c", 30.0))) == ["b", "c", "a"]


def test_streams_compare_by_their_first_content():
    """A stream is as fast as it begins; another kind of answer tells nothing of it."""
    moment = (state("a", 10.0, first=900.0), state("b", 20.0, first=30.0), state("c", 5.0, first=400.0))
    assert by_latency(snapshot(*moment, streams=True)) == ["b", "c", "a"]
    assert by_latency(snapshot(*moment)) == ["c", "a", "b"]


def test_who_rests_after_failures_comes_last():
    """Soonest back first; an open breaker that lets a probe through is not resting."""
    moment = snapshot(
        state("a", 1.0, breaker="open", until_ms=NOW + 9000),
        state("b", 2.0, breaker="half_open", until_ms=NOW + 4000),
        state("c", 900.0, breaker="open", until_ms=NOW),
    )
    assert by_latency(moment) == ["c", "b", "a"]


def test_without_the_store_the_order_is_the_configured_one():
    """Unknown is not slow, and not resting."""
    assert by_latency(snapshot(*(state(key, breaker="unknown") for key in "abc"))) == ["a", "b", "c"]


def test_a_slow_model_is_measured_again_now_and_then():
    """One request in twenty tries whoever was measured longest ago, so that a recovery is noticed."""
    slow = (state("a", 50.0), state("b", 900.0, age_ms=STALE_MS), state("c", 800.0, age_ms=STALE_MS + 1))
    assert by_latency(snapshot(*slow, draw=0.0)) == ["c", "a", "b"]
    assert by_latency(snapshot(*slow, draw=0.999 / EXPLORED)) == ["c", "a", "b"]
    assert by_latency(snapshot(*slow, draw=1 / EXPLORED)) == ["a", "c", "b"]


def test_nobody_explores_what_was_measured_just_now_or_rests():
    """There is nothing to learn, or nobody to ask."""
    fresh = (state("a", 50.0), state("b", 900.0, age_ms=STALE_MS - 1))
    assert by_latency(snapshot(*fresh, draw=0.0), MODELS[:2]) == ["a", "b"]
    resting = (state("a", 50.0), state("b", 90.0, age_ms=10**6, breaker="open", until_ms=NOW + 1))
    assert by_latency(snapshot(*resting, draw=0.0), MODELS[:2]) == ["a", "b"]


@given(
    averages=st.lists(st.none() | st.floats(1, 10_000), min_size=3, max_size=3),
    ages=st.lists(st.integers(0, 10**6), min_size=3, max_size=3),
    draw=st.floats(0, 1, exclude_max=True),
)
def test_an_order_loses_and_invents_nobody(averages, ages, draw):
    """Whatever is known and drawn, each candidate is tried once; only the first place is ever given away."""
    moment = [state(key, average, age_ms=age) for key, average, age in zip("abc", averages, ages, strict=True)]
    found = by_latency(snapshot(*moment, draw=draw))
    usual = by_latency(snapshot(*moment, draw=0.99))
    assert sorted(found) == ["a", "b", "c"]
    assert [key for key in usual if key != found[0]] == found[1:]


@pytest.mark.parametrize(
    ("latency_ms", "tokens", "expected"), [(800, 0, 800), (800, 100, 800), (60_000, 4000, 1500), (999, 101, 989)]
)
def test_long_answers_compare_with_short_ones(latency_ms, tokens, expected):
    """By the time that a hundred tokens took; fewer count as they are."""
    assert comparable_ms(latency_ms, tokens) == expected


def test_an_explanation_shows_the_figures_that_decided():
    """Position, tier, expected cost, latency and breaker of each candidate, and why others are not among them."""
    catalog = catalog_of(model("a"), model("b", tier=2), model("x", capabilities=frozenset()))
    moment = snapshot(state("a", 12.4), state("b", breaker="open", until_ms=NOW + 500), estimated_tokens=10)
    asked = request(params={"tools": [{}]}, max_output_tokens=1, routing="latency")
    told = explain(asked, plan(asked, catalog, moment), moment, 4096)
    assert (told.routing, told.input_tokens) == ("latency", 10)
    a, b = told.candidates
    assert (a.model, a.position, a.tier, a.estimated_cost_nano, a.latency_ms) == ("a", 1, 1, 12_000, 12)
    assert (b.model, b.position, b.breaker, b.retry_after_ms, b.latency_ms) == ("b", 2, "open", 500, None)
    assert [(drop.model, drop.reason) for drop in told.dropped] == [("x", "capability")]


def test_an_explanation_names_what_no_fallback_leaves_out():
    """And says `order` where the caller named the model, whatever routing it asked for."""
    catalog = catalog_of(*MODELS)
    asked = request(fallback=False)
    told = explain(asked, plan(asked, catalog, snapshot()), snapshot(), 4096)
    assert [(drop.model, drop.reason) for drop in told.dropped] == [("b", "fallback"), ("c", "fallback")]
    assert told.candidates[0].breaker == "unknown"
    asked = request(model="a", routing="cost")
    assert explain(asked, plan(asked, catalog, snapshot()), snapshot(), 4096).routing == "order"
