"""What providers say of their limits, read from whatever they send."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.adapters.upstream.exchange import ProviderExchange, origin_of
from gateway_core.adapters.upstream.rates import LONGEST_RESET_MS, rate_view, view_of
from gateway_core.domain.rates import UNREPORTED, RateView, ReportedLimit
from gateway_core.wires.openai_chat import OPENAI_CHAT

NOW = 1_800_000_000_000
"""Fri, 15 Jan 2027 08:00:00 GMT."""
OPENAI = {
    "x-ratelimit-limit-requests": "60",
    "x-ratelimit-limit-tokens": "150000",
    "x-ratelimit-remaining-requests": "59",
    "x-ratelimit-remaining-tokens": "149984",
    "x-ratelimit-reset-requests": "1s",
    "x-ratelimit-reset-tokens": "6m0s",
}
ANTHROPIC = {
    "anthropic-ratelimit-requests-limit": "50",
    "anthropic-ratelimit-requests-remaining": "49",
    "anthropic-ratelimit-requests-reset": "2027-01-15T08:00:02Z",
    "anthropic-ratelimit-tokens-limit": "38000",
    "anthropic-ratelimit-tokens-remaining": "30000",
    "anthropic-ratelimit-tokens-reset": "2027-01-15T08:00:14Z",
    "anthropic-ratelimit-input-tokens-limit": "30000",
    "anthropic-ratelimit-input-tokens-remaining": "29000",
    "anthropic-ratelimit-input-tokens-reset": "2027-01-15T08:00:03Z",
    "anthropic-ratelimit-output-tokens-limit": "8000",
    "anthropic-ratelimit-output-tokens-remaining": "1000",
    "anthropic-ratelimit-output-tokens-reset": "2027-01-15T09:00:52+01:00",
}


def view(headers: dict[str, str], body: Any = None, *, refused: bool = False) -> RateView | None:
    return rate_view(headers, body, refused=refused, now_ms=NOW)


def said(headers: dict[str, str], body: Any = None, *, refused: bool = False) -> RateView:
    """The view of an answer that must have one."""
    found = view(headers, body, refused=refused)
    assert found is not None
    return found


def test_openais_headers() -> None:
    """Limits, what remains, and durations as Go prints them."""
    expected = RateView(NOW, ReportedLimit(60, 59, NOW + 1000), ReportedLimit(150_000, 149_984, NOW + 360_000))
    assert view(OPENAI) == expected


def test_anthropics_headers() -> None:
    """Times become ours; of three limits of tokens the scarcest counts."""
    assert view(ANTHROPIC) == RateView(NOW, ReportedLimit(50, 49, NOW + 2000), ReportedLimit(8000, 1000, NOW + 52_000))


def test_a_time_is_read_by_the_providers_own_clock() -> None:
    """A clock of ours that is a minute ahead would take every reset for past."""
    skewed = {**ANTHROPIC, "date": "Fri, 15 Jan 2027 07:59:00 GMT"}
    assert said(skewed).requests.reset_at_ms == NOW + 62_000
    assert said({**ANTHROPIC, "date": "yesterday"}).requests.reset_at_ms == NOW + 2000


@pytest.mark.parametrize(
    ("text", "wait_ms"),
    [
        ("1s", 1000),
        ("6m0s", 360_000),
        ("20ms", 20),
        ("12.5ms", 13),
        ("7.66s", 7660),
        ("2m59.56s", 179_560),
        ("1h0m1s", LONGEST_RESET_MS),
        ("8760h", LONGEST_RESET_MS),
        ("1d", LONGEST_RESET_MS),
        ("900us", 1),
        ("900µs", 1),
        ("0s", 0),
        ("33011.382", LONGEST_RESET_MS),
        ("59.7", 59_700),
        ("-3", 0),
        ("1800000005", 5000),
        ("1800000005250", 5250),
        ("1700000000", 0),
        ("2027-01-15T08:00:07.25Z", 7250),
        ("2027-01-15 08:00:07", 7000),
        ("2000-01-01T00:00:00Z", 0),
        ("9999-12-31T23:59:59Z", LONGEST_RESET_MS),
        ("0001-01-01T00:00:00+14:00", 0),
        ("nan", None),
        ("inf", None),
        ("1e9s", None),
        ("soon", None),
        ("", None),
        ("s", None),
        ("1s" * 40, None),
        ("\u0663s", None),
    ],
)
def test_resets_in_all_forms(text: str, wait_ms: int | None) -> None:
    """Durations, seconds, times; the past is now, an hour is the most, and what is none of these is not said."""
    found = said({"x-ratelimit-remaining-requests": "5", "x-ratelimit-reset-requests": text})
    assert found.requests == ReportedLimit(None, 5, None if wait_ms is None else NOW + wait_ms)


@pytest.mark.parametrize(
    ("text", "count"),
    [("0", 0), ("17", 17), ("17.0", 17), (" 17 ", 17), ("9007199254740991", 2**53 - 1)]
    + [(bad, None) for bad in ("9007199254740992", "-1", "1.5", "1e3", "nan", "many", "", "9" * 5000, "\u0661\u0667")],
)
def test_counts_in_all_forms(text: str, count: int | None) -> None:
    """Whole numbers that a store can count with; anything else is not said."""
    found = said({"x-ratelimit-remaining-tokens": text, "x-ratelimit-reset-tokens": "1s"})
    assert found.tokens.remaining == count


def test_more_than_the_limit_cannot_remain() -> None:
    """It is cut off."""
    assert said({"x-ratelimit-limit-requests": "5", "x-ratelimit-remaining-requests": "9"}).requests == ReportedLimit(
        5, 5
    )


def test_a_limit_of_zero_is_none() -> None:
    """It is how some say that they do not limit this at all."""
    zeros = {f"x-ratelimit-{what}-tokens": "0" for what in ("limit", "remaining", "reset")}
    assert view(zeros) is None
    assert said({**OPENAI, **zeros}).tokens == UNREPORTED


@pytest.mark.parametrize(
    ("headers", "requests", "tokens"),
    [
        (
            {
                "x-ratelimit-limit-requests-day": "14400",
                "x-ratelimit-remaining-requests-day": "14000",
                "x-ratelimit-limit-tokens-minute": "60000",
                "x-ratelimit-remaining-tokens-minute": "50000",
                "x-ratelimit-reset-tokens-minute": "11.4",
            },
            ReportedLimit(14_400, 14_000),
            ReportedLimit(60_000, 50_000, NOW + 11_400),
        ),
        (
            {"x-ratelimit-limit": "20", "x-ratelimit-remaining": "3", "x-ratelimit-reset": "1800000009000"},
            ReportedLimit(None, 3, NOW + 9000),
            UNREPORTED,
        ),
    ],
    ids=["periods named", "nothing named"],
)
def test_those_who_speak_openais_wire(headers: dict[str, str], requests: ReportedLimit, tokens: ReportedLimit) -> None:
    """A limit of an unknown period is not counted against: it may be one a second."""
    assert view(headers) == RateView(NOW, requests, tokens)


def test_who_says_nothing_is_not_heard() -> None:
    """DeepSeek, Ollama, and Gemini's good answers."""
    assert view({"content-type": "application/json", "retry-after": "7"}) is None
    assert view({}, {"error": {"message": "no"}}, refused=True) is None


