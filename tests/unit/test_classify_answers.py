"""Answers that are none, and those that never came: the right error, the right bill."""

from __future__ import annotations

from typing import Any

import pytest

from gateway_core.adapters.upstream.exchange import Fault
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
from tests.unit.exchanges import BILLED, FOUR, GOOD, anthropic, error, gemini, openai, seen

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
