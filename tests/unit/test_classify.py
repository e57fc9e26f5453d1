"""What an attempt's exchange says of it: the right error, the right bill, our own words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway_core.adapters.upstream.about import About
from gateway_core.adapters.upstream.classify import classify
from gateway_core.adapters.upstream.exchange import Fault, ProviderExchange, origin_of
from gateway_core.domain.answer import Usage
from gateway_core.domain.chat import Deployment
from gateway_core.domain.credentials import Secret
from gateway_core.domain.provider_errors import (
    BadCredentials,
    ContentFilterError,
    ContextLengthError,
    DeploymentUnusable,
    ProviderError,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimitError,
)
from gateway_core.wires.table import WIRES, wire_of

NOW_MS = 1_800_000_000_000
KEY = "sk-ant-api03-0123456789abcdef"
PROVIDERS: dict[str, tuple[str, str]] = {
    "anthropic": ("anthropic", "claude-opus-4-5"),
    "openai_chat": ("openai", "gpt-5.1"),
    "openai_responses": ("openai", "gpt-5.3-codex"),
    "gemini": ("gemini", "gemini-3-pro-preview"),
}
GOOD: dict[str, Any] = {
    "anthropic": {"content": [], "stop_reason": "end_turn", "usage": {"input_tokens": 3, "output_tokens": 2}},
    "openai_chat": {
        "choices": [{"message": {}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2},
    },
    "openai_responses": {
        "status": "completed",
        "output": [],
        "usage": {"input_tokens": 3, "output_tokens": 2},
        "error": None,
    },
    "gemini": {
        "candidates": [{"content": {}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2},
    },
}
FOUR = ["anthropic", "openai_chat", "openai_responses", "gemini"]
BILLED = Usage(3, 2)


def about(wire: str = "openai_chat", prompt: str = "Tell me of the otters of Skye.", provider: str = "") -> About:
    """An attempt of one of the providers."""
    name, model = PROVIDERS[wire]
    mode = "responses" if wire == "openai_responses" else "chat"
    deployment = Deployment(provider or name, model, "https://api.example/v1", mode)
    message = {"role": "user", "content": [{"type": "text", "text": prompt, "n": 1}]}
    return About(deployment, NOW_MS, Secret(KEY), (message,))


def seen(wire: str = "openai_chat", status: int | None = 200, body: Any = b"", **more: Any) -> ProviderExchange:
    """An exchange that came to a proper end, unless `more` says otherwise."""
    exchange = ProviderExchange(
        WIRES[wire], origin_of("https://api.example/v1"), 1000, requests=1, sent=True, ended=True
    )
    headers = {"content-type": "application/json", **more.pop("headers", {})}
    if status is not None:
        exchange.answered(status, headers)
    exchange.body += body if isinstance(body, bytes) else json.dumps(body).encode()
    for name, value in more.items():
        setattr(exchange, name, value)
    return exchange


def error(exchange: ProviderExchange, cause: Exception | None = None, **kwargs: Any) -> ProviderError:
    """The error of an exchange that must have one."""
    found = classify(exchange, cause, about(exchange.wire.name, **kwargs))
    assert found is not None
    return found


@pytest.mark.parametrize("wire", FOUR)
def test_a_whole_answer_is_no_error(wire: str) -> None:
    """Ended, decoded, finished, counted: sound."""
    assert classify(seen(wire, body=GOOD[wire]), None, about(wire)) is None


def anthropic(kind: str, message: str = "") -> Any:
    return {"type": "error", "error": {"type": kind, "message": message}}


def openai(code: str | None, message: str = "", kind: str = "invalid_request_error") -> Any:
    return {"error": {"code": code, "message": message, "type": kind, "param": None}}


def gemini(code: int, status: str, message: str = "", *details: Any) -> list[Any] | Any:
    return {"error": {"code": code, "status": status, "message": message, "details": list(details)}}


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
    ("wire", "told", "param", "message"),
    [
        (
            "openai_chat",
            {"param": "messages[1].name", "code": "invalid_value", "message": "No."},
            "messages.1.name",
            "OpenAI rejected the request as invalid for gpt-5.1; it finds fault with messages[1].name (invalid_value).",
        ),
        (
            "openai_responses",
            {"param": "input[3].call_id", "type": "invalid_request_error", "code": None, "message": "No."},
            "messages",
            "OpenAI rejected the request as invalid for gpt-5.3-codex; it finds fault with input[3].call_id.",
        ),
        (
            "anthropic",
            {"type": "invalid_request_error", "message": "top_p: Input should be less than 1"},
            "top_p",
            "Anthropic rejected the request as invalid for claude-opus-4-5; it finds fault with top_p.",
        ),
        (
            "openai_chat",
            {"type": "invalid_request_error", "message": "Otters: none"},
            None,
            "OpenAI rejected the request as invalid for gpt-5.1.",
        ),
    ],
)
def test_callers_learn_what_a_provider_finds_fault_with(wire: str, told: Any, param: str | None, message: str) -> None:
    """By its path, in their own words where they differ, and none of the provider's prose."""
    found = error(seen(wire, 400, {"error": told}))
    assert (found.param, found.message) == (param, message)


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
    ("headers", "delay", "seconds"),
    [
        ({"retry-after": "7"}, "", 7.0),
        ({"retry-after": "1.5"}, "", 1.5),
        ({"retry-after-ms": "250", "retry-after": "7"}, "", 0.25),
        ({"retry-after": "Fri, 15 Jan 2027 08:01:00 GMT"}, "", 60.0),
        ({"retry-after": "Fri, 15 Jan 2027 08:01:00 -0000"}, "", 60.0),
        ({"retry-after": "Fri, 15 Jan 2021 08:01:00 GMT"}, "", 0.0),
        ({"retry-after": "-3"}, "", 0.0),
        ({"retry-after": "1e12"}, "", 86_400.0),
        ({"retry-after": "nan"}, "", None),
        ({"retry-after": "soon"}, "", None),
        ({"retry-after": "Fri, 15 Jan 99999999999999999999 08:01:00 GMT"}, "", None),
        ({"retry-after": "Fri, 15 Jan 2027 08:01:00 +99999999999999999999"}, "", None),
        ({}, "37.5s", 37.5),
        ({}, "later", None),
        ({"retry-after": "2"}, "37s", 2.0),
        ({}, "", None),
    ],
)
def test_retry_after_in_all_its_forms(headers: dict[str, str], delay: str, seconds: float | None) -> None:
    """Seconds, milliseconds, dates and Gemini's RetryInfo; bounded, and never invented."""
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}
    for status in (429, 503):
        found = error(seen("gemini", status, gemini(status, "X", "", {"@type": "other"}, info), headers=headers))
        assert found.retry_after_s == seconds


