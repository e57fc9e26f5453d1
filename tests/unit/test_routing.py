"""Which models are tried, and in which order."""

import pytest

from gateway_core.domain.caller import Attribution
from gateway_core.domain.chat import ChatRequest, Deployment
from gateway_core.domain.embedding import EmbedRequest
from gateway_core.domain.errors import InvalidRequest, UnknownModel
from gateway_core.domain.provider_errors import ContextLengthError
from gateway_core.domain.result import Drop
from gateway_core.routing.order import Snapshot
from gateway_core.routing.plan import longer_context, plan, plan_embedding, required_capabilities, uncertain
from tests.conftest import catalog_of, model

HELLO = ({"role": "user", "content": "hello"},)
IMAGE = ({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]},)


def request(**changes):
    fields = {"messages": HELLO, "attribution": Attribution("alpha"), "model_group": "reasoning"}
    return ChatRequest(**{**fields, **changes})


def keys(chosen):
    return [candidate.key for candidate in chosen.candidates]


NOW = Snapshot(estimated_tokens=10)
CATALOG = catalog_of(model("a"), model("b", capabilities=frozenset({"vision", "tools"})), model("c"))


def test_a_group_is_tried_in_its_configured_order():
    """`order` keeps the catalog's order."""
    assert keys(plan(request(), CATALOG, NOW)) == ["a", "b", "c"]


def test_a_model_may_be_asked_for_exactly_its_maximum():
    """What it documents as its limit is not beyond it."""
    assert keys(plan(request(max_output_tokens=8192), CATALOG, NOW)) == ["a", "b", "c"]


def test_no_group_means_reasoning():
    """A request that names neither gets the group `reasoning`."""
    assert keys(plan(request(model_group=None), CATALOG, NOW)) == ["a", "b", "c"]


def test_fallback_false_leaves_only_the_first():
    """A group without fallback is its first fit model."""
    assert keys(plan(request(fallback=False), CATALOG, NOW)) == ["a"]


def test_an_explicit_model_stands_alone():
    """A model is not replaced unless its catalog entry or the request says so."""
    assert keys(plan(request(model="b", model_group=None), CATALOG, NOW)) == ["b"]


def test_an_explicit_model_may_bring_its_own_fallbacks():
    """The catalog entry's fallbacks follow the model."""
    catalog = catalog_of(model("a", fallbacks=("c",)), model("b"), model("c"))
    assert keys(plan(request(model="a", model_group=None), catalog, NOW)) == ["a", "c"]
    assert keys(plan(request(model="a", model_group=None, fallback=False), catalog, NOW)) == ["a"]


def test_an_explicit_model_falls_back_to_the_group_that_is_named_with_it():
    """With `fallback` and a group, the rest of the group follows the model."""
    assert keys(plan(request(model="b", fallback=True), CATALOG, NOW)) == ["b", "a", "c"]


def test_images_go_to_models_that_see():
    """An image implies vision; the others are dropped with a reason."""
    chosen = plan(request(messages=IMAGE), CATALOG, NOW)
    assert keys(chosen) == ["b"]
    assert [(drop.model, drop.reason) for drop in chosen.dropped] == [("a", "capability"), ("c", "capability")]


def test_options_imply_capabilities():
    """Tools, JSON formats and `require` all count."""
    params = {"tools": [{}], "response_format": {"type": "json_object"}}
    assert {"tools", "json", "vision"} == required_capabilities(request(params=params, require=frozenset({"vision"})))
    assert frozenset() == required_capabilities(request(params={"response_format": {"type": "text"}}))
    assert frozenset() == required_capabilities(request(params={"response_format": None}))


def test_a_schema_is_more_than_json():
    """A model that only promises valid JSON is no candidate for an answer that must follow a schema."""
    catalog = catalog_of(model("a", capabilities=frozenset({"json"})), model("b"))
    asked = request(params={"response_format": {"type": "json_schema"}})
    assert keys(plan(asked, catalog, NOW)) == ["b"]
    assert keys(plan(request(params={"response_format": {"type": "json_object"}}), catalog, NOW)) == ["a", "b"]


def test_who_is_not_tried_without_a_fallback_is_spare():
    """The plan tells them apart from what cannot serve."""
    chosen = plan(request(fallback=False), CATALOG, NOW)
    assert [m.key for m in chosen.spare] == ["b", "c"]
    assert plan(request(), CATALOG, NOW).spare == ()


def test_nobody_can_serve():
    """When every candidate lacks something, the error says what, and names the field."""
    with pytest.raises(InvalidRequest, match="a lacks reasoning") as caught:
        plan(request(require=frozenset({"reasoning"})), CATALOG, NOW)
    assert caught.value.param == "model_group"


def test_an_explicit_model_that_cannot_serve_is_named():
    """The field at fault is `model` when a model was asked for."""
    with pytest.raises(InvalidRequest) as caught:
        plan(request(model="a", messages=IMAGE), CATALOG, NOW)
    assert caught.value.param == "model"


def test_too_many_output_tokens_name_max_tokens():
    """More output than any candidate can write is the caller's to lower."""
    with pytest.raises(InvalidRequest, match="at most 8192") as caught:
        plan(request(max_output_tokens=8193), CATALOG, NOW)
    assert caught.value.param == "max_tokens"


def test_too_many_output_tokens_may_be_brought_down():
    """To what each model writes: nobody is ruled out, and the order stays."""
    asked = request(max_output_tokens=8193, caps_output=True)
    assert keys(plan(asked, CATALOG, NOW)) == ["a", "b", "c"]


