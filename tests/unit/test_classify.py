"""What a provider's refusal says of the attempt: the right error, told apart from its neighbours."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway_core.adapters.upstream.classify import classify
from gateway_core.adapters.upstream.exchange import origin_of
from gateway_core.domain.chat import Deployment
from gateway_core.domain.provider_errors import (
    BadCredentials,
    ContentFilterError,
    ContextLengthError,
    DeploymentUnusable,
    ProviderError,
    ProviderRejected,
    ProviderUnavailable,
    RateLimitError,
)
from gateway_core.wires.table import wire_of
from tests.unit.exchanges import FOUR, GOOD, KEY, about, anthropic, error, gemini, openai, seen


@pytest.mark.parametrize("wire", FOUR)
def test_a_whole_answer_is_no_error(wire: str) -> None:
    """Ended, decoded, finished, counted: sound."""
    assert classify(seen(wire, body=GOOD[wire]), None, about(wire)) is None


KEY_INVALID = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
REFUSALS: list[tuple[str, int, Any, type[ProviderError]]] = [
    ("anthropic", 400, anthropic("invalid_request_error", "messages: required"), ProviderRejected),
    ("anthropic", 400, anthropic("invalid_request_error", "prompt is too long: 9 > 8"), ContextLengthError),
    (
        "anthropic",
        400,
        anthropic("invalid_request_error", "input length and `max_tokens` exceed context limit: 9 + 8 > 10"),
        ContextLengthError,
    ),
    (
        "anthropic",
        400,
        anthropic("invalid_request_error", "Your credit balance is too low to access the API."),
        DeploymentUnusable,
    ),
    (
        "anthropic",
        400,
        anthropic("invalid_request_error", "Output blocked by content filtering policy"),
        ContentFilterError,
    ),
    ("anthropic", 401, anthropic("authentication_error", "invalid x-api-key"), BadCredentials),
    ("anthropic", 402, anthropic("billing_error"), DeploymentUnusable),
    ("anthropic", 403, anthropic("permission_error"), BadCredentials),
    ("anthropic", 404, anthropic("not_found_error", "model: claude-2"), DeploymentUnusable),
    ("anthropic", 413, anthropic("request_too_large"), ContextLengthError),
    ("anthropic", 429, anthropic("rate_limit_error"), RateLimitError),
    ("anthropic", 500, anthropic("api_error", "prompt is too long"), ProviderUnavailable),
    ("anthropic", 529, anthropic("overloaded_error", "Overloaded"), ProviderUnavailable),
    ("openai_chat", 400, openai("context_length_exceeded"), ContextLengthError),
    ("openai_chat", 400, openai(None, "This model's maximum context length is 8 tokens"), ContextLengthError),
    ("openai_responses", 400, openai(None, "Your input exceeds the context window of this model."), ContextLengthError),
    ("openai_chat", 400, openai("content_filter"), ContentFilterError),
    (
        "openai_responses",
        400,
        openai("invalid_prompt", "Your prompt was flagged as potentially violating our usage policy."),
        ContentFilterError,
    ),
    ("openai_chat", 400, openai("unsupported_value", "temperature"), ProviderRejected),
    ("openai_chat", 401, openai("invalid_api_key", f"Incorrect API key provided: {KEY}"), BadCredentials),
    ("openai_chat", 403, openai("model_not_found"), DeploymentUnusable),
    ("openai_chat", 403, openai("unsupported_country_region_territory"), BadCredentials),
    ("openai_chat", 404, openai("model_not_found"), DeploymentUnusable),
    ("openai_chat", 408, openai(None), ProviderUnavailable),
    ("openai_chat", 410, b"", DeploymentUnusable),
    ("openai_chat", 413, b"<html>", ContextLengthError),
    ("openai_chat", 429, openai("rate_limit_exceeded", kind="tokens"), RateLimitError),
    ("openai_chat", 429, openai("insufficient_quota", kind="insufficient_quota"), DeploymentUnusable),
    ("openai_chat", 429, b"<html>slow down</html>", RateLimitError),
    ("openai_chat", 500, openai(None, "context_length_exceeded", "server_error"), ProviderUnavailable),
    ("openai_chat", 503, b"", ProviderUnavailable),
    ("openai_chat", 400, openai(None, "Model Not Exist"), DeploymentUnusable),
    ("openai_chat", 400, openai(None, "Content Exists Risk"), ContentFilterError),
    ("openai_chat", 402, openai("invalid_request_error", "Insufficient Balance"), DeploymentUnusable),
    ("openai_chat", 422, openai(None, "max_tokens must be positive"), ProviderRejected),
    ("openai_chat", 400, {"error": "the prompt is too long for me: prompt is too long"}, ContextLengthError),
    ("openai_chat", 400, {"detail": "what?"}, ProviderRejected),
    ("gemini", 400, gemini(400, "INVALID_ARGUMENT", "API key not valid.", KEY_INVALID), BadCredentials),
    ("gemini", 400, gemini(400, "INVALID_ARGUMENT", "API key expired."), BadCredentials),
    (
        "gemini",
        400,
        gemini(400, "INVALID_ARGUMENT", "The input token count (9) exceeds the maximum number of tokens allowed (8)."),
        ContextLengthError,
    ),
    ("gemini", 400, gemini(400, "INVALID_ARGUMENT", "Unknown name"), ProviderRejected),
    ("gemini", 400, [gemini(400, "INVALID_ARGUMENT", "Unknown name")], ProviderRejected),
    ("gemini", 400, gemini(400, "FAILED_PRECONDITION", "User location is not supported"), DeploymentUnusable),
    ("gemini", 403, gemini(403, "PERMISSION_DENIED"), BadCredentials),
    ("gemini", 404, gemini(404, "NOT_FOUND", "models/gemini-1 is not found"), DeploymentUnusable),
    ("gemini", 429, gemini(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota"), RateLimitError),
    ("gemini", 500, gemini(500, "INTERNAL"), ProviderUnavailable),
    ("gemini", 503, gemini(503, "UNAVAILABLE", "The model is overloaded."), ProviderUnavailable),
    ("gemini", 504, gemini(504, "DEADLINE_EXCEEDED"), ProviderUnavailable),
    (
        "anthropic",
        400,
        anthropic("invalid_request_error", "You have reached your specified API usage limits. You will regain access"),
        DeploymentUnusable,
    ),
    (
        "anthropic",
        400,
        anthropic("invalid_request_error", "You have reached your specified workspace API usage limits."),
        DeploymentUnusable,
    ),
    ("anthropic", 400, anthropic("invalid_request_error", "This organization has been disabled."), BadCredentials),
    ("anthropic", 504, anthropic("timeout_error"), ProviderUnavailable),
    ("openai_chat", 401, openai("account_deactivated"), BadCredentials),
    ("openai_chat", 401, openai(None, "Authentication Fails, Your api key: ****2345 is invalid"), BadCredentials),
    ("openai_chat", 405, openai("method_not_supported"), DeploymentUnusable),
    ("openai_chat", 409, openai(None), ProviderUnavailable),
    ("openai_chat", 429, openai("credit_balance_exhausted", kind="insufficient_quota"), DeploymentUnusable),
    ("openai_chat", 429, openai("project_spend_limit_exceeded", kind="insufficient_quota"), DeploymentUnusable),
    ("openai_chat", 429, openai("billing_not_active", kind="billing_not_active"), DeploymentUnusable),
    ("openai_chat", 501, b"", DeploymentUnusable),
    (
        "openai_chat",
        503,
        openai(None, "The engine is currently overloaded", "service_unavailable"),
        ProviderUnavailable,
    ),
    ("openai_chat", 400, openai("model_not_found"), DeploymentUnusable),
    (
        "openai_chat",
        400,
        openai("invalid_request_error", "This model's maximum context length is 65536 tokens. However, you requested"),
        ContextLengthError,
    ),
    ("gemini", 400, gemini(400, "INVALID_ARGUMENT", "API Key not found.", KEY_INVALID), BadCredentials),
    ("gemini", 402, gemini(402, "RESOURCE_EXHAUSTED"), DeploymentUnusable),
    ("gemini", 429, gemini(429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted."), DeploymentUnusable),
    ("gemini", 499, gemini(499, "CANCELLED"), DeploymentUnusable),
]


@pytest.mark.parametrize(("wire", "status", "body", "kind"), REFUSALS)
def test_refusals_are_told_apart(wire: str, status: int, body: Any, kind: type[ProviderError]) -> None:
    """Status first, machine words next, prose last; a clean refusal costs nothing."""
    found = error(seen(wire, status, body), ValueError("LiteLLM says something else"))
    assert type(found) is kind
    assert (found.usage, found.unconfirmed) == (None, False)


@pytest.mark.parametrize(("wire", "status", "body", "kind"), REFUSALS)
def test_callers_read_our_words_only(wire: str, status: int, body: Any, kind: type[ProviderError]) -> None:
    """No word of the provider's own text is in the message, and the key is nowhere."""
    found = error(seen(wire, status, body))
    said = json.dumps(body) if not isinstance(body, bytes) else body.decode()
    assert not [word for word in found.message.split() if len(word) > 12 and word in said]
    assert KEY not in found.message + found.detail + str(found)