def test_only_errors_that_pass_carry_retry_after() -> None:
    """A caller's mistake does not become right by waiting."""
    assert error(seen(status=400, body=openai(None), headers={"retry-after": "7"})).retry_after_s is None


FINISHES: list[tuple[str, Any, type[ProviderError]]] = [
    ("anthropic", {"stop_reason": "refusal"}, ContentFilterError),
    ("anthropic", {"stop_reason": None}, ProviderUnavailable),
    ("openai_chat", {"choices": []}, ProviderUnavailable),
    ("openai_chat", {"choices": [{"finish_reason": "content_filter"}]}, ContentFilterError),
    ("openai_chat", {"choices": [{"finish_reason": "insufficient_system_resource"}]}, ProviderUnavailable),
    ("openai_chat", {"choices": [{"message": {}}]}, ProviderUnavailable),
    (
        "openai_responses",
        {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
        ContentFilterError,
    ),
    ("openai_responses", {"status": "failed", "error": {"code": "server_error"}}, ProviderUnavailable),
    ("openai_responses", {"status": "failed", "error": {"code": "rate_limit_exceeded"}}, RateLimitError),
    ("openai_responses", {"status": "failed"}, ProviderUnavailable),
    ("openai_responses", {"status": "in_progress"}, ProviderUnavailable),
    ("gemini", {"candidates": []}, ProviderUnavailable),
    ("gemini", {"candidates": [{"finishReason": "SAFETY"}]}, ContentFilterError),
    ("gemini", {"candidates": [{"finishReason": "MALFORMED_FUNCTION_CALL"}]}, ProviderUnavailable),
    ("gemini", {"candidates": [{"finishReason": "MISSING_THOUGHT_SIGNATURE"}]}, ProviderUnavailable),
    ("gemini", {"candidates": [], "promptFeedback": {"blockReason": "SAFETY"}}, ContentFilterError),
]


@pytest.mark.parametrize(("wire", "change", "kind"), FINISHES)
def test_answers_that_are_none_are_billed_as_reported(wire: str, change: Any, kind: type[ProviderError]) -> None:
    """A filtered, empty or broken-off 200 costs what the provider says it costs."""
    found = error(seen(wire, body={**GOOD[wire], **change}))
    assert type(found) is kind
    assert (found.usage, found.unconfirmed) == (BILLED, False)


@pytest.mark.parametrize("wire", FOUR)
def test_an_answer_without_usage_is_unconfirmed(wire: str) -> None:
    """Nobody knows what it costs, so nobody says."""
    body = {name: value for name, value in GOOD[wire].items() if not name.startswith("usage")}
    found = error(seen(wire, body=body))
    assert (type(found), found.usage, found.unconfirmed) == (ProviderUnavailable, None, True)


def test_a_filtered_answer_without_usage_is_unconfirmed() -> None:
    """The same for an answer that the filter stopped."""
    found = error(seen(body={"choices": [{"finish_reason": "content_filter"}]}))
    assert (type(found), found.unconfirmed) == (ContentFilterError, True)


GARBAGE = [b"<html>Bad Gateway</html>", b'{"id": "x', b"", b"null", b"[]", b'"text"', b"[" * 200_000, b"\xff\xfe"]


@pytest.mark.parametrize("body", GARBAGE, ids=range(len(GARBAGE)))
@pytest.mark.parametrize("wire", FOUR)
def test_garbage_with_status_200_is_an_unconfirmed_failure(wire: str, body: bytes) -> None:
    """A page of a proxy is no answer, and no empty one either."""
    found = error(seen(wire, body=body, headers={"content-type": "text/html; charset=utf-8"}))
    assert (type(found), found.unconfirmed) == (ProviderUnavailable, True)


IN_BAND: list[tuple[str, Any, type[ProviderError]]] = [
    ("openai_chat", openai("rate_limit_exceeded"), RateLimitError),
    ("openai_chat", openai("context_length_exceeded"), ContextLengthError),
    ("openai_chat", openai("invalid_api_key"), BadCredentials),
    ("openai_chat", {"error": "something broke"}, ProviderUnavailable),
    ("anthropic", anthropic("overloaded_error"), ProviderUnavailable),
    ("anthropic", anthropic("not_found_error"), DeploymentUnusable),
    ("gemini", gemini(429, "RESOURCE_EXHAUSTED"), RateLimitError),
    ("gemini", gemini(200, "OK"), ProviderUnavailable),
]


@pytest.mark.parametrize(("wire", "body", "kind"), IN_BAND)
def test_an_error_inside_a_200_is_that_error(wire: str, body: Any, kind: type[ProviderError]) -> None:
    """Some gateways say 200 to everything; what it cost is then unknown."""
    found = error(seen(wire, body=body))
    assert (type(found), found.unconfirmed) == (kind, True)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [("truncated", ProviderUnavailable), ("too_large", DeploymentUnusable), ("encoded", DeploymentUnusable)],
)
def test_an_answer_that_broke_off_is_unconfirmed(fault: Fault, kind: type[ProviderError]) -> None:
    """The provider may have generated and billed all of it; one that we do not take would come again the same."""
    found = error(seen(body=b'{"choices', ended=False, fault=fault), ValueError())
    assert (type(found), found.unconfirmed) == (kind, True)
    assert f"fault={fault}" in found.detail


