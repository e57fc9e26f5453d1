"""The attempts of a request, as its usage record keeps them. Pure.

One that answered at once needs no text: the record says all of it already.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict
from urllib.parse import quote, unquote

from gateway_core.domain.result import Attempt
from gateway_core.store.records import UsageRecord

MOST_KEPT = 12
"""More candidates than any group is likely to have: a record stays small."""
_FIELDS = 5


class Tried(TypedDict):
    """An attempt, or a candidate that was passed over, as `/v1/complete` tells it."""

    model: str
    provider: str
    outcome: str
    error_code: str | None
    latency_ms: int | None
    """None for one of several that an earlier release made, which kept no more than their number."""


def packed(attempts: Sequence[Attempt]) -> str:
    """`model,provider,outcome,error_code,latency_ms` for each, percent-encoded, with spaces between."""
    if len(attempts) == 1 and attempts[0].outcome != "skipped":
        return ""
    return " ".join(
        ",".join(
            quote(str(part), safe="/:@") for part in (a.model, a.provider, a.outcome, a.error_code or "", a.latency_ms)
        )
        for a in attempts[:MOST_KEPT]
    )


def trail_of(record: UsageRecord) -> list[Tried]:
    """What was tried, in order. Earlier releases kept the number of attempts alone: then only the last one is known."""
    found = [tried for text in record.tried.split(" ") if (tried := _read(text))]
    if found or not record.attempts:
        return found
    outcome = "failed" if record.error_code else "ok"
    latency_ms = record.latency_ms if record.attempts == 1 else None
    return [
        Tried(
            model=record.model,
            provider=record.provider,
            outcome=outcome,
            error_code=record.error_code or None,
            latency_ms=latency_ms,
        )
    ]


def _read(text: str) -> Tried | None:
    """None for what a newer release may have written differently."""
    parts = [unquote(part) for part in text.split(",")]
    if len(parts) != _FIELDS or not parts[4].isdecimal():
        return None
    model, provider, outcome, code, latency = parts
    return Tried(model=model, provider=provider, outcome=outcome, error_code=code or None, latency_ms=int(latency))
