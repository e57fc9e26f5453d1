"""What a value is when nothing is said: each of these is relied on somewhere else."""

from dataclasses import replace

import pytest

from gateway_core.config.documents import Document
from gateway_core.config.settings import GatewaySettings
from gateway_core.domain.answer import Chunk, ProviderAnswer, Usage
from gateway_core.domain.api_base import ApiBasePolicy
from gateway_core.domain.caller import Attribution, Caller, Limits
from gateway_core.domain.chat import ChatRequest, Deployment, ProviderCall
from gateway_core.domain.cost import usd
from gateway_core.domain.embedding import EmbedRequest
from gateway_core.domain.errors import ConfigError, Forbidden, InvalidRequest
from gateway_core.domain.model_rules import NO_RULES
from gateway_core.domain.result import Completion, Opened
from gateway_core.store.budget import MAX_AMOUNT, NOTHING, Account, Amount, Hold, Movement
from gateway_core.store.exact_amounts import check_charge, check_limits, check_settlement
from gateway_core.store.messages import Candidate, Settlement
from gateway_core.store.records import HoldPage, OpenHold
from gateway_core.store.response_cache import CachePolicy
from tests.conftest import model

CALL = ProviderCall(Deployment("p", "m", "https://p.example"), (), {}, 64, 60.0, "req_1")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Chunk(), ("", (), "", None, None, True, (), None, "", False, "", 0, ())),
        (EmbedRequest(("a",), Attribution("alpha")), (("a",), Attribution("alpha"), None, None, None, None, 120.0)),
        (Opened(model("m"), 1), (model("m"), 1, False, False, (), "")),
        (CachePolicy(), (True, 3600, 262_144)),
        (Caller("alpha", "k", "d", "t"), ("alpha", "k", "d", "t", "", False, *[frozenset()] * 4, None)),
        (Limits(), (None,) * 6),
        (Attribution("alpha"), ("alpha", "", "", "")),
        (Account(), (NOTHING,) * 3),
        (Movement(), (NOTHING,) * 3),
        (Hold(Amount(1, 2)), (Amount(1, 2), NOTHING, NOTHING)),
        (
            OpenHold("r", 1, "k", "u", "d", 2, 3, 4, unconfirmed=True),
            ("r", 1, "k", "u", "d", 2, 3, 4, True, 0, 0, 0, False),
        ),
        (HoldPage(()), ((), "", ())),
        (Usage(), (*[0] * 8, "")),
        (ProviderAnswer("a", (), "stop", Usage()), ("a", (), "stop", Usage(), (), "", None, None, "", None, "", 0)),
    ],
)
def test_what_is_not_said(value, expected):
    """Field by field, with its type: `None` is not the empty text, and False is not None."""
    found = tuple(getattr(value, name) for name in type(value).__dataclass_fields__)
    assert found == expected
    assert [type(each) for each in found] == [type(each) for each in expected]


def test_a_request_says_little():
    """The rest is the gateway's choice."""
    said = ChatRequest(messages=(), attribution=Attribution("alpha"))
    assert (said.model, said.model_group, said.cache, said.explain, said.api_base) == (None, None, False, False, None)
    assert (said.params, said.defaults, said.spoken) == ({}, {}, None)
    assert (CALL.defaults, CALL.rules, CALL.spoken) == ({}, NO_RULES, None)
    assert (CALL.caches_prompt, CALL.first_s) == (False, None)


def test_a_completion_is_fresh_unless_it_says_so():
    """Neither kept nor degraded."""
    fields = Completion.__dataclass_fields__
    assert (fields["cached"].default, fields["degraded"].default, fields["saved_nano"].default) == (False, False, 0)


@pytest.mark.parametrize(
    ("nano", "text"),
    [
        (0, "0"),
        (1, "0.000000001"),
        (117_000, "0.000117"),
        (1_000_000_000, "1"),
        (10_000_000_000, "10"),
        (1_500_000_000, "1.5"),
        (-1, "-0.000000001"),
        (-2_000_000_000, "-2"),
    ],
)
def test_money_as_text(nano, text):
    """Without exponent, trailing zeros or a trailing dot."""
    assert usd(nano) == text