def test_nothing_left_closes_until_the_reset() -> None:
    """The last one, where both limits are used up; a limit with something left does not count."""
    empty = {**OPENAI, "x-ratelimit-remaining-requests": "0"}
    assert said(empty).until_ms == NOW + 1000
    assert said({**empty, "x-ratelimit-remaining-tokens": "0"}).until_ms == NOW + 360_000
    assert said({**empty, "x-ratelimit-reset-requests": "0s"}).until_ms == 0
    hidden = {**ANTHROPIC, "anthropic-ratelimit-input-tokens-remaining": "0"}
    assert said(hidden).until_ms == NOW + 3000


def test_a_429_without_a_time_means_its_reset() -> None:
    """Of the limit that is used up or, where none shows, the last of all."""
    assert said(OPENAI, refused=True).until_ms == NOW + 360_000
    assert said({**OPENAI, "x-ratelimit-remaining-requests": "0"}, refused=True).until_ms == NOW + 1000


@pytest.mark.parametrize("header", [{"retry-after": "7"}, {"retry-after-ms": "7000"}])
def test_a_429_with_a_time_means_that(header: dict[str, str]) -> None:
    """Retry-After is when the next request may come; a reset is when all of them may."""
    empty = {**OPENAI, "x-ratelimit-remaining-tokens": "0", **header}
    assert said(empty, refused=True).until_ms == 0
    assert said(empty).until_ms == NOW + 360_000