def test_a_sound_answer_that_litellm_cannot_read_is_billed() -> None:
    """The translation failed, the money is spent."""
    found = error(seen(body=GOOD["openai_chat"]), KeyError("role"))
    assert (type(found), found.usage, found.unconfirmed) == (ProviderUnavailable, BILLED, False)
    assert "cause=KeyError" in found.detail


def test_a_stream_counts_as_whole_with_its_terminator_only() -> None:
    """HTTP framing says nothing of the events; the usage that was reported is kept."""
    exchange = seen("anthropic", headers={"content-type": "text/event-stream"})
    usage = b'{"type": "message_start", "message": {"usage": {"input_tokens": 3, "output_tokens": 2}}}'
    assert exchange.take(b"data: " + usage + b"\n\n")
    found = error(exchange)
    assert (type(found), found.usage, found.unconfirmed) == (ProviderUnavailable, BILLED, True)
    exchange.take(b'data: {"type": "message_stop"}\n\n')
    assert exchange.complete


@pytest.mark.parametrize(
    ("fault", "sent", "kind"),
    [
        ("connect", False, ProviderUnavailable),
        ("reset", True, ProviderUnavailable),
        ("foreign_host", False, DeploymentUnusable),
    ],
)
def test_without_an_answer_only_what_was_sent_may_be_billed(
    fault: Fault, sent: bool, kind: type[ProviderError]
) -> None:
    """A refused connection is free, a reset after sending is not; neither says anything of the next call."""
    found = error(seen(status=None, fault=fault, sent=sent), ValueError())
    assert (type(found), found.unconfirmed) == (kind, sent)


