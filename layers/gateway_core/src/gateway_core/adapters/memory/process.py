"""Breaker, latency and rate limits of one process, for requests that go on while the store is away. No money here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from gateway_core.adapters.memory.assessor import Assessment, Assessor, book, choose, passed_over
from gateway_core.adapters.memory.attempts import settle_health
from gateway_core.adapters.memory.state import Bucket, DeploymentKey, Latency, State, StoredHold, Timed
from gateway_core.domain.caller import Limits
from gateway_core.store import breaker
from gateway_core.store.breaker import Breaker
from gateway_core.store.budget import Amount, Hold
from gateway_core.store.changes import BreakerChange
from gateway_core.store.messages import DEGRADED, Admitted, BreakerPolicy, Candidate, Refused, Settlement, Ticket
from gateway_core.store.rate_limit import ProviderLimits


class ProcessHealth:
    """Admits attempts of callers without limits by what this process alone has seen. Grows with the catalog only."""

    def __init__(self) -> None:
        self._breakers: defaultdict[DeploymentKey, Breaker] = defaultdict(Breaker)
        self._latencies: dict[Timed, Latency] = {}
        self._provider_limits: dict[DeploymentKey, ProviderLimits] = {}
        self._arrivals: dict[Bucket, int] = {}
        self._under_way: dict[str, StoredHold] = {}

    def admit(
        self,
        ticket: Ticket,
        attempt: int,
        candidates: Sequence[Candidate],
        *,
        now_ms: int,
        max_wait_ms: int,
        policy: BreakerPolicy,
    ) -> Admitted | Refused:
        """As the port's `admit`, without budgets; what is admitted has generation -1."""
        assessments = Assessor(self._state(), ticket, Limits(), now_ms, max_wait_ms).assessments(candidates)
        chosen = choose(assessments)
        if chosen is None:
            return Refused(tuple(assessment.passed_over() for assessment in assessments))
        candidate = candidates[chosen.index]
        watched, changes = self._pass(candidate, chosen, now_ms, policy)
        sequence = book(self._state(), candidate, chosen)
        answer = Admitted(
            index=chosen.index,
            attempt=attempt,
            generation=watched.generation,
            probe=watched.state == "half_open",
            wait_ms=chosen.wait_ms,
            passed_over=passed_over(assessments, chosen),
            changes=changes,
        )
        hold = Hold(Amount(candidate.hold_nano, candidate.hold_tokens))
        self._under_way[ticket.request_id] = StoredHold(hold, "", "", ticket.day, now_ms, 0, answer, sequence=sequence)
        return replace(answer, generation=DEGRADED)

    def settle(
        self, ticket: Ticket, settlement: Settlement, *, now_ms: int, policy: BreakerPolicy
    ) -> tuple[BreakerChange, ...]:
        """Learn how an attempt ended that was admitted here; others are ignored."""
        held = self._under_way.get(ticket.request_id)
        if held is None or held.answer.attempt != settlement.attempt:
            return ()
        del self._under_way[ticket.request_id]
        ended = replace(settlement, generation=held.answer.generation, probe=held.answer.probe)
        return settle_health(self._state(), ended, held, now_ms, policy)

    def _pass(
        self, candidate: Candidate, chosen: Assessment, now_ms: int, policy: BreakerPolicy
    ) -> tuple[Breaker, tuple[BreakerChange, ...]]:
        deployment = (candidate.provider, candidate.deployment_id)
        before = self._breakers[deployment]
        after = self._breakers[deployment] = breaker.admit(before, now_ms + chosen.wait_ms, policy)
        return after, breaker.changes(*deployment, before, after)

    def _state(self) -> State:
        """A state whose accounts are forgotten at once: nothing is held here."""
        return State(
            breakers=self._breakers,
            latencies=self._latencies,
            provider_limits=self._provider_limits,
            arrivals=self._arrivals,
        )
