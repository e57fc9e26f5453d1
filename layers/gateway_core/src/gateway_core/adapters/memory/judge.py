"""Which candidate is admitted: every check of every candidate, before anything is booked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway_core import breaker, budget, ratelimit
from gateway_core.adapters.memory.state import Bucket, State
from gateway_core.admission import Candidate, Refusal, Ticket
from gateway_core.budget import Amount
from gateway_core.domain import Limits
from gateway_core.ratelimit import Slot


@dataclass(frozen=True, slots=True)
class Booking:
    """A slot that one bucket would give; `scope` names the limit."""

    bucket: Bucket
    scope: str
    slot: Slot


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the candidate at `index` fares: `refusal`, or how long it must wait with what it books."""

    index: int
    bookings: tuple[Booking, ...]
    refusal: Refusal | None

    @property
    def slowest(self) -> Booking | None:
        return max(self.bookings, key=lambda booking: booking.slot.wait_ms, default=None)

    @property
    def wait_ms(self) -> int:
        return self.slowest.slot.wait_ms if self.slowest else 0

    def passed_over(self) -> Refusal:
        """Why another candidate was taken."""
        if self.refusal:
            return self.refusal
        scope = self.slowest.scope if self.slowest else ""
        return Refusal(self.index, "rate", scope, self.wait_ms)


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges the candidates of one request at one moment. `limits` are the key's."""

    state: State
    ticket: Ticket
    limits: Limits
    now_ms: int
    max_wait_ms: int

    @property
    def limited(self) -> bool:
        """Whether any limit is set that the request counts against."""
        return any(limits != Limits() for limits in self.scope_limits)

    @property
    def scope_limits(self) -> tuple[Limits, ...]:
        """The limits of the ticket's scopes, in order."""
        return tuple(self._limits(scope) for scope in self.ticket.scopes)

    def verdicts(self, candidates: Sequence[Candidate]) -> list[Verdict]:
        return [self._verdict(index, candidate) for index, candidate in enumerate(candidates)]

    def _verdict(self, index: int, candidate: Candidate) -> Verdict:
        bookings = tuple(self._bookings(candidate))
        verdict = Verdict(index, bookings, None)
        return Verdict(index, bookings, self._refusal(verdict, candidate))

    def _refusal(self, verdict: Verdict, candidate: Candidate) -> Refusal | None:
        """The first reason in REFUSAL_ORDER."""
        if scope := self._over_budget(candidate):
            return Refusal(verdict.index, "budget", scope)
        if verdict.wait_ms > self.max_wait_ms:
            return verdict.passed_over()
        watched = self.state.breakers[candidate.provider, candidate.deployment_id]
        if wait := breaker.closed_for_ms(watched, self.now_ms):
            return Refusal(verdict.index, "open", "", wait)
        return None

    def _over_budget(self, candidate: Candidate) -> str | None:
        amount = Amount(candidate.hold_nano, candidate.hold_tokens)
        for scope in self.ticket.scopes:
            accounts = self.state.home(self.ticket, scope).accounts
            day, month = accounts[scope, self.ticket.day], accounts[scope, self.ticket.month]
            if name := budget.exceeded(self._limits(scope), day, month, amount):
                return f"{scope}:{name}"
        return None

    def _limits(self, scope: str) -> Limits:
        if scope.startswith("k:"):
            return self.limits
        user = scope.removeprefix("u:") if scope.startswith("u:") else ""
        return self.state.budgets.get((self.ticket.project_id, user), Limits())

    def _bookings(self, candidate: Candidate) -> list[Booking]:
        key, provider = self.ticket.key_id, candidate.provider
        wanted: list[tuple[Bucket, str, int, int]] = [
            (("provider", provider, "rpm"), "provider:rpm", 1, candidate.rpm),
            (("provider", provider, "tpm"), "provider:tpm", candidate.hold_tokens, candidate.tpm),
            (("key", key, "rpm"), f"k:{key}:rpm", 1, self.limits.rpm or 0),
            (("key", key, "tpm"), f"k:{key}:tpm", candidate.hold_tokens, self.limits.tpm or 0),
        ]
        return [
            Booking(bucket, scope, ratelimit.reserve(self.state.arrivals.get(bucket, 0), units, limit, self.now_ms))
            for bucket, scope, units, limit in wanted
            if limit
        ]


def choose(verdicts: Sequence[Verdict]) -> Verdict | None:
    """The first candidate that can start at once, else the one with the shortest wait."""
    possible = [verdict for verdict in verdicts if not verdict.refusal]
    return min(possible, key=lambda verdict: verdict.wait_ms, default=None)


def passed_over(verdicts: Sequence[Verdict], chosen: Verdict) -> tuple[Refusal, ...]:
    """What stood before the chosen one, or around it if it has to wait."""
    others = [v for v in verdicts if v is not chosen and (chosen.wait_ms or v.index < chosen.index)]
    return tuple(verdict.passed_over() for verdict in others)