@pytest.mark.parametrize(
    ("wire", "status", "passes"),
    [
        ("anthropic", 529, True),
        ("anthropic", 500, True),
        ("openai_chat", 503, True),
        ("openai_chat", 408, True),
        ("gemini", 504, True),
        ("openai_chat", 501, False),
        ("openai_chat", 404, False),
        ("openai_chat", 405, False),
        ("openai_chat", 401, False),
        ("openai_chat", 429, False),
        ("openai_chat", 400, False),
    ],
)
def test_what_may_pass_is_told_from_what_will_not(wire: str, status: int, passes: bool) -> None:
    """Only failures that may be gone in a moment are worth another call."""
    assert error(seen(wire, status, openai(None))).transient is passes


@pytest.mark.parametrize(
    ("wire", "status", "body"),
    [
        ("anthropic", 400, anthropic("invalid_request_error", "Your credit balance is too low")),
        ("openai_chat", 429, openai("insufficient_quota", kind="insufficient_quota")),
        ("openai_chat", 402, openai(None, "Insufficient Balance")),
        ("gemini", 429, gemini(429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted.")),
    ],
)
def test_without_credit_a_deployment_is_left_alone_for_a_while(wire: str, status: int, body: Any) -> None:
    """At once, not after five refusals; a longer time that the provider names holds."""
    found = error(seen(wire, status, body))
    assert (found.effect, found.retry_after_s, found.transient) == ("limit", 60.0, False)
    assert error(seen(wire, status, body, headers={"retry-after": "7"})).retry_after_s == 60.0
    assert error(seen(wire, status, body, headers={"retry-after": "90"})).retry_after_s == 90.0


def test_a_retired_model_counts_against_its_deployment() -> None:
    """The breaker hears of it like of any failure."""
    found = error(seen("openai_chat", 404, openai("model_not_found")))
    assert (found.effect, found.retry_after_s) == ("fail", None)


def test_a_refusal_that_repeats_the_request_does_not_count_against_the_deployment() -> None:
    """Callers cannot open a breaker by putting a provider's phrases into their request."""
    phrases = (
        "Your credit balance is too low",
        "API key not valid",
        "Model Not Exist",
        "You have reached your specified API usage limits",
        "This organization has been disabled",
    )
    for phrase in phrases:
        found = error(seen(status=400, body=openai(None, f"Invalid tool name '{phrase}'.")))
        assert found.effect == "skip"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://API.example/v1", ("https", "api.example", 443)),
        ("http://127.0.0.1:8789/x", ("http", "127.0.0.1", 8789)),
    ],
)
def test_origins_compare_by_scheme_host_and_port(url: str, origin: tuple[str, str, int]) -> None:
    """Case and default ports do not matter."""
    assert origin_of(url) == origin


@pytest.mark.parametrize("url", ["ftp://h", "//h/v1", "https://", "https://user@h/", "https://h:x/", "h"])
def test_what_is_no_plain_url_has_no_origin(url: str) -> None:
    """No key can belong to it."""
    with pytest.raises(ValueError, match=r"URL|[Pp]ort"):
        origin_of(url)


def test_the_wire_follows_provider_and_mode() -> None:
    """Whoever is not known speaks OpenAI's format."""
    modes = [("anthropic", "chat"), ("gemini", "chat"), ("openai", "responses"), ("deepseek", "chat"), ("groq", "chat")]
    wires = [wire_of(Deployment(name, "m", "https://h", mode)).name for name, mode in modes]  # type: ignore[arg-type]
    assert wires == ["anthropic", "gemini", "openai_responses", "openai_chat", "openai_chat"]
    assert about(provider="groq").provider == "groq"
