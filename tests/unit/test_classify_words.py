"""What callers and operators are told of a failed attempt: our own words, and when to come back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.exchanges import KEY, anthropic, error, gemini, openai, seen


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