def gemini(*violations: dict[str, str], delay: str = "") -> dict[str, Any]:
    rpc = "type.googleapis.com/google.rpc."
    details: list[Any] = [{"@type": f"{rpc}QuotaFailure", "violations": list(violations)}, "odd", {"@type": 7}]
    if delay:
        details.append({"@type": f"{rpc}RetryInfo", "retryDelay": delay})
    return {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "quota", "details": details}}


PER_MINUTE = {
    "quotaMetric": "generativelanguage.googleapis.com/generate_content_paid_tier_requests",
    "quotaId": "GenerateRequestsPerMinutePerProjectPerModel",
    "quotaValue": "150",
}
PER_DAY = {"quotaMetric": "x/generate_requests_per_model_per_day", "quotaId": "GenerateRequestsPerDay-FreeTier"}
OF_TOKENS = {"quotaMetric": "x/free_tier_input_token_count", "quotaId": "InputTokensPerModelPerMinute"}


def test_geminis_exhausted_quotas() -> None:
    """The limit of a minute, nothing left, and the delay as its reset; a quota of a day has no limit to count with."""
    assert view({}, gemini(PER_MINUTE, delay="37.5s"), refused=True) == RateView(
        NOW, ReportedLimit(150, 0, NOW + 37_500)
    )
    assert view({}, gemini({**PER_DAY, "quotaValue": "20"}), refused=True) == RateView(NOW, ReportedLimit(None, 0))
    assert said({}, gemini(PER_MINUTE, delay="40000s"), refused=True).requests.reset_at_ms == NOW + LONGEST_RESET_MS
    both = said({}, [gemini(PER_MINUTE, OF_TOKENS, delay="2s")], refused=True)
    assert (both.requests, both.tokens) == (ReportedLimit(150, 0, NOW + 2000), ReportedLimit(None, 0, NOW + 2000))


def test_details_of_what_is_no_429_are_not_quotas() -> None:
    """An answer in another state is not limited."""
    assert view({}, gemini(PER_MINUTE)) is None


def exchange(status: int | None, body: bytes = b"", **headers: str) -> ProviderExchange:
    seen = ProviderExchange(OPENAI_CHAT, origin_of("https://api.example/v1"), 1000, now_ms=lambda: NOW)
    if status is not None:
        seen.answered(status, {"content-type": "application/json", **OPENAI, **headers})
    seen.body += body
    return seen


def test_an_answer_is_heard_at_the_time_of_its_headers() -> None:
    """Whatever its state; without an answer nothing is said."""
    assert view_of(exchange(None)) is None
    assert view_of(exchange(200)) == view_of(exchange(503)) == view(OPENAI)
    assert view_of(exchange(429, b"<html>")) == view(OPENAI, refused=True)


def test_a_limit_within_a_good_answer_is_a_429() -> None:
    """Some say it in the body of a 200."""
    body = b'{"error": {"code": "rate_limit_exceeded", "message": "slow down"}}'
    assert view_of(exchange(200, body)) == view(OPENAI, refused=True)


names = st.sampled_from(sorted({*OPENAI, *ANTHROPIC, "retry-after", "retry-after-ms", "date", "x-ratelimit-reset"}))
words = st.one_of(
    st.text(max_size=30),
    st.text("0123456789smhdunµ.-+:TZe ", max_size=20),
    st.integers(-(10**30), 10**30).map(str),
    st.floats().map(str),
    st.datetimes().map(str),
)
json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | words,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "details", "@type", "violations", "quotaValue", "retryDelay"]), inner
        )
    ),
    max_leaves=12,
)
quota_failures = st.lists(st.dictionaries(st.sampled_from(["quotaValue", "quotaId", "quotaMetric"]), words), max_size=3)
bodies = json | st.builds(lambda violations, delay: gemini(*violations, delay=delay), quota_failures, words)


@given(st.dictionaries(names, words), bodies, st.booleans())
def test_no_garbage_raises_or_gets_through(headers: dict[str, str], body: object, refused: bool) -> None:
    """Whatever is sent: counts a store can count with, and times between now and an hour from now."""
    found = rate_view(headers, body, refused=refused, now_ms=NOW)
    if found is None:
        return
    assert found.until_ms == 0 or NOW < found.until_ms <= NOW + LONGEST_RESET_MS
    for quota in (found.requests, found.tokens):
        assert all(number is None or 0 <= number < 2**53 for number in astuple(quota))
        assert quota.limit is None or quota.limit > 0
        assert quota.limit is None or quota.remaining is None or quota.remaining <= quota.limit
        assert quota.reset_at_ms is None or NOW <= quota.reset_at_ms <= NOW + LONGEST_RESET_MS
