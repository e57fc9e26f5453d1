"""Which candidate is admitted: all checks of those up to the first that can start at once, then the booking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway_core.adapters.memory.state import Bucket, State
from gateway_core.domain.caller import Limits
from gateway_core.store import breaker, budget
from gateway_core.store import rate_limit as ratelimit
from gateway_core.store.breaker import Breaker
from gateway_core.store.budget import Account, Amount, ScopeAccounts
from gateway_core.store.changes import BreakerChange, Change
from gateway_core.store.messages import PROBE, Admitted, Candidate, Refusal, Refused, Shortage, Terms, Ticket
from gateway_core.store.rate_limit import FULL, NO_SEQUENCE, AdmissionSequence, Arrival, Placement, ProviderLimits, Slot


@dataclass(frozen=True, slots=True)
class Booking:
    """A slot that one bucket would give, and its `arrival` then; `scope` names the limit.

    A provider's own limits are booked as a whole.
    """

    bucket: Bucket | None
    scope: str
    slot: Slot
    arrival: Arrival = FULL


@dataclass(frozen=True, slots=True)
class Assessment:
    """How the candidate at `index` fares: `refusal`, or how long it must wait with what it books.

    `provider_limits` are those of its deployment with it counted in, None while nothing was reported.
    """

    index: int
    bookings: tuple[Booking, ...]
    provider_limits: ProviderLimits | None
    refusal: Refusal | None = None

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
class Assessor:
    """Judges the candidates of one request at one moment. `limits` are the key's."""

    state: State
    ticket: Ticket
    limits: Limits
    terms: Terms

    @property
    def now_ms(self) -> int:
        return self.terms.now_ms

    @property
    def limited(self) -> bool:
        """Whether any limit is set that the request counts against."""
        return any(limits != Limits() for limits in self.scope_limits)

    @property
    def scope_limits(self) -> tuple[Limits, ...]:
        """The limits of the ticket's scopes, in order."""
        return tuple(self._limits(scope) for scope in self.scopes)

    @property
    def counts_user(self) -> bool:
        """Whether the request counts against its user, too."""
        user = self.state.budgets.get((self.ticket.project_id, self.ticket.user_id), Limits())
        has_budget = self.ticket.user_id != "" and user != Limits()
        return has_budget or self.state.has_user_account(self.ticket)

    @property
    def scopes(self) -> tuple[str, ...]:
        """Whose budgets the request counts against."""
        return tuple(scope for scope in self.ticket.scopes if self.counts_user or not scope.startswith("u:"))

    def assessments(self, candidates: Sequence[Candidate]) -> list[Assessment]:
        """Those of the candidates up to the first that can start at once: nobody asks how the others fare."""
        judged: list[Assessment] = []
        for index, candidate in enumerate(candidates):
            judged.append(self._assess(index, candidate))
            if not judged[-1].refusal and not judged[-1].wait_ms:
                break
        return judged

    def _assess(self, index: int, candidate: Candidate) -> Assessment:
        deployment = (candidate.provider, candidate.deployment_id)
        watched, reported = self.state.breaker(deployment, self.now_ms), self.state.reported(deployment, self.now_ms)
        placement = ratelimit.place(reported, candidate.likely_tokens, self.now_ms) if reported else None
        bookings = (*self._bookings(candidate), *(_provider_bookings(placement) if placement else ()))
        assessment = Assessment(index, bookings, placement.limits if placement else None)
        return replace(assessment, refusal=self._refusal(assessment, candidate, watched))

    def _refusal(self, assessment: Assessment, candidate: Candidate, watched: Breaker) -> Refusal | None:
        """The first reason in REFUSAL_ORDER."""
        if over := self._over_budget(candidate):
            scope, shortage = over
            return Refusal(assessment.index, "budget", scope, shortage=shortage)
        closed_ms, is_probed = breaker.closed_for_ms(watched, self.now_ms), watched.state == "half_open"
        if assessment.wait_ms > self.terms.max_wait_ms:
            late = assessment.passed_over()
            # Most probes end long before their lease does: it does not put the limit's moment off.
            return late if is_probed else replace(late, retry_after_ms=max(late.retry_after_ms, closed_ms))
        if not closed_ms:
            return None
        scope = PROBE if is_probed else ""
        return Refusal(assessment.index, "breaker_open", scope, max(closed_ms, assessment.wait_ms))

    def _over_budget(self, candidate: Candidate) -> tuple[str, Shortage] | None:
        return budget.shortage(self._accounts, Amount(candidate.hold_nano, candidate.hold_tokens))

    @property
    def _accounts(self) -> list[ScopeAccounts]:
        ticket, found = self.ticket, []
        for scope in self.scopes:
            accounts = self.state.home(ticket, scope).accounts
            day, month = (accounts.get((scope, period), Account()) for period in (ticket.day, ticket.month))
            found.append(ScopeAccounts(scope, self._limits(scope), day, month))
        return found

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
        return [self._booking(bucket, scope, units, limit) for bucket, scope, units, limit in wanted if limit]

    def _booking(self, bucket: Bucket, scope: str, units: int, limit: int) -> Booking:
        arrival = self.state.arrival(bucket, self.now_ms)
        slot = ratelimit.reserve(arrival.tat_us, units, limit, self.now_ms)
        return Booking(bucket, scope, slot, ratelimit.booked(arrival, slot, self.now_ms))


