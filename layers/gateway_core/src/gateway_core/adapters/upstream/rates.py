"""What a provider's answer says of its rate limits. Nothing that it can say raises; what makes no sense is ignored.

Which headers, and what in the body of a 429, the wires know; all are looked for in every answer, as proxies hand on
those of whatever stands behind them. Resets are Go's durations at OpenAI (`6m0s`, `20ms`), RFC 3339 at Anthropic, at
others seconds or a time. Both mean by a reset the time at which the limit is whole again, not that of the next request.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from gateway_core.adapters.upstream.exchange import ProviderExchange
from gateway_core.adapters.upstream.retry_after import retry_after_s
from gateway_core.domain.rates import UNREPORTED, RateView, ReportedLimit
from gateway_core.wires.errors import error_of
from gateway_core.wires.reasons import status_within
from gateway_core.wires.table import LIMIT_HEADERS, WIRES
from gateway_core.wires.wire import ExhaustedLimit

LONGEST_RESET_MS = 3_600_000
"""No deployment is left alone for longer than an hour because of a reset; a daily limit is asked again until then."""
_TOO_MANY_REQUESTS = 429
_FIRST_ERROR_STATUS = 400
_MOST = 2**53 - 1
_LONGEST_TEXT = 64
_COUNT = re.compile(r"([0-9]{1,16})(?:\.0+)?")
_NUMBER = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]*)?")
_DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?(?:ms|us|µs|ns|d|h|m|s))+")
_PART = re.compile(r"([0-9.]+)([a-zµ]+)")
_UNIT_MS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1, "us": 1e-3, "µs": 1e-3, "ns": 1e-6}
_EPOCH_S, _EPOCH_MS = 10**8, 10**11
"""Larger numbers than these are no durations but times, in seconds and in milliseconds."""
type _Names = tuple[str, str, str]
"""Of the headers with a limit, what remains of it, and its reset."""


def _named(templates: Iterable[str]) -> tuple[_Names, ...]:
    return tuple((name.format("limit"), name.format("remaining"), name.format("reset")) for name in templates)


_REQUESTS = _named(name for known in LIMIT_HEADERS for name in known.requests)
_TOKENS = _named(name for known in LIMIT_HEADERS for name in known.tokens)
_NO_PERIOD = _named(name for known in LIMIT_HEADERS for name in known.no_period)


def view_of(seen: ProviderExchange) -> RateView | None:
    """What the answer of an attempt says, its body included; None if there was none, or nothing is said."""
    if seen.status is None:
        return None
    error = seen.wire.error_of(seen.json)
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
    requests, tokens = _of_requests(headers, now_ms), _quotas(headers, _TOKENS, now_ms)
    if refused:
        reset_at_ms = now_ms + min(round(wait_s * 1000), LONGEST_RESET_MS) if wait_s else None
        for limit in (limit for wire in WIRES.values() for limit in wire.exhausted_of(body)):
            (tokens if limit.is_tokens else requests).append(_used_up(limit, reset_at_ms))
    if not (told := requests + tokens):
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
    return min(quotas, key=_share, default=UNREPORTED)


def _share(quota: ReportedLimit) -> float:
    """How much of it is left, from 0 to 1; of what is not told, all."""
    if quota.remaining is None or (quota.limit is None and quota.remaining > 0):
        return 1.0
    return quota.remaining / (quota.limit or 1)


def _of_requests(headers: Mapping[str, str], now_ms: int) -> list[ReportedLimit]:
    without = (replace(quota, limit=None) for quota in _quotas(headers, _NO_PERIOD, now_ms))
    return [*_quotas(headers, _REQUESTS, now_ms), *(quota for quota in without if quota != UNREPORTED)]


def _quotas(headers: Mapping[str, str], known: tuple[_Names, ...], now_ms: int) -> list[ReportedLimit]:
    """Those that say something."""
    told = [names for names in known if names[0] in headers or names[1] in headers or names[2] in headers]
    return [quota for names in told if (quota := _quota(headers, names, now_ms)) != UNREPORTED]


def _quota(headers: Mapping[str, str], names: _Names, now_ms: int) -> ReportedLimit:
    told_limit, told_remaining, told_reset = (headers.get(name, "") for name in names)
    limit = _count(told_limit)
    if limit == 0:
        return UNREPORTED  # how some say that they do not limit this at all
    remaining = _count(told_remaining)
    if limit is not None and remaining is not None:
        remaining = min(remaining, limit)
    wait_ms = _wait_ms(told_reset, headers.get("date", ""), now_ms)
    return ReportedLimit(limit, remaining, None if wait_ms is None else now_ms + wait_ms)


def _used_up(limit: ExhaustedLimit, reset_at_ms: int | None) -> ReportedLimit:
    return ReportedLimit(_count(limit.per_minute) or None, 0, reset_at_ms)


def _count(text: str) -> int | None:
    """A whole number that a store can count with, else None."""
    found = _COUNT.fullmatch(text.strip())
    number = int(found[1]) if found else None
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
