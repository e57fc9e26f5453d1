"""What a provider's answer says of its rate limits. Nothing that it can say raises; what makes no sense is ignored.

* OpenAI and those who speak its wire: `x-ratelimit-limit-requests`, `-remaining-`, `-reset-`, and the same for tokens.
  Resets are Go's durations (`6m0s`, `20ms`), at others seconds or a time. Cerebras and Mistral name the period as well.
* Anthropic: `anthropic-ratelimit-requests-limit`, `-remaining`, `-reset`, and for three kinds of tokens; RFC 3339.
* Gemini: in the body of a 429, google.rpc.QuotaFailure and RetryInfo. DeepSeek says nothing.
* OpenRouter and others: `x-ratelimit-remaining` and `-reset` of requests, of a period that is not told.

Both OpenAI and Anthropic mean by a reset the time at which the limit is whole again, not that of the next request.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from gateway_core.adapters.litellm.exchange import ProviderExchange
from gateway_core.adapters.litellm.refusal import status_within
from gateway_core.adapters.litellm.retry_after import retry_after_s
from gateway_core.adapters.litellm.wire import error_details, error_of, items, mapping
from gateway_core.domain.chat import Json
from gateway_core.domain.rates import UNREPORTED, RateView, ReportedLimit

LONGEST_RESET_MS = 3_600_000
"""No deployment is left alone for longer than an hour because of a reset; a daily limit is asked again until then."""
_TOO_MANY_REQUESTS = 429
_FIRST_ERROR_STATUS = 400
_MOST = 2**53 - 1
_LONGEST_TEXT = 64
_REQUESTS = ("requests", "requests-minute", "requests-day", "req-minute")
_TOKENS = ("tokens", "tokens-minute", "tokens-day")
_ANTHROPIC_TOKENS = ("tokens", "input-tokens", "output-tokens")
_COUNT = re.compile(r"[0-9]{1,16}(?:\.0+)?")
_NUMBER = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]*)?")
_DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?(?:ms|us|µs|ns|d|h|m|s))+")
_PART = re.compile(r"([0-9.]+)([a-zµ]+)")
_UNIT_MS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1, "us": 1e-3, "µs": 1e-3, "ns": 1e-6}
_EPOCH_S, _EPOCH_MS = 10**8, 10**11
"""Larger numbers than these are no durations but times, in seconds and in milliseconds."""


def view_of(seen: ProviderExchange) -> RateView | None:
    """What the answer of an attempt says, its body included; None if there was none, or nothing is said."""
    if seen.status is None:
        return None
    error = error_of(seen.json)
    is_refusal = seen.status >= _FIRST_ERROR_STATUS
    status = status_within(error) if error and not is_refusal else seen.status
    return rate_view(seen.headers, seen.json, refused=status == _TOO_MANY_REQUESTS, now_ms=seen.answered_ms)


def rate_view(headers: Mapping[str, str], body: object = None, *, refused: bool, now_ms: int) -> RateView | None:
    """The view of an answer that came at `now_ms` (epoch milliseconds); None if it says nothing.

    Args:
        headers: Response headers, names in lower case.
        body: The decoded body, for the details of an error.
        refused: Whether it is a 429. One without Retry-After means the reset, even where something remains.
        now_ms: Times are counted from it, by the provider's own clock where its `Date` shows that.
    """
    delay = error.retry_delay if (error := error_of(body)) else ""
    wait_s = retry_after_s(headers, delay, now_ms=now_ms)
    requests, tokens = list(_of_requests(headers, now_ms)), list(_of_tokens(headers, now_ms))
    if refused:
        reset_at_ms = now_ms + min(round(wait_s * 1000), LONGEST_RESET_MS) if wait_s else None
        exhausted = list(_violations(body, reset_at_ms))
        requests += [quota for is_tokens, quota in exhausted if not is_tokens]
        tokens += [quota for is_tokens, quota in exhausted if is_tokens]
    told = [quota for quota in requests + tokens if quota != UNREPORTED]
    if not told:
        return None
    until_ms = 0 if refused and wait_s else _until_ms(told, refused=refused, now_ms=now_ms)
    return RateView(now_ms, _scarcest(requests), _scarcest(tokens), until_ms)


def _until_ms(told: list[ReportedLimit], *, refused: bool, now_ms: int) -> int:
    """When nothing is left of a limit: its reset. A refusal that shows no such limit: the last of all resets."""
    empty = [quota for quota in told if quota.remaining == 0]
    resets = [quota.reset_at_ms or 0 for quota in (empty or (told if refused else []))]
    latest = max(resets, default=0)
    return latest if latest > now_ms else 0


def _scarcest(quotas: list[ReportedLimit]) -> ReportedLimit:
    return min((quota for quota in quotas if quota != UNREPORTED), key=_share, default=UNREPORTED)


def _share(quota: ReportedLimit) -> float:
    """How much of it is left, from 0 to 1; of what is not told, all."""
    if quota.remaining is None or (quota.limit is None and quota.remaining > 0):
        return 1.0
    return quota.remaining / (quota.limit or 1)


def _of_requests(headers: Mapping[str, str], now_ms: int) -> Iterator[ReportedLimit]:
    for kind in _REQUESTS:
        yield _quota(headers, f"x-ratelimit-{{}}-{kind}", now_ms)
    yield _quota(headers, "anthropic-ratelimit-requests-{}", now_ms)
    nameless = _quota(headers, "x-ratelimit-{}", now_ms)
    yield ReportedLimit(None, nameless.remaining, nameless.reset_at_ms)  # so many in how long a time, it does not say


def _of_tokens(headers: Mapping[str, str], now_ms: int) -> Iterator[ReportedLimit]:
    for kind in _TOKENS:
        yield _quota(headers, f"x-ratelimit-{{}}-{kind}", now_ms)
    for kind in _ANTHROPIC_TOKENS:
        yield _quota(headers, f"anthropic-ratelimit-{kind}-{{}}", now_ms)


def _quota(headers: Mapping[str, str], name: str, now_ms: int) -> ReportedLimit:
    limit = _count(headers.get(name.format("limit"), ""))
    if limit == 0:
        return UNREPORTED  # how some say that they do not limit this at all
    remaining = _count(headers.get(name.format("remaining"), ""))
    if limit is not None and remaining is not None:
        remaining = min(remaining, limit)
    wait_ms = _wait_ms(headers.get(name.format("reset"), ""), headers.get("date", ""), now_ms)
    return ReportedLimit(limit, remaining, None if wait_ms is None else now_ms + wait_ms)


def _violations(body: object, reset_at_ms: int | None) -> Iterator[tuple[bool, ReportedLimit]]:
    """Each exhausted quota of a google.rpc.QuotaFailure, and whether it counts tokens."""
    for detail in error_details(body):
        if str(detail.get("@type", "")).endswith("google.rpc.QuotaFailure"):
            for violation in map(mapping, items(detail.get("violations"))):
                yield _violation(violation, reset_at_ms)


def _violation(violation: Json, reset_at_ms: int | None) -> tuple[bool, ReportedLimit]:
    name = f"{violation.get('quotaMetric')} {violation.get('quotaId')}".lower()
    limit = _count(str(violation.get("quotaValue", ""))) if "perminute" in name else None
    return "token" in name, ReportedLimit(limit or None, 0, reset_at_ms)


def _count(text: str) -> int | None:
    """A whole number that a store can count with, else None."""
    number = int(text.strip().partition(".")[0]) if _COUNT.fullmatch(text.strip()) else None
    return None if number is None or number > _MOST else number


def _wait_ms(text: str, date: str, now_ms: int) -> int | None:
    """Milliseconds until a reset, from 0 (past) to LONGEST_RESET_MS; None if it is none."""
    text = text.strip()
    if not text or len(text) > _LONGEST_TEXT:
        return None
    wait_ms = _duration_ms(text)
    if wait_ms is None and (at_ms := _time_ms(text)) is not None:
        told_at_ms = _date_ms(date)
        wait_ms = at_ms - (now_ms if told_at_ms is None else told_at_ms)
    return None if wait_ms is None else math.ceil(min(max(wait_ms, 0), LONGEST_RESET_MS))


def _duration_ms(text: str) -> float | None:
    if _NUMBER.fullmatch(text):
        return float(text) * 1000 if float(text) < _EPOCH_S else None
    if not _DURATION.fullmatch(text):
        return None
    return sum(float(number) * _UNIT_MS[unit] for number, unit in _PART.findall(text))


def _time_ms(text: str) -> float | None:
    """A time as RFC 3339, or as seconds or milliseconds of the epoch."""
    if _NUMBER.fullmatch(text):
        return float(text) * (1 if float(text) >= _EPOCH_MS else 1000)
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000
    except (ValueError, OverflowError):
        return None


def _date_ms(text: str) -> float | None:
    try:
        at = parsedate_to_datetime(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000
    except (ValueError, OverflowError):
        return None