def _provider_bookings(placement: Placement) -> list[Booking]:
    """Waits for the limits that a provider reported, which are booked as a whole."""
    waits = {
        "deployment:reset": placement.reset_wait_ms,
        "deployment:rpm": placement.requests_wait_ms,
        "deployment:tpm": placement.tokens_wait_ms,
    }
    return [Booking(None, scope, Slot(0, wait_ms)) for scope, wait_ms in waits.items()]


@dataclass(frozen=True, slots=True)
class Placed:
    """A candidate that was let through the breaker and whose places are booked; nothing is held for it yet."""

    answer: Admitted
    candidate: Candidate
    sequence: AdmissionSequence


def admit(
    assessor: Assessor, candidates: Sequence[Candidate], attempt: int, changes: tuple[Change, ...] = ()
) -> Placed | Refused:
    """Choose and book one candidate. `changes` of the same step go along with the answer."""
    assessments = assessor.assessments(candidates)
    chosen = choose(assessments)
    if chosen is None:
        return Refused(tuple(assessment.passed_over() for assessment in assessments), changes)
    candidate = candidates[chosen.index]
    watched, probing = _pass_breaker(assessor.state, candidate, assessor.terms, chosen.wait_ms)
    answer = Admitted(
        index=chosen.index,
        attempt=attempt,
        generation=watched.generation,
        probe=watched.state == "half_open",
        wait_ms=chosen.wait_ms,
        passed_over=passed_over(assessments, chosen),
        limited=assessor.limited,
        changes=(*changes, *probing),
    )
    return Placed(answer, candidate, book(assessor.state, candidate, chosen))


def _pass_breaker(
    state: State, candidate: Candidate, terms: Terms, wait_ms: int
) -> tuple[Breaker, tuple[BreakerChange, ...]]:
    deployment = (candidate.provider, candidate.deployment_id)
    before = state.breakers[deployment]
    after = state.breakers[deployment] = breaker.admit(before, terms.now_ms, terms.policy, wait_ms)
    return after, breaker.changes(*deployment, before, after)


def choose(assessments: Sequence[Assessment]) -> Assessment | None:
    """The first candidate that can start at once, else the one with the shortest wait."""
    possible = [assessment for assessment in assessments if not assessment.refusal]
    return min(possible, key=lambda assessment: assessment.wait_ms, default=None)


def book(state: State, candidate: Candidate, chosen: Assessment) -> AdmissionSequence:
    """Take the places that the chosen one was promised; the sequence of its admission."""
    state.arrivals.update({booking.bucket: booking.arrival for booking in chosen.bookings if booking.bucket})
    if chosen.provider_limits is None:
        return NO_SEQUENCE
    state.provider_limits[candidate.provider, candidate.deployment_id] = chosen.provider_limits
    return AdmissionSequence(chosen.provider_limits.requests.count, chosen.provider_limits.tokens.count)


def passed_over(assessments: Sequence[Assessment], chosen: Assessment) -> tuple[Refusal, ...]:
    """What stood before the chosen one, or around it if it has to wait."""
    others = [v for v in assessments if v is not chosen and (chosen.wait_ms or v.index < chosen.index)]
    return tuple(assessment.passed_over() for assessment in others)