def test_a_redirect_is_a_failure_that_costs_nothing() -> None:
    """It is not followed; its target is not even logged."""
    found = error(seen(status=307, fault="redirect", ended=False), ValueError())
    assert (type(found), found.unconfirmed) == (DeploymentUnusable, False)


@pytest.mark.parametrize(("sent", "status"), [(True, None), (False, None), (True, 200)])
def test_a_timeout_is_billed_if_anything_was_sent(sent: bool, status: int | None) -> None:
    """The provider goes on working when we hang up."""
    found = error(seen(status=status, fault="deadline", sent=sent), TimeoutError())
    assert (type(found), found.unconfirmed) == (ProviderTimeout, sent)


def test_a_refusal_outweighs_a_timeout_in_its_body() -> None:
    """The status had come: 429 it is."""
    assert type(error(seen(status=429, fault="deadline"), TimeoutError())) is RateLimitError


class BadRequestError(Exception):
    status_code = 400


class ImageFetchError(Exception):
    status_code = 400


def test_what_litellm_cannot_translate_is_no_fault_of_the_deployment() -> None:
    """Nothing was sent: the breaker does not hear of it, and nothing is billed."""
    for cause, kind in (
        (BadRequestError(), ProviderRejected),
        (ImageFetchError(), ProviderRejected),
        (KeyError(), DeploymentUnusable),
    ):
        found = error(seen(status=None, requests=0, sent=False), cause)
        assert (type(found), found.effect, found.unconfirmed) == (kind, "skip", False)


def test_the_operator_reads_what_the_provider_said() -> None:
    """Status, machine words, request id and the redacted text; the rest is ours."""
    body = anthropic("overloaded_error", f"Overloaded. Bearer abc {KEY} at https://u:p@h")
    found = error(seen("anthropic", 529, body, headers={"request-id": "req_1"}))
    assert found.detail.startswith("anthropic/claude-opus-4-5 status=529 type=application/json label=overloaded_error")
    assert "request_id=req_1" in found.detail
    assert 'said="Overloaded. Bearer [redacted] [redacted] at https://[redacted]@h"' in found.detail


def test_the_operator_does_not_read_the_prompt() -> None:
    """A provider that repeats the request is not quoted."""
    found = error(seen(status=400, body=openai(None, "Invalid: 'Tell me of the otters of Skye.'")))
    assert "otters" not in found.detail


def test_hostile_machine_words_are_not_logged() -> None:
    """Codes, ids and types that are no words are left out, and one that is the key is masked."""
    body = {"error": {"code": "x y\n\x1b[31m", "type": KEY, "message": ""}}
    headers = {"request-id": "a b", "content-type": "text/\x00"}
    detail = error(seen(status=500, body=body, headers=headers)).detail
    assert detail == "openai/gpt-5.1 status=500 label=[redacted]"


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
