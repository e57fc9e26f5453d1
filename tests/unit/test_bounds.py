"""What is held for a request."""

from dataclasses import replace
from decimal import Decimal

import pytest

from gateway_core.domain.caller import Attribution
from gateway_core.domain.chat import ChatRequest, Deployment
from gateway_core.domain.embedding import EmbedRequest
from gateway_core.domain.errors import BudgetExceeded
from gateway_core.routing.bounds import PromptSize, bound_chat, bound_embedding, output_cap
from tests.conftest import PRICE, catalog_of, model

A = model("a")
DEAR = replace(
    PRICE,
    cache_write_1h=Decimal(2000),
    audio_input=Decimal(3000),
    audio_output=Decimal(5000),
    service_tiers={"priority": replace(PRICE, input=Decimal(2000), output=Decimal(4000))},
)
CATALOG = catalog_of(A)
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


def request(*content, **changes):
    messages = tuple({"role": "user", "content": part} for part in content or ("hello",))
    return ChatRequest(messages=messages, attribution=Attribution("alpha"), **changes)


def test_the_hold_is_input_and_output_at_the_dearest_rate():
    """Cache writes may be dearer than plain input."""
    asked = request(max_output_tokens=10)
    size = PromptSize.of(asked)
    offer = bound_chat(asked, size, A, CATALOG)
    assert offer.candidate.hold_nano == size.text_tokens * 1250 + 10 * 2000
    assert offer.candidate.hold_tokens == size.text_tokens + 10


def test_images_count_by_the_models_measure():
    """Each as many tokens as the model's largest image, whatever its bytes."""
    size = PromptSize.of(request([IMAGE, {"type": "text", "text": "hi"}], [IMAGE]))
    assert size.images == 2
    assert size.upper_bound(A) - size.text_tokens == 2000


@pytest.mark.parametrize(("asked", "cap"), [(None, 4096), (10, 10), (100_000, 8192)])
def test_the_output_cap(asked, cap):
    """As asked, else the default, never above the model's limit."""
    wanted = request(max_output_tokens=asked)
    assert output_cap(wanted, PromptSize.of(wanted), A, 4096) == cap


@pytest.mark.parametrize(("asked", "default", "cap"), [(None, 5000, 5000), (None, 32_000, 8192), (10, 5000, 10)])
def test_a_default_of_the_requests_own(asked, default, cap):
    """It holds in place of the catalog's, within the model's limit, and nobody asked for it."""
    found = bounded(request(max_output_tokens=asked, default_output_tokens=default, caps_output=True))
    assert (found.output_cap, found.dropped(())) == (cap, ())


@pytest.mark.parametrize(
    ("asked", "caps", "cap", "dropped"),
    [(8193, True, 8192, ("max_tokens",)), (8192, True, 8192, ()), (None, True, 4096, ()), (8193, False, 8192, ())],
)
def test_a_limit_above_the_models_is_named(asked, caps, cap, dropped):
    """Where the request has it brought down."""
    found = bounded(request(max_output_tokens=asked, caps_output=caps))
    assert (found.output_cap, found.dropped(())) == (cap, dropped)


def test_the_responses_api_has_a_least_cap():
    """What the provider would write anyway is held."""
    codex = model("c", deployment=Deployment("p", "c", "https://p.example", "responses"))
    wanted = request(max_output_tokens=1)
    assert output_cap(wanted, PromptSize.of(wanted), codex, 4096) == 16


def test_a_token_budget_bounds_both():
    """Input and output together; too little for the input is refused."""
    wanted = request(max_output_tokens=4096, token_budget=1000)
    size = PromptSize.of(wanted)
    assert output_cap(wanted, size, A, 4096) == 1000 - size.text_tokens
    poor = request(token_budget=size.text_tokens)
    with pytest.raises(BudgetExceeded):
        output_cap(poor, PromptSize.of(poor), A, 4096)


def test_embeddings_are_bounded_by_their_bytes():
    """A text has no more tokens than bytes, tokens count themselves."""
    asked = EmbedRequest(("äö", (1, 2, 3)), Attribution("alpha"))
    assert bound_embedding(asked, A, CATALOG).candidate.hold_tokens == 4 + 3 + 2 * 32


def test_a_poor_token_budget_is_told_its_remedy():
    """With what the input may take."""
    poor = request(token_budget=5)
    size = PromptSize.of(poor)
    with pytest.raises(BudgetExceeded) as caught:
        output_cap(poor, size, A, 4096)
    assert caught.value.param == "token_budget"
    assert caught.value.message == (
        f"token_budget 5 cannot cover the input, which may take {size.text_tokens} tokens. "
        "Raise it or shorten the messages."
    )


