"""What the values of a request say where nobody says anything."""

from typing import get_args

import pytest

from gateway_core.domain.answer import Chunk, ProviderAnswer, ToolCallDelta, Usage
from gateway_core.domain.caller import Attribution
from gateway_core.domain.chat import Deployment, ProviderCall, Requirement
from gateway_core.domain.embedding import Embeddings, EmbedRequest
from gateway_core.domain.rates import RateView
from gateway_core.domain.result import Attempt, Opened
from gateway_core.store.probes import CatalogWarning
from gateway_core.store.response_cache import CachePolicy
from tests.conftest import model

PLACE = Deployment("p", "m", "https://p.example")


def test_an_empty_chunk_says_nothing():
    """No text, no end, no usage."""
    chunk = Chunk()
    assert (chunk.text, chunk.tool_calls, chunk.reasoning, chunk.finish_reason) == ("", (), "", None)
    assert (chunk.usage, chunk.dropped_params, chunk.rates, chunk.is_content) == (None, (), None, False)
    delta = ToolCallDelta(0)
    assert (delta.id, delta.name, delta.arguments) == ("", "", "")


def test_what_a_provider_says_of_its_limits_is_no_part_of_its_answer():
    """Equal answers are equal at whatever moment."""
    assert Chunk(rates=RateView(1)) == Chunk()
    answer = ProviderAnswer("hi", (), "stop", Usage())
    assert ProviderAnswer("hi", (), "stop", Usage(), rates=RateView(1)) == answer
    assert (answer.dropped_params, answer.reasoning, answer.rates, answer.confidence) == ((), "", None, None)
    assert Embeddings((), Usage(), RateView(1)) == Embeddings((), Usage())


def test_a_deployment_is_the_operators_chat():
    """Unless told otherwise: it may be anywhere, and what it does is watched."""
    assert (PLACE.mode, PLACE.reach, PLACE.is_callers) == ("chat", "any", False)
    plain = model("m")
    assert (plain.fallbacks, plain.successor_of, plain.retires_on, plain.fixed_params) == ((), None, None, {})
    assert (plain.output_shares_window, plain.listed, plain.price_hash, plain.is_watched) == (True, True, "", True)


@pytest.mark.parametrize(("first_s", "within_s"), [(None, 8), (3, 3), (8, 8), (9, 8)])
def test_the_first_content_is_due_by_the_earlier_deadline(first_s, within_s):
    """Its own, or that of the whole."""
    assert ProviderCall(PLACE, (), {}, 1, 8, "req_1", first_s).first_within_s == within_s


def test_what_a_request_may_require():
    """The words that the schema and the tool offer."""
    assert get_args(Requirement) == ("vision", "tools", "json", "json_schema", "long_context", "reasoning")


def test_an_embedding_request_asks_for_nothing_special():
    """Vectors as long as the model makes them, within two minutes."""
    asked = EmbedRequest(("a",), Attribution("alpha"))
    assert (asked.model_group, asked.model, asked.dimensions, asked.fallback) == (None, None, None, None)
    assert asked.timeout_s == 120


def test_what_happened_is_told_as_the_usual():
    """With the store, of a provider, at once, without an error."""
    opened, attempt = Opened(model("m"), 1), Attempt("m", "p", "ok")
    assert (opened.degraded, opened.cached) == (False, False)
    assert (attempt.error_code, attempt.latency_ms) == (None, 0)


def test_a_warning_may_be_about_no_single_model():
    """Its provider and model are empty then."""
    warning = CatalogWarning("prices_old", "old")
    assert (warning.provider, warning.model) == ("", "")


def test_answers_are_kept_for_an_hour_up_to_256_kib():
    """Unless the configuration says otherwise."""
    assert CachePolicy() == CachePolicy(enabled=True, ttl_s=3600, max_bytes=256 * 1024)
