"""Which models are tried, and in which order."""

from decimal import Decimal

import pytest

from gateway_core.domain import Attribution, ChatRequest, Deployment, Price
from gateway_core.errors import ContextLengthError, InvalidRequest, UnknownModel
from gateway_core.routing import longer_context, plan, required_capabilities
from tests.conftest import catalog_of, model

HELLO = ({"role": "user", "content": "hello"},)
IMAGE = ({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]},)


def request(**changes):
    fields = {"messages": HELLO, "attribution": Attribution("alpha"), "model_group": "reasoning"}
    return ChatRequest(**{**fields, **changes})


def keys(chosen):
    return [candidate.key for candidate in chosen.candidates]


CATALOG = catalog_of(model("a"), model("b", capabilities=frozenset({"vision", "tools"})), model("c"))


def test_a_group_is_tried_in_its_configured_order():
    """`order` keeps the catalog's order."""
    assert keys(plan(request(), CATALOG, 10)) == ["a", "b", "c"]


def test_no_group_means_reasoning():
    """A request that names neither gets the group `reasoning`."""
    assert keys(plan(request(model_group=None), CATALOG, 10)) == ["a", "b", "c"]


def test_fallback_false_leaves_only_the_first():
    """A group without fallback is its first fit model."""
    assert keys(plan(request(fallback=False), CATALOG, 10)) == ["a"]


def test_an_explicit_model_stands_alone():
    """A model is not replaced unless its catalog entry or the request says so."""
    assert keys(plan(request(model="b", model_group=None), CATALOG, 10)) == ["b"]


def test_an_explicit_model_may_bring_its_own_fallbacks():
    """The catalog entry's fallbacks follow the model."""
    catalog = catalog_of(model("a", fallbacks=("c",)), model("b"), model("c"))
    assert keys(plan(request(model="a", model_group=None), catalog, 10)) == ["a", "c"]
    assert keys(plan(request(model="a", model_group=None, fallback=False), catalog, 10)) == ["a"]


def test_an_explicit_model_falls_back_to_the_group_that_is_named_with_it():
    """With `fallback` and a group, the rest of the group follows the model."""
    assert keys(plan(request(model="b", fallback=True), CATALOG, 10)) == ["b", "a", "c"]


def test_images_go_to_models_that_see():
    """An image implies vision; the others are dropped with a reason."""
    chosen = plan(request(messages=IMAGE), CATALOG, 10)
    assert keys(chosen) == ["b"]
    assert [(drop.model, drop.reason) for drop in chosen.dropped] == [("a", "capability"), ("c", "capability")]


def test_options_imply_capabilities():
    """Tools, JSON formats and `require` all count."""
    params = {"tools": [{}], "response_format": {"type": "json_schema"}}
    assert {"tools", "json", "vision"} == required_capabilities(request(params=params, require=frozenset({"vision"})))
    assert frozenset() == required_capabilities(request(params={"response_format": {"type": "text"}}))


def test_nobody_can_serve():
    """When every candidate lacks something, the error says what, and names the field."""
    with pytest.raises(InvalidRequest, match="a lacks reasoning") as caught:
        plan(request(require=frozenset({"reasoning"})), CATALOG, 10)
    assert caught.value.param == "model_group"


def test_an_explicit_model_that_cannot_serve_is_named():
    """The field at fault is `model` when a model was asked for."""
    with pytest.raises(InvalidRequest) as caught:
        plan(request(model="a", messages=IMAGE), CATALOG, 10)
    assert caught.value.param == "model"


def test_too_many_output_tokens_name_max_tokens():
    """More output than any candidate can write is the caller's to lower."""
    with pytest.raises(InvalidRequest, match="at most 8192") as caught:
        plan(request(max_output_tokens=8193), CATALOG, 10)
    assert caught.value.param == "max_tokens"


def test_a_prompt_longer_than_every_context_window():
    """Nobody can read it: context_length_exceeded."""
    with pytest.raises(ContextLengthError):
        plan(request(), CATALOG, 100_001)


def test_long_prompts_skip_short_models():
    """Only candidates that can read the prompt stay."""
    catalog = catalog_of(model("short", context_window=10), model("long"))
    assert keys(plan(request(), catalog, 11)) == ["long"]


def test_embedding_models_complete_nothing():
    """An embedding model is no candidate for a completion."""
    catalog = catalog_of(model("e", deployment=Deployment("p", "e", "https://p.example", "embedding"), provider="p"))
    with pytest.raises(InvalidRequest, match="embeddings"):
        plan(request(), catalog, 1)


def test_cost_prefers_the_cheapest_of_equal_tier():
    """Tier first, then price; an explicit model stays first."""
    cheap = Price(Decimal(1), Decimal(1), Decimal(1), Decimal(1), "test")
    catalog = catalog_of(model("a"), model("b", price=cheap), model("c", price=cheap, tier=2))
    assert keys(plan(request(routing="cost"), catalog, 10)) == ["b", "a", "c"]
    assert keys(plan(request(routing="cost", model="a", fallback=True), catalog, 10)) == ["a", "b", "c"]


def test_latency_prefers_what_answered_fastest():
    """Models that nobody has measured come first, in their order; an explicit model stays first."""
    known = {CATALOG.models["a"].deployment.id: 900.0, CATALOG.models["c"].deployment.id: 30.0}
    assert keys(plan(request(routing="latency"), CATALOG, 10, known)) == ["b", "c", "a"]
    assert keys(plan(request(routing="latency", model="a", fallback=True), CATALOG, 10, known))[0] == "a"
    assert keys(plan(request(), CATALOG, 10, known)) == ["a", "b", "c"]


def test_unknown_names():
    """Unknown models and groups are the catalog's error."""
    with pytest.raises(UnknownModel):
        plan(request(model="nope"), CATALOG, 1)
    with pytest.raises(UnknownModel):
        plan(request(model_group="nope"), CATALOG, 1)


def test_longer_context_keeps_order():
    """After a too-long prompt only models with a longer window remain."""
    a, b, c = model("a", context_window=10), model("b", context_window=10), model("c", context_window=11)
    assert [c] == longer_context([b, c], a)
