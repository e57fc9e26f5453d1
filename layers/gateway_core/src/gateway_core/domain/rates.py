"""What a provider says of its rate limits."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quota:
    """What is left of one limit in a provider's words: `remaining` of `limit` units, all of them at `reset_at_ms`.

    None = not said. A limit counts per minute, which is never stricter than a provider that means a longer time.
    """

    limit: int | None = None
    remaining: int | None = None
    reset_at_ms: int | None = None


UNTOLD = Quota()


@dataclass(frozen=True, slots=True)
class RateView:
    """What one answer of a provider, received at `seen_ms`, says of its limits.

    Nobody will be served before `until_ms`; 0 = it does not say so.
    """

    seen_ms: int
    requests: Quota = UNTOLD
    tokens: Quota = UNTOLD
    until_ms: int = 0
