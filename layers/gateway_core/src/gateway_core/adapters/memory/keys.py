"""Keys, budgets and holds of the memory store: what the command line administers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway_core.adapters.memory.attempts import move
from gateway_core.adapters.memory.books import write_record
from gateway_core.adapters.memory.state import Part, StoredHold
from gateway_core.domain.caller import Limits
from gateway_core.store.budget import Amount
from gateway_core.store.exact_amounts import check_charge, check_limits
from gateway_core.store.reconciliation import reconciled_record, reconciled_ticket
from gateway_core.store.records import BudgetLine, OpenHold
from gateway_core.store.virtual_keys import KeyRecord, project_of_key_id, rights_json, rights_tag


class MemoryKeys(Part):
    """Implements the port `KeyStore` over a `State`."""

    async def put_key(self, record: KeyRecord) -> None:
        check_limits(record.limits)
        self._put(record)

    async def list_keys(self, project_id: str) -> list[KeyRecord]:
        return sorted(self._state.keys.get(project_id, {}).values(), key=lambda key: (key.created_ms, key.digest))

    async def revoke_key(self, key_id: str, *, now_ms: int) -> bool:
        keys = self._state.keys.get(project_of_key_id(key_id) or "", {}).values()
        record = next((key for key in keys if key.id == key_id), None)
        if record and record.revoked_ms is None:
            self._put(replace(record, revoked_ms=now_ms))
        return record is not None

    async def set_budget(self, project_id: str, user_id: str, limits: Limits) -> None:
        check_limits(limits)
        self._state.budgets[project_id, user_id] = limits

    async def budget_lines(self, project_id: str, *, day: str, scopes: Sequence[str]) -> list[BudgetLine]:
        return [line for scope in scopes for line in self._lines(project_id, day, scope)]

    async def open_holds(self, project_id: str, *, month: str) -> list[OpenHold]:
        holds = self._state.months[project_id, month].holds
        found = [_open_hold(request_id, attempt, stored) for (request_id, attempt), stored in holds.items()]
        return sorted(found, key=lambda hold: (hold.held_since_ms, hold.request_id, hold.attempt))

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
        stored = self._state.months[project_id, month].holds.pop((request_id, attempt), None)
        if stored is None:
            return False
        ticket = reconciled_ticket(project_id, _open_hold(request_id, attempt, stored))
        charge = Amount(charge_nano, charge_tokens)
        move(self._state, ticket, stored.hold.amount, charge)
        if charge != Amount():
            write_record(self._state, ticket, reconciled_record(ticket, charge, now_ms))
        return True

    def _put(self, record: KeyRecord) -> None:
        tagged = replace(record, rights_tag=rights_tag(rights_json(record)))
        self._state.keys[record.project_id][record.digest] = tagged

    def _lines(self, project_id: str, day: str, scope: str) -> list[BudgetLine]:
        limits = self._limits(project_id, scope)
        accounts = self._state.months[project_id, day[:6]].accounts
        periods = (day, limits.day_nano, limits.day_tokens), (day[:6], limits.month_nano, limits.month_tokens)
        return [
            BudgetLine(scope, period, a.spent.nano, a.held.nano, a.spent.tokens, a.held.tokens, nano, tokens)
            for period, nano, tokens in periods
            for a in (accounts[scope, period],)
        ]

    def _limits(self, project_id: str, scope: str) -> Limits:
        if scope.startswith("k:"):
            keys = self._state.keys.get(project_id, {}).values()
            return next((key.limits for key in keys if f"k:{key.id}" == scope), Limits())
        return self._state.budgets.get((project_id, scope[2:]), Limits())


def _open_hold(request_id: str, attempt: int, stored: StoredHold) -> OpenHold:
    amount = stored.hold.amount
    return OpenHold(
        request_id=request_id,
        attempt=attempt,
        key_id=stored.key_id,
        user_id=stored.user_id,
        day=stored.day,
        hold_nano=amount.nano,
        hold_tokens=amount.tokens,
        held_since_ms=stored.since_ms,
        unconfirmed=stored.unconfirmed,
    )
