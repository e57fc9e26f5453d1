"""Breaker, latency and rate limits of one process, for requests that go on while the store is away. No money here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from gateway_core.adapters.memory.assessor import Assessor, admit
from gateway_core.adapters.memory.attempts import settle_health
from gateway_core.adapters.memory.state import Bucket, DeploymentKey, Latency, State, StoredHold, Timed
from gateway_core.domain.caller import Limits
from gateway_core.store.breaker import Breaker
from gateway_core.store.budget import Amount, Hold
from gateway_core.store.changes import BreakerChange
from gateway_core.store.messages import DEGRADED, Admitted, Candidate, Refused, Settlement, Terms, Ticket
from gateway_core.store.rate_limit import Arrival, ProviderLimits


class ProcessHealth:
    """Admits attempts of callers without limits by what this process alone has seen. Grows with the catalog only."""

    def __init__(self) -> None:
        self._breakers: defaultdict[DeploymentKey, Breaker] = defaultdict(Breaker)
        self._latencies: dict[Timed, Latency] = {}
        self._provider_limits: dict[DeploymentKey, ProviderLimits] = {}
        self._arrivals: dict[Bucket, Arrival] = {}
        self._under_way: dict[str, StoredHold] = {}

    def admit(
        self,
        ticket: Ticket,
        attempt: int,
        candidates: Sequence[Candidate],
        terms: Terms,
    ) -> Admitted | Refused:
        """As the port's `admit`, without budgets; what is admitted has generation -1."""
        placed = admit(Assessor(self._state(), ticket, Limits(), terms), candidates, attempt)
        if isinstance(placed, Refused):
            return placed
        hold = Hold(Amount(placed.candidate.hold_nano, placed.candidate.hold_tokens))
        self._under_way[ticket.request_id] = StoredHold(
            hold, "", "", ticket.day, terms.now_ms, 0, placed.answer, sequence=placed.sequence
        )
        return replace(placed.answer, generation=DEGRADED)

    def settle(self, ticket: Ticket, settlement: Settlement, terms: Terms) -> tuple[BreakerChange, ...]:
        """Learn how an attempt ended that was admitted here; others are ignored."""
        held = self._under_way.get(ticket.request_id)
        if held is None or held.answer.attempt != settlement.attempt:
            return ()
        del self._under_way[ticket.request_id]
        ended = replace(settlement, generation=held.answer.generation, probe=held.answer.probe)
        return settle_health(self._state(), ended, held, terms)

    def _state(self) -> State:
        """A state whose accounts are forgotten at once: nothing is held here."""
        return State(
            breakers=self._breakers,
            latencies=self._latencies,
            provider_limits=self._provider_limits,
            arrivals=self._arrivals,
        )
