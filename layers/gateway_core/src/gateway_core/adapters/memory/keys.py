"""Keys and budgets of the memory store: what the command line administers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from gateway_core.adapters.memory.state import Part
from gateway_core.domain.caller import Limits
from gateway_core.store.budget import Account, budget_line
from gateway_core.store.exact_amounts import check_limits
from gateway_core.store.key_changes import KeyChange, KeyRecords, grouped, revoked
from gateway_core.store.placement import Residence
from gateway_core.store.records import BudgetLine
from gateway_core.store.virtual_keys import KeyRecord, project_of_key_id, rights_json, rights_tag


class MemoryKeys(Part):
    """Implements the ports `KeyStore` and `Residents` over a `State`. Nothing is ever moved."""

    async def put_key(self, record: KeyRecord) -> None:
        check_limits(record.limits)
        self._put(record)

    async def put_key_once(self, record: KeyRecord, name: str) -> str:
        check_limits(record.limits)
        key_id = self._state.made_once.setdefault((record.project_id, name), record.id)
        if key_id == record.id:
            self._put(record)
        return key_id

    async def list_keys(self, project_id: str) -> list[KeyRecord]:
        return sorted(self._state.keys.get(project_id, {}).values(), key=lambda key: (key.created_ms, key.digest))

    async def find_keys(self, project_id: str, key_ids: Collection[str]) -> list[KeyRecord]:
        return [record for record in await self.list_keys(project_id) if record.id in key_ids]

    async def key_page(self, project_id: str, *, after: str, limit: int) -> KeyRecords | None:
        ids = list(dict.fromkeys(record.id for record in await self.list_keys(project_id)))
        if after and after not in ids:
            return None
        start = ids.index(after) + 1 if after else 0
        shown = ids[start : start + limit]
        return KeyRecords(await self.find_keys(project_id, {*shown}), start + limit < len(ids))

    async def revoke_key(self, key_id: str, *, now_ms: int) -> bool:
        keys = grouped([*self._state.keys.get(project_of_key_id(key_id) or "", {}).values()])
        key = next((key for key in keys if key.newest.id == key_id), None)
        for change in revoked(key, now_ms) if key else ():
            self._put(change.record)
        return key is not None

    async def change_keys(self, project_id: str, changes: Sequence[KeyChange]) -> bool:
        for change in changes:
            check_limits(change.record.limits)
        stored = self._state.keys.get(project_id, {})
        if not all(_is(stored, change, change.after) for change in changes):
            if not all(_is(stored, change, change.before) for change in changes):
                return False
            for change in changes:
                self._change(change)
        return True

    async def last_days(self, project_id: str, *, month: str, key_ids: Sequence[str]) -> dict[str, str]:
        used = self._state.months[project_id, month].accounts
        days = {key_id: [day for scope, day in used if scope == f"k:{key_id}" and day != month] for key_id in key_ids}
        return {key_id: max(found) for key_id, found in days.items() if found}

    async def set_budget(self, project_id: str, user_id: str, limits: Limits) -> None:
        check_limits(limits)
        self._state.budgets[project_id, user_id] = limits

    async def change_budget(self, project_id: str, user_id: str, before: Limits, after: Limits) -> bool:
        stored = self._state.budgets.get((project_id, user_id), Limits())
        if stored in (before, after):
            await self.set_budget(project_id, user_id, after)
        return stored in (before, after)

    async def budget_lines(self, project_id: str, *, day: str, scopes: Sequence[str]) -> list[BudgetLine]:
        return [
            line for scope in scopes for line in self._lines(project_id, day, scope, self._limits(project_id, scope))
        ]

    async def accounts(self, project_id: str, *, day: str, scopes: Sequence[str]) -> list[BudgetLine]:
        return [line for scope in scopes for line in self._lines(project_id, day, scope, Limits())]

    async def budget_scopes(self, project_id: str, *, month: str) -> list[str]:
        users = {f"u:{user}" for project, user in self._state.budgets if project == project_id and user}
        accounts = self._state.months[project_id, month].accounts
        used = {scope for (scope, _), account in accounts.items() if scope != "p" and account != Account()}
        keys = {f"k:{key.id}" for key in self._state.keys.get(project_id, {}).values()}
        return ["p", *sorted(users | used | keys)]

    async def residence(self, project_id: str) -> Residence:
        state = self._state
        has_keys = bool(state.keys.get(project_id)) and project_id not in state.guests
        has_budgets = any(project == project_id for project, _user in state.budgets)
        is_known = any(project == project_id and month.admissions for (project, _), month in state.months.items())
        return "home" if has_keys or has_budgets or is_known else ""

    async def residents(self) -> list[str]:
        state = self._state
        known = {*state.keys, *(project for project, _ in state.budgets), *(project for project, _ in state.months)}
        return [project for project in sorted(known) if await self.residence(project)]

    async def put_guest(self, record: KeyRecord) -> None:
        if await self.residence(record.project_id):
            return
        self._put(record)
        self._state.guests.add(record.project_id)

    async def drop_guests(self, project_id: str) -> None:
        if project_id in self._state.guests:
            self._state.guests.discard(project_id)
            self._state.keys.pop(project_id, None)

    def _change(self, change: KeyChange) -> None:
        if change.after:
            self._put(change.after)
        else:
            del self._state.keys[change.record.project_id][change.record.digest]

    def _put(self, record: KeyRecord) -> None:
        tagged = replace(record, rights_tag=rights_tag(rights_json(record)))
        self._state.keys[record.project_id][record.digest] = tagged

    def _lines(self, project_id: str, day: str, scope: str, limits: Limits) -> list[BudgetLine]:
        accounts = self._state.months[project_id, day[:6]].accounts
        periods = (day, limits.day_nano, limits.day_tokens), (day[:6], limits.month_nano, limits.month_tokens)
        return [
            budget_line(scope, period, a, nano, tokens)
            for period, nano, tokens in periods
            for a in (accounts.get((scope, period), Account()),)
        ]

    def _limits(self, project_id: str, scope: str) -> Limits:
        if scope.startswith("k:"):
            keys = self._state.keys.get(project_id, {}).values()
            return next((key.limits for key in keys if f"k:{key.id}" == scope), Limits())
        return self._state.budgets.get((project_id, scope[2:]), Limits())


def _is(stored: Mapping[str, KeyRecord], change: KeyChange, expected: KeyRecord | None) -> bool:
    """Whether a record is what is expected, whatever its tag was called then."""
    found = stored.get(change.record.digest)
    return found == (expected and replace(expected, rights_tag=found.rights_tag if found else ""))
