"""What is held for a request."""

from dataclasses import replace

import pytest

from gateway_core.domain.caller import Attribution
from gateway_core.domain.chat import ChatRequest, Deployment
from gateway_core.domain.embedding import EmbedRequest
from gateway_core.domain.errors import BudgetExceeded
from gateway_core.routing.bounds import PromptSize, bound_chat, bound_embedding, output_cap
from tests.conftest import catalog_of, model

A = model("a")
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