def test_the_providers_limits_count_where_the_operator_has_an_account():
    """Not at a base URL that the caller named."""
    limited = replace(CATALOG.providers[A.provider], rpm=7, tpm=9000)
    catalog = replace(CATALOG, providers={A.provider: limited})
    asked = request(max_output_tokens=10)
    size = PromptSize.of(asked)
    elsewhere = replace(A, deployment=replace(A.deployment, reach="public"))
    candidates = [bound_chat(asked, size, m, catalog).candidate for m in (A, elsewhere)]
    assert [(c.rpm, c.tpm) for c in candidates] == [(7, 9000), (0, 0)]
    assert {c.likely_tokens for c in candidates} == {size.text_tokens // 4 + 10}


def bounded(asked, served=A):
    return bound_chat(asked, PromptSize.of(asked), served, CATALOG)


def test_each_answer_may_be_as_long_as_the_cap():
    """Which goes upstream as it is, and is held as often as answers are asked for."""
    one, three = (bounded(request(max_output_tokens=10, params={"n": n})) for n in (1, 3))
    assert (one.output_cap, three.output_cap) == (10, 10)
    assert three.candidate.hold_nano - one.candidate.hold_nano == 20 * 2000
    assert three.candidate.hold_tokens - one.candidate.hold_tokens == 20
    assert three.candidate.likely_tokens - one.candidate.likely_tokens == 20


def test_a_token_budget_is_shared_by_the_answers():
    """In whole tokens of each; a budget without one for each is too small."""
    wanted = request(params={"n": 3})
    size = PromptSize.of(wanted)
    assert output_cap(replace(wanted, token_budget=size.text_tokens + 11), size, A, 4096) == 3
    with pytest.raises(BudgetExceeded):
        output_cap(replace(wanted, token_budget=size.text_tokens + 2), size, A, 4096)


def test_what_fits_is_told_for_each_answer():
    """A cap of so much for each of them fits into the room, and of one more it does not."""
    candidate = bounded(request(max_output_tokens=1000, params={"n": 4}))
    most_in = candidate.candidate.hold_tokens - 4000
    room_nano = most_in * 1250 + 4 * 10 * 2000
    assert candidate.largest_output(room_nano, 10**9) == 10
    assert candidate.largest_output(room_nano - 1, 10**9) == 9
    assert candidate.largest_output(10**12, most_in + 43) == 10


@pytest.mark.parametrize(
    ("params", "rate_in", "rate_out"),
    [
        ({}, 1250, 2000),
        ({"service_tier": "default"}, 1250, 2000),
        ({"service_tier": "auto"}, 2000, 4000),
        ({"modalities": ["text", "audio"]}, 1250, 5000),
    ],
)
def test_the_hold_is_at_the_terms_of_the_request(params, rate_in, rate_out):
    """The dearest service tier and modality that it allows."""
    asked = request(max_output_tokens=10, params=params)
    served = model("a", price=DEAR)
    assert bounded(asked, served).candidate.hold_nano == PromptSize.of(asked).text_tokens * rate_in + 10 * rate_out


def test_what_the_operator_fixes_counts():
    """It replaces what the caller says, as it does upstream."""
    served = model("a", price=DEAR, fixed_params={"service_tier": "priority", "n": 2})
    terms = bounded(request(params={"service_tier": "default"}), served).terms
    assert (terms.service_tier, terms.choices) == ("priority", 2)


def test_an_hour_and_sound_are_held_where_the_prompt_has_them():
    """At their own rates."""
    hour = {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    sound = {"type": "input_audio", "input_audio": {"data": "//uQAA==", "format": "mp3"}}
    served = model("a", price=DEAR)
    for part, rate in ((hour, 2000), (sound, 3000)):
        asked = request([part], max_output_tokens=1)
        size = PromptSize.of(asked)
        most_in = size.text_tokens + size.audio_tokens
        assert size.upper_bound(served) == most_in
        assert bounded(asked, served).candidate.hold_nano == most_in * rate + 2000


def test_a_document_may_fill_the_window():
    """Of each model its own; what is likely is guessed from its bytes."""
    document = {"type": "file", "file": {"file_data": "data:application/pdf;base64," + "A" * 4000}}
    size = PromptSize.of(request([document]))
    assert [size.upper_bound(m) for m in (A, model("b", context_window=5000))] == [100_000, 5000]
    assert 1000 <= size.estimated_tokens <= 1100
    assert size.upper_bound(model("c", context_window=10)) == size.text_tokens