def counted(**tokens):
    return Snapshot(counted=tokens)


def test_a_prompt_longer_than_every_context_window():
    """Nobody can read it: context_length_exceeded, with the figures."""
    with pytest.raises(ContextLengthError, match="a has room for 100000 tokens, not 99000 and 4096 for the answer"):
        plan(request(), CATALOG, counted(a=99_000, b=99_000, c=100_001))


def test_long_prompts_skip_short_models():
    """Only candidates that can read the counted prompt stay."""
    catalog = catalog_of(model("short", context_window=10_000), model("long"))
    assert keys(plan(request(), catalog, counted(short=10_001))) == ["long"]


@pytest.mark.parametrize(("shares", "fits"), [(True, False), (False, True)])
def test_the_answer_needs_room_where_it_shares_the_window(shares, fits):
    """`max_tokens`, or else the default limit, counts with the prompt, unless the window is for the prompt alone."""
    catalog = catalog_of(model("a", context_window=10_000, output_shares_window=shares), model("b"))
    for asked, tokens in ((request(max_output_tokens=100), 9_901), (request(), 10_000 - 4095)):
        assert keys(plan(asked, catalog, counted(a=tokens))) == (["a", "b"] if fits else ["b"])
        assert keys(plan(asked, catalog, counted(a=tokens - 1))) == ["a", "b"]


def test_only_a_prompt_that_may_be_too_long_is_counted():
    """A prompt whose bound fits needs no tokeniser; embedding models need none either."""
    catalog = catalog_of(
        model("a", context_window=10_000),
        model("b", context_window=50_000),
        model("c", context_window=1, deployment=Deployment("p", "c", "https://p.example", "embedding"), provider="p"),
    )
    asked = request(max_output_tokens=1000)
    assert [m.key for m in uncertain(asked, catalog, lambda m: 9000)] == []
    assert [m.key for m in uncertain(asked, catalog, lambda m: 9001)] == ["a"]
    assert [m.key for m in uncertain(asked, catalog, lambda m: 50_000)] == ["a", "b"]
    assert uncertain(request(max_output_tokens=1000, require=frozenset({"vision"})), catalog, lambda m: 50_000) == []


def test_embedding_models_complete_nothing():
    """An embedding model is no candidate for a completion."""
    catalog = catalog_of(model("e", deployment=Deployment("p", "e", "https://p.example", "embedding"), provider="p"))
    with pytest.raises(InvalidRequest, match="embeddings"):
        plan(request(), catalog, NOW)


def test_unknown_names():
    """Unknown models and groups are the catalog's error."""
    with pytest.raises(UnknownModel):
        plan(request(model="nope"), CATALOG, NOW)
    with pytest.raises(UnknownModel):
        plan(request(model_group="nope"), CATALOG, NOW)


def test_longer_context_keeps_order():
    """After a too-long prompt only models with a longer window remain."""
    a, b, c = model("a", context_window=10), model("b", context_window=10), model("c", context_window=11)
    assert [c] == longer_context([b, c], a)


def test_what_cannot_embed_is_dropped_with_its_reason():
    """A completion model, and one whose vectors cannot be shortened."""

    def asked(*names, **changes):
        catalog = catalog_of(EMBEDDING, model("b"), SHORTENS, groups={"embedding": names})
        return plan_embedding(EmbedRequest(("x",), Attribution("alpha"), **changes), catalog)

    chosen = asked("e", "b", "s", dimensions=5)
    assert keys(chosen) == ["s"]
    assert chosen.dropped == (
        Drop("e", "p", "capability", "e cannot shorten its vectors (dimensions)"),
        Drop("b", "b-provider", "mode", "b makes completions, not embeddings"),
    )
    assert keys(asked("e", "s")) == ["e", "s"]


def test_a_base_url_needs_a_model():
    """A group has many places."""
    with pytest.raises(InvalidRequest) as caught:
        plan(request(api_base="https://x.example"), CATALOG, NOW)
    assert caught.value.message == "api_base needs a model: name one that is served there."
    assert caught.value.param == "api_base"


def test_nobody_can_serve_is_told_with_its_remedy():
    """All reasons in one text, and the field to change."""
    small = catalog_of(model("a", context_window=10), model("b", capabilities=frozenset()))
    with pytest.raises(ContextLengthError) as long:
        plan(request(max_output_tokens=9), catalog_of(model("a", context_window=10)), counted(a=2))
    assert long.value.message == (
        "The messages are too long: a has room for 10 tokens, not 2 and 9 for the answer. "
        "Shorten them, lower max_tokens or choose another model."
    )
    for named, param in (({"model": "b"}, "model"), ({}, "model_group")):
        with pytest.raises(InvalidRequest) as caught:
            plan(request(require=frozenset({"vision", "long_context"}), **named), small, NOW)
        assert caught.value.param == param
        assert "b lacks long_context, vision" in caught.value.message
    with pytest.raises(InvalidRequest) as caught:
        plan(request(max_output_tokens=8193), catalog_of(model("a")), NOW)
    assert caught.value.param == "max_tokens"
    assert caught.value.message == "No candidate can serve this request: a writes at most 8192 tokens."


EMBEDDING = model("e", deployment=Deployment("p", "e", "https://p.example", "embedding"), provider="p")
SHORTENS = model(
    "s",
    deployment=Deployment("p", "s", "https://p.example", "embedding"),
    provider="p",
    capabilities=frozenset({"dimensions"}),
)
