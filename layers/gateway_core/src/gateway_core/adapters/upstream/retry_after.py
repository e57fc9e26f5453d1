"""When a provider wants to be asked again (RFC 9110 10.2.3, `retry-after-ms`, google.rpc.RetryInfo)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

LONGEST_S = 86_400.0
"""No deployment is left alone for longer than a day on a provider's word."""


def retry_after_s(headers: Mapping[str, str], retry_delay: str = "", *, now_ms: int) -> float | None:
    """Seconds from `now_ms` (epoch milliseconds) until the provider may be asked again; None if it did not say.

    Args:
        headers: Response headers, names in lower case.
        retry_delay: Gemini's `retryDelay`, such as `37.5s`; the headers win.
        now_ms: The time that a date is compared with.
    """
    exact = _number(headers.get("retry-after-ms", ""))
    stated = exact / 1000 if exact is not None else _header(headers.get("retry-after", ""), now_ms)
    seconds = stated if stated is not None else _number(retry_delay.removesuffix("s"))
    return None if seconds is None else min(max(seconds, 0.0), LONGEST_S)


def _header(value: str, now_ms: int) -> float | None:
    seconds = _number(value)
    return seconds if seconds is not None else _until(value, now_ms)


def _until(value: str, now_ms: int) -> float | None:
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now_ms / 1000


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
