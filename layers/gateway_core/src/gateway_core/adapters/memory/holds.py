"""Holds of the memory store: those that nobody settled are booked as estimates, or resolved by an operator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway_core.adapters.memory.attempts import move
from gateway_core.adapters.memory.books import write_record
from gateway_core.adapters.memory.state import AttemptId, Part, State, StoredHold
from gateway_core.store import budget
from gateway_core.store.budget import Amount, Movement
from gateway_core.store.changes import BudgetCrossed
from gateway_core.store.estimates import (
    LEAST_WAIT_MS,
    MONTH_CHARS,
    Booked,
    adjustment_record,
    booking,
    counted_from_ms,
    index_name,
    indexed,
)
from gateway_core.store.exact_amounts import check_charge
from gateway_core.store.reconciliation import reconciled_ticket
from gateway_core.store.records import AttemptName, HoldPage, OpenHold

PAGE = 1000


class MemoryHolds(Part):
    """Implements the port `HoldBook` over a `State`."""

    def __init__(self, state: State, unconfirmed_after_ms: int = LEAST_WAIT_MS) -> None:
        super().__init__(state)
        self._wait_ms = unconfirmed_after_ms

    async def open_holds(self, project_id: str, *, month: str) -> list[OpenHold]:
        held = [hold for hold in self._holds(project_id, month) if not hold.booked]
        return sorted(held, key=lambda hold: (hold.held_since_ms, hold.request_id, hold.attempt))

    async def hold_page(self, project_id: str, *, month: str, cursor: str = "") -> HoldPage:
        holds, start = self._holds(project_id, month), int(cursor or 0)
        end = start + PAGE
        return HoldPage(tuple(holds[start:end]), str(end) if end < len(holds) else "")

    async def find_hold(self, project_id: str, *, month: str, name: AttemptName) -> OpenHold | None:
        stored = self._state.months[project_id, month].holds.get(name)
        return open_hold(name, stored) if stored else None

    async def book_hold(self, project_id: str, hold: OpenHold, *, now_ms: int) -> Booked | None:
        return book(self._state, project_id, hold, now_ms)

    async def book_holds(self, project_id: str, holds: Sequence[OpenHold], *, now_ms: int) -> list[Booked]:
        booked = [book(self._state, project_id, hold, now_ms) for hold in holds]
        return [each for each in booked if each]

    async def book_due(self, project_id: str, *, now_ms: int, limit: int) -> list[Booked]:
        return book_due(self._state, project_id, now_ms, self._wait_ms, limit)

    async def resolve_hold(
        self,
        project_id: str,
        *,
        month: str,
        request_id: str,
        attempt: int,
        charge_nano: int,
        charge_tokens: int,
        now_ms: int,
    ) -> bool:
        check_charge(charge_nano, charge_tokens)
        attempt_id, holds = (request_id, attempt), self._state.months[project_id, month].holds
        unbook(self._state, project_id, month, attempt_id, now_ms)
        stored = holds.pop(attempt_id, None)
        if stored is None:
            return False
        hold = open_hold(attempt_id, stored)
        by = budget.resolved(stored.hold, Amount(charge_nano, charge_tokens))
        self._state.unconfirmed[project_id].pop(index_name(hold.day, *attempt_id), None)
        adjust(self._state, project_id, stored, hold, by, now_ms)
        return True

    def _holds(self, project_id: str, month: str) -> list[OpenHold]:
        return [open_hold(name, stored) for name, stored in self._state.months[project_id, month].holds.items()]


def open_hold(attempt_id: AttemptId, stored: StoredHold) -> OpenHold:
    """A hold as operators see it."""
    held = stored.hold
    return OpenHold(
        request_id=attempt_id[0],
        attempt=attempt_id[1],
        key_id=stored.key_id,
        user_id=stored.user_id,
        day=stored.day,
        hold_nano=held.amount.nano,
        hold_tokens=held.amount.tokens,
        held_since_ms=stored.since_ms,
        unconfirmed=stored.unconfirmed,
        paid_nano=held.paid.nano,
        paid_tokens=held.paid.tokens,
        unconfirmed_ms=stored.unconfirmed_ms,
        booked=stored.booked,
    )


def adjust(
    state: State, project_id: str, stored: StoredHold, hold: OpenHold, by: Movement, now_ms: int, *, tells: bool = False
) -> tuple[BudgetCrossed, ...]:
    """Move money of a hold, with the record of that. With `tells` thresholds are told, by the limits of `stored`."""
    ticket = reconciled_ticket(project_id, hold)
    crossed = move(state, ticket, by, stored.limits if tells else (), counts_user=stored.counts_user)
    if record := adjustment_record(ticket, by, now_ms):
        write_record(state, ticket, record)
    return crossed


def book_due(state: State, project_id: str, now_ms: int, wait_ms: int, limit: int) -> list[Booked]:
    """Book up to `limit` attempts that have been unconfirmed for long enough, the oldest first."""
    waiting = sorted((counted_from, name) for name, counted_from in state.unconfirmed[project_id].items())
    booked: list[Booked | None] = []
    for _, name in [(at, name) for at, name in waiting if at + wait_ms <= now_ms][:limit]:
        day, request_id, attempt = indexed(name)
        attempt_id = (request_id, attempt)
        stored = state.months[project_id, day[:MONTH_CHARS]].holds[attempt_id]
        booked.append(book(state, project_id, open_hold(attempt_id, stored), now_ms))
    return [each for each in booked if each]


def book(state: State, project_id: str, hold: OpenHold, now_ms: int) -> Booked | None:
    """Spend what is held as an estimate; None if the hold is not what it was, or is booked already."""
    holds, attempt_id = state.months[project_id, hold.day[:MONTH_CHARS]].holds, (hold.request_id, hold.attempt)
    stored = holds.get(attempt_id)
    if stored is None or stored.booked or open_hold(attempt_id, stored) != hold:
        return None
    holds[attempt_id] = replace(stored, booked=True)
    state.unconfirmed[project_id].pop(index_name(hold.day, *attempt_id), None)
    return Booked(hold, adjust(state, project_id, stored, hold, booking(hold), now_ms, tells=True))


def unbook(state: State, project_id: str, month: str, attempt_id: AttemptId, now_ms: int) -> None:
    """Take the booking of an attempt back, if there is one: it is held again, as it was."""
    holds = state.months[project_id, month].holds
    stored = holds.get(attempt_id)
    if stored is None or not stored.booked:
        return
    hold = open_hold(attempt_id, stored)
    holds[attempt_id] = replace(stored, booked=False)
    if stored.unconfirmed:
        counted_from = counted_from_ms(stored.day, stored.unconfirmed_ms)
        state.unconfirmed[project_id][index_name(stored.day, *attempt_id)] = counted_from
    adjust(state, project_id, stored, hold, -booking(hold), now_ms)
