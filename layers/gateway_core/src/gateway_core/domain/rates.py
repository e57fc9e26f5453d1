"""Rate limits as a provider reports them in its answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReportedLimit:
    """What is left of one limit: `remaining` of `limit` units, and all of them again at `reset_at_ms`.

    None = not reported. A limit counts per minute, which is never stricter than a provider that means a longer time.
    """

    limit: int | None = None
    remaining: int | None = None
    reset_at_ms: int | None = None


UNREPORTED = ReportedLimit()


@dataclass(frozen=True, slots=True)
class RateView:
    """What one answer of a provider, received at `seen_ms`, says of its limits.

    Nobody will be served before `until_ms`; 0 = not reported.
    """

    seen_ms: int
    requests: ReportedLimit = UNREPORTED
    tokens: ReportedLimit = UNREPORTED
    until_ms: int = 0
