"""The request path of the memory store. Nothing awaits between a check and its write: each call is one atomic step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway_core.adapters.memory.assessor import Assessor, Placed, admit
from gateway_core.adapters.memory.attempts import charge_of, move, own_hold, settle_health, settle_money
from gateway_core.adapters.memory.books import write_record
from gateway_core.adapters.memory.holds import MemoryHolds, book_due, open_hold, unbook
from gateway_core.adapters.memory.state import Mark, StoredHold
from gateway_core.store import budget
from gateway_core.store.budget import Amount, Hold, Movement
from gateway_core.store.changes import Change
from gateway_core.store.deployment_state import DeploymentState
from gateway_core.store.estimates import A_FEW, adjustment_record, told_along
from gateway_core.store.exact_amounts import check_candidates, check_record, check_settlement
from gateway_core.store.messages import (
    DEGRADED,
    Admission,
    Admitted,
    Candidate,
    Refusal,
    Refused,
    Settled,
    Settlement,
    StaleCaller,
    Terms,
    Ticket,
)
from gateway_core.store.probes import FleetHealth
from gateway_core.store.reconciliation import reconciled_ticket
from gateway_core.store.records import UsageRecord
from gateway_core.store.virtual_keys import KeyRecord


class MemoryLedger(MemoryHolds):
    """Implements the port `Ledger` over a `State`."""

    async def find_key(self, project_id: str, digest: str) -> KeyRecord | None:
        return self._state.keys.get(project_id, {}).get(digest)

    async def admit(self, ticket: Ticket, candidates: Sequence[Candidate], terms: Terms) -> Admission:
        check_candidates(candidates)
        if stored := self._stored(ticket, 1):
            return stored.answer
        if self._mark(ticket):
            return _over(candidates)
        answer = self._admission(ticket, candidates, 1, terms)
        booked = book_due(self._state, ticket.project_id, terms.now_ms, self._wait_ms, A_FEW)
        return replace(answer, changes=(*answer.changes, *told_along(booked, ticket)))

    async def next(
        self, ticket: Ticket, settlement: Settlement, candidates: Sequence[Candidate], terms: Terms
    ) -> Admission:
        check_candidates(candidates)
        check_settlement(settlement)
        if stored := self._stored(ticket, settlement.attempt + 1):
            return stored.answer
        if self._is_unsettled(ticket, settlement):
            self._unbook(ticket, settlement.attempt, terms)
        changes = self._settle_before_next(ticket, settlement, terms)
        if changes is None:
            return _over(candidates)
        answer = self._admission(ticket, candidates, settlement.attempt + 1, terms, changes)
        degraded = settlement.generation == DEGRADED or self._is(ticket, "degraded")
        mark = Mark("degraded" if degraded else "settled", settlement.attempt, changes)
        self._state.month_of(ticket).marks[ticket.request_id] = mark
        return answer

    async def settle(self, ticket: Ticket, settlement: Settlement | None, record: UsageRecord, terms: Terms) -> Settled:
        check_record(record)
        if settlement is None and record.attempts == 0:
            return self._record_hit(ticket, record)
        if settlement is None:
            needs_mark = False
            settled = Settled(self._close_alone(ticket, record.attempts, terms))
        else:
            check_settlement(settlement)
            needs_mark = settlement.generation == DEGRADED
            settled = self._settle_last(ticket, settlement, terms)
        if settled.written:
            self._close(ticket, settled.changes, needs_mark=needs_mark)
            settled = replace(settled, folded=write_record(self._state, ticket, record))
        return settled

    async def deployment_states(
        self,
        deployments: Sequence[tuple[str, str]],
        project_id: str = "",  # noqa: ARG002 - there is one database
    ) -> list[DeploymentState]:
        return [self._deployment_state(provider, deployment_id) for provider, deployment_id in deployments]

    async def fleet_health(
        self,
        deployments: Sequence[tuple[str, str]],
        project_id: str = "",  # noqa: ARG002 - as above
    ) -> FleetHealth:
        return FleetHealth(tuple(await self.deployment_states(deployments)), self._state.probes)

    def _deployment_state(self, provider: str, deployment_id: str) -> DeploymentState:
        watched = self._state.breakers[provider, deployment_id]
        kept = (self._state.latencies.get((provider, deployment_id, streamed)) for streamed in (False, True))
        whole, first = (latency.measured if latency else None for latency in kept)
        provider_limits = self._state.provider_limits.get((provider, deployment_id))
        return DeploymentState(
            provider, deployment_id, watched.state, watched.failures, watched.until_ms, whole, first, provider_limits
        )

    def _admission(
        self,
        ticket: Ticket,
        candidates: Sequence[Candidate],
        attempt: int,
        terms: Terms,
        changes: tuple[Change, ...] = (),
    ) -> Admission:
        key = self._state.keys.get(ticket.key_home, {}).get(ticket.digest)
        if key is None or key.rights_tag != ticket.rights_tag or key.has_ended(terms.now_ms):
            return StaleCaller(changes)
        assessor = Assessor(self._state, ticket, key.limits, terms)
        placed = admit(assessor, candidates, attempt, changes)
        if isinstance(placed, Refused):
            return placed
        return self._hold(ticket, placed, assessor)

    def _hold(self, ticket: Ticket, placed: Placed, assessor: Assessor) -> Admitted:
        month = self._state.month_of(ticket)
        month.admissions += 1
        answer = replace(placed.answer, serial=month.admissions)
        amount = Amount(placed.candidate.hold_nano, placed.candidate.hold_tokens)
        move(self._state, ticket, Movement(held=amount), counts_user=assessor.counts_user)
        stored = StoredHold(
            hold=Hold(amount),
            key_id=ticket.key_id,
            user_id=ticket.user_id,
            day=ticket.day,
            since_ms=assessor.terms.now_ms,
            key_tpm=assessor.limits.tpm or 0,
            answer=answer,
            limits=assessor.scope_limits,
            counts_user=assessor.counts_user,
            key_rpm=assessor.limits.rpm or 0,
            sequence=placed.sequence,
        )
        month.holds[ticket.request_id, answer.attempt] = stored
        return answer

    def _settle_before_next(self, ticket: Ticket, settlement: Settlement, terms: Terms) -> tuple[Change, ...] | None:
        """Settle the attempt unless that is done; gives what that changed. None if the request is over."""
        changes = self._settle_held(ticket, settlement, terms)
        mark = self._mark(ticket)
        if changes is None and mark and mark.attempt == settlement.attempt:
            return mark.changes
        return changes

    def _settle_last(self, ticket: Ticket, settlement: Settlement, terms: Terms) -> Settled:
        """Settle the last attempt. Not `written` if the request is over, though its money may still be corrected."""
        if own_hold(self._state, ticket, settlement) and (
            not settlement.unconfirmed or self._is_unsettled(ticket, settlement)
        ):
            self._unbook(ticket, settlement.attempt, terms)
        changes = self._settle_held(ticket, settlement, terms)
        if changes is not None:
            return Settled(written=True, changes=changes)
        corrected: tuple[Change, ...] = ()
        mark, stored = self._mark(ticket) or Mark("closed"), own_hold(self._state, ticket, settlement)
        is_last = mark.attempt == settlement.attempt
        if stored and not settlement.unconfirmed:
            corrected = settle_money(self._state, ticket, settlement, terms.now_ms)
            if stored.unconfirmed and not is_last:
                self._record_correction(ticket, settlement, stored, terms)
        if is_last:
            self._void(ticket, settlement.attempt + 1, terms)
            return Settled(written=True, changes=(*mark.changes, *corrected))
        if mark.kind == "closed" and corrected:
            mark = self._state.month_of(ticket).marks[ticket.request_id] = replace(mark, changes=corrected)
        return Settled(written=False, changes=corrected or (mark.changes if mark.kind == "closed" else ()))

    def _settle_held(self, ticket: Ticket, settlement: Settlement, terms: Terms) -> tuple[Change, ...] | None:
        """Settle an attempt that is held, or that nobody could hold; gives what that changed. None if there is none."""
        held = self._own_unsettled(ticket, settlement)
        if not self._is_unsettled(ticket, settlement):
            return None
        crossed = settle_money(self._state, ticket, settlement, terms.now_ms)
        return (*crossed, *settle_health(self._state, settlement, held, terms))

    def _record_hit(self, ticket: Ticket, record: UsageRecord) -> Settled:
        """The record of an answer that was looked up, once."""
        if self._state.hits.pop((ticket.project_id, ticket.request_id), None) is None:
            return Settled(written=False)
        return Settled(written=True, folded=write_record(self._state, ticket, record))

    def _close_alone(self, ticket: Ticket, attempts: int, terms: Terms) -> bool:
        """Whether a record without a settlement may be written: once, and for no attempt that was never settled."""
        mark = self._mark(ticket)
        may_write = mark is not None and mark.kind != "closed"
        if may_write:
            self._void(ticket, attempts + 1, terms)
        return may_write

    def _void(self, ticket: Ticket, attempt: int, terms: Terms) -> None:
        """Free the hold of an attempt that was admitted without its caller hearing of it: it was never made."""
        if unused := self._unsettled(ticket, attempt):
            self._unbook(ticket, attempt, terms)
            del self._state.month_of(ticket).holds[ticket.request_id, attempt]
            move(self._state, ticket, Movement(held=-unused.hold.amount), counts_user=unused.counts_user)

    def _unbook(self, ticket: Ticket, attempt: int, terms: Terms) -> None:
        """Let it be held again, where it was booked as an estimate: who settles it knows better."""
        unbook(self._state, ticket.project_id, ticket.month, (ticket.request_id, attempt), terms.now_ms)

    def _record_correction(self, ticket: Ticket, settlement: Settlement, stored: StoredHold, terms: Terms) -> None:
        """What a late settlement adds to the reports: the request's own record has what was known before."""
        hold = open_hold((ticket.request_id, settlement.attempt), stored)
        by = budget.settled(stored.hold, charge_of(settlement), is_estimate=settlement.estimated)
        again = reconciled_ticket(ticket.project_id, hold)
        if record := adjustment_record(again, by, terms.now_ms):
            write_record(self._state, again, record)

    def _close(self, ticket: Ticket, changes: tuple[Change, ...], *, needs_mark: bool) -> None:
        """Forget the request where its hold was the proof; else leave a mark, so that it counts once.

        Changes leave one too: a copy reports them again, in case nobody heard of them.
        """
        marks = self._state.month_of(ticket).marks
        mark = marks.pop(ticket.request_id, None)
        if needs_mark or changes or (mark and mark.kind == "degraded"):
            marks[ticket.request_id] = Mark("closed", changes=changes)

    def _stored(self, ticket: Ticket, attempt: int) -> StoredHold | None:
        return self._state.month_of(ticket).holds.get((ticket.request_id, attempt))

    def _unsettled(self, ticket: Ticket, attempt: int) -> StoredHold | None:
        stored = self._stored(ticket, attempt)
        return stored if stored and not stored.unconfirmed else None

    def _own_unsettled(self, ticket: Ticket, settlement: Settlement) -> StoredHold | None:
        stored = own_hold(self._state, ticket, settlement)
        return stored if stored and not stored.unconfirmed else None

    def _is_unsettled(self, ticket: Ticket, settlement: Settlement) -> bool:
        """Whether the attempt is still to be settled, though its hold may be booked as an estimate."""
        is_open = self._own_unsettled(ticket, settlement) and not self._is(ticket, "closed")
        return bool(is_open) or self._is_new_degraded(ticket, settlement)

    def _mark(self, ticket: Ticket) -> Mark | None:
        return self._state.month_of(ticket).marks.get(ticket.request_id)

    def _is(self, ticket: Ticket, kind: str) -> bool:
        mark = self._mark(ticket)
        return mark is not None and mark.kind == kind

    def _is_new_degraded(self, ticket: Ticket, settlement: Settlement) -> bool:
        mark = self._mark(ticket)
        is_new = mark is None or (mark.kind != "closed" and mark.attempt < settlement.attempt)
        return settlement.generation == DEGRADED and is_new


def _over(candidates: Sequence[Candidate]) -> Refused:
    return Refused(tuple(Refusal(index, "breaker_open", "closed") for index in range(len(candidates))))
