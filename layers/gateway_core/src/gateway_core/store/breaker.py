"""The circuit breaker of one deployment as pure functions; the scripts of the Upstash adapter do the same in Lua.

closed --(failures in a row)--> open --(cool-down over)--> half-open --(its one probe: ok)--> closed
                                  ^--------------------------(its one probe: failed)--'

Every change of state raises the generation, and an answer counts only for the generation it was admitted under: what
was sent before a trip says nothing about the time after it. The exception is a rate limit with a known end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway_core.domain.chat import BreakerEffect
from gateway_core.store.changes import BreakerChange, BreakerReason, BreakerState
from gateway_core.store.messages import BreakerPolicy
from gateway_core.store.rate_limit import LONGEST_WAIT_MS, SKEW_MS

MOST_DOUBLINGS = 32
MOST_AHEAD_MS = 86_400_000 + LONGEST_WAIT_MS + SKEW_MS
"""No cool-down, no lease and no provider's word is longer than a day; a probe may have to wait for its turn."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """`failures` in a row since `since_ms`; open until, or leased to its probe until, `until_ms`; `trips` in a row.

    While it is not closed, `since_ms` is when `until_ms` was set.
    """

    state: BreakerState = "closed"
    failures: int = 0
    since_ms: int = 0
    until_ms: int = 0
    generation: int = 0
    trips: int = 0


@dataclass(frozen=True, slots=True)
class Effect:
    """What one attempt says, and what it was admitted under. `retry_after_ms` goes with `limit`; 0 = not named."""

    kind: BreakerEffect
    generation: int
    probe: bool
    retry_after_ms: int = 0


def closed_for_ms(breaker: Breaker, now_ms: int) -> int:
    """Milliseconds until a request may pass; 0 = now."""
    return 0 if breaker.state == "closed" else max(0, breaker.until_ms - now_ms)


def believed(breaker: Breaker, now_ms: int) -> Breaker:
    """The breaker, with what only a wrong clock can have written put right: its time counts from now."""
    ahead_ms = breaker.since_ms - now_ms
    if ahead_ms > SKEW_MS:
        return replace(breaker, since_ms=now_ms, until_ms=max(0, breaker.until_ms - ahead_ms))
    return replace(breaker, until_ms=min(breaker.until_ms, now_ms + MOST_AHEAD_MS))


def admit(breaker: Breaker, now_ms: int, policy: BreakerPolicy, wait_ms: int = 0) -> Breaker:
    """The breaker once a request was let through that starts after `wait_ms`: half-open if that is the probe."""
    if breaker.state == "closed":
        return breaker
    leased = replace(breaker, state="half_open", generation=breaker.generation + 1)
    return replace(leased, since_ms=now_ms, until_ms=now_ms + wait_ms + policy.lease_ms)


def settle(breaker: Breaker, effect: Effect, now_ms: int, policy: BreakerPolicy) -> Breaker:
    """The breaker after an attempt ended."""
    if effect.kind == "limit" and effect.retry_after_ms > 0:
        return _limit(breaker, now_ms, now_ms + effect.retry_after_ms)
    if effect.generation != breaker.generation:
        return breaker
    if breaker.state == "half_open" and effect.probe:
        return _end_probe(breaker, effect.kind, now_ms, policy)
    if breaker.state == "closed" and effect.kind != "skip":
        return _count(breaker, effect.kind, now_ms, policy)
    return breaker


def changes(provider: str, deployment_id: str, before: Breaker, after: Breaker) -> tuple[BreakerChange, ...]:
    """What is to be told of a step: a change of state, or another probe."""
    if before.generation == after.generation:
        return ()
    opened: BreakerReason = "failures" if after.trips > before.trips else "rate_limit"
    reason: BreakerReason = opened if after.state == "open" else ""
    return (BreakerChange(provider, deployment_id, after.state, after.generation, after.until_ms, reason),)


def _limit(breaker: Breaker, now_ms: int, until_ms: int) -> Breaker:
    if breaker.state == "open":
        return breaker if until_ms <= breaker.until_ms else replace(breaker, since_ms=now_ms, until_ms=until_ms)
    return replace(breaker, state="open", since_ms=now_ms, until_ms=until_ms, generation=breaker.generation + 1)


def _end_probe(breaker: Breaker, kind: BreakerEffect, now_ms: int, policy: BreakerPolicy) -> Breaker:
    if kind == "ok":
        return Breaker(generation=breaker.generation + 1)
    if kind == "skip":  # the probe proved nothing: whoever comes next may probe
        return replace(breaker, until_ms=0)
    return _trip(replace(breaker, failures=breaker.failures + 1), now_ms, policy)


def _count(breaker: Breaker, kind: BreakerEffect, now_ms: int, policy: BreakerPolicy) -> Breaker:
    if kind == "ok":
        return replace(breaker, failures=0, since_ms=0) if breaker.failures else breaker
    aged = breaker.failures == 0 or now_ms - breaker.since_ms > policy.window_ms
    counted = replace(breaker, failures=1, since_ms=now_ms) if aged else replace(breaker, failures=breaker.failures + 1)
    return _trip(counted, now_ms, policy) if counted.failures >= policy.failures else counted


def _trip(breaker: Breaker, now_ms: int, policy: BreakerPolicy) -> Breaker:
    trips = breaker.trips + 1
    cooldown = min(policy.cooldown_ms << min(trips - 1, MOST_DOUBLINGS), policy.max_cooldown_ms)
    opened = replace(breaker, state="open", generation=breaker.generation + 1, trips=trips)
    return replace(opened, since_ms=now_ms, until_ms=now_ms + cooldown)