@pytest.mark.parametrize("url", ["https://elsewhere.example/v1", "http://allowed.example"])
def test_a_base_url_that_is_not_allowed_is_named_by_its_field(url):
    """Whatever is wrong with it."""
    with pytest.raises(Forbidden) as refused:
        ApiBasePolicy(hosts=frozenset({"allowed.example"})).allow(url)
    assert refused.value.param == "api_base"


TOO_MUCH = MAX_AMOUNT + 1
CANDIDATE = Candidate("p", "m", hold_nano=MAX_AMOUNT, hold_tokens=MAX_AMOUNT)


@pytest.mark.parametrize(
    "field",
    [
        "charge_nano",
        "charge_tokens",
        "retry_after_ms",
        "tpm",
        "rpm",
        "latency_ms",
        "unconfirmed_nano",
        "unconfirmed_tokens",
    ],
)
def test_a_settlement_that_cannot_be_counted_is_refused(field):
    """Each of its numbers."""
    settlement = Settlement(1, "p", "m", 1, probe=False, effect="ok")
    check_settlement(settlement)
    with pytest.raises(InvalidRequest):
        check_settlement(replace(settlement, **{field: TOO_MUCH}))


def test_a_charge_that_cannot_be_counted_is_refused():
    """Money and tokens."""
    check_charge(MAX_AMOUNT, MAX_AMOUNT)
    for charge in ((TOO_MUCH, 0), (0, TOO_MUCH), (-1, 0)):
        with pytest.raises(InvalidRequest):
            check_charge(*charge)


def test_a_limit_that_nobody_could_keep_is_refused_with_the_remedy():
    """None is no limit."""
    check_limits(Limits(day_nano=0, rpm=1, tpm=1))
    for limits in (Limits(rpm=0), Limits(tpm=0)):
        with pytest.raises(ConfigError) as refused:
            check_limits(limits)
        assert refused.value.message == "A rate limit must be at least 1 per minute; leave it out for no limit."
    with pytest.raises(ConfigError, match=f"A limit must be between 0 and {MAX_AMOUNT}."):
        check_limits(Limits(month_tokens=TOO_MUCH))


MISTRAL = "providers: {mistral: {base_url: 'https://api.mistral.ai/v1', input_includes_cached: true}}"
DEEPSEEK = "providers: {deepseek: {engine: litellm}}"


@pytest.mark.parametrize(
    ("said", "environ", "in_container", "on_lambda"),
    [
        ("{}", {}, False, False),
        ("{}", {"OPENAI_API_KEY": "k", "OLLAMA_API_BASE": "http://127.0.0.1:11434"}, False, False),
        ("litellm: start", {}, True, True),
        (f"litellm: demand\n{MISTRAL}", {"MISTRAL_API_KEY": "k"}, False, False),
        (MISTRAL, {}, False, False),  # nobody can call it
        (MISTRAL, {"MISTRAL_API_KEY": "k"}, True, True),
        (MISTRAL.replace("true", "true, engine: native"), {"MISTRAL_API_KEY": "k"}, False, False),
        (DEEPSEEK, {}, False, False),
        (DEEPSEEK, {"DEEPSEEK_API_KEY": "k"}, True, True),
        ("{}", {"PERPLEXITY_API_KEY": "k"}, True, False),  # of those that the configuration does not name
        ("{}", {"HOSTED_VLLM_API_BASE": "https://vllm.example/v1"}, True, False),  # takes no key
    ],
)
def test_when_litellm_is_loaded(said, environ, in_container, on_lambda):
    """At the start where somebody can be called through it, unless it is said otherwise."""
    settings = GatewaySettings.from_env(environ, [Document("config.yaml", said)])
    assert settings.loads_litellm(on_lambda=False) is in_container
    assert settings.loads_litellm(on_lambda=True) is on_lambda
