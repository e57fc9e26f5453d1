"""Keys, budgets and holds in Upstash: what the command line administers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway_core.adapters.upstash import layout
from gateway_core.adapters.upstash.calls import add_books, declare_books, request_call
from gateway_core.adapters.upstash.part import Part
from gateway_core.adapters.upstash.reading import done, flag, named, pairs, read, rows, values
from gateway_core.domain.caller import Limits
from gateway_core.store.budget import Amount
from gateway_core.store.exact_amounts import check_charge, check_limits
from gateway_core.store.reconciliation import reconciled_record, reconciled_ticket
from gateway_core.store.records import BudgetLine, OpenHold
from gateway_core.store.virtual_keys import KeyRecord, project_of_key_id


class UpstashKeys(Part):
    """Implements the port `KeyStore`."""

    async def put_key(self, record: KeyRecord) -> None:
        check_limits(record.limits)
        await self._put(record)

    async def list_keys(self, project_id: str) -> list[KeyRecord]:
        return _keys(project_id, await self._project(project_id))

    async def revoke_key(self, key_id: str, *, now_ms: int) -> bool:
        project_id = project_of_key_id(key_id)
        keys = await self.list_keys(project_id) if project_id else []
        record = next((key for key in keys if key.id == key_id), None)
        if record and record.revoked_ms is None:
            await self._put(replace(record, revoked_ms=now_ms))
        return record is not None

    async def set_budget(self, project_id: str, user_id: str, limits: Limits) -> None:
        check_limits(limits)
        field = layout.budget_field(user_id)
        key, value = layout.project_key(project_id), layout.pack_budget(limits)
        await done("answer of set_budget", self._client.execute("HSET", key, field, value))

    async def budget_lines(self, project_id: str, *, day: str, scopes: Sequence[str]) -> list[BudgetLine]:
        if not scopes:
            return []
        fields = [field for scope in scopes for field in layout.account_fields(scope, day)]
        month = day[:6]
        hmget = ["HMGET", layout.budget_key(project_id, month), *fields]
        asked = self._client.pipeline([hmget, ["HGETALL", layout.project_key(project_id)]])
        accounts, project = await read(f"budgets of project {project_id}", asked, rows)
        with named(f"budgets of project {project_id}"):
            texts, stored = values(accounts, len(fields)), pairs(project)
        lines: list[BudgetLine] = []
        for index, scope in enumerate(scopes):
            limits = _limits(project_id, scope, stored)
            with named(f"accounts of {scope} in {layout.budget_key(project_id, month)}"):
                day_text, month_text = texts[2 * index : 2 * index + 2]
                lines.append(_line(scope, day, day_text, limits.day_nano, limits.day_tokens))
                lines.append(_line(scope, month, month_text, limits.month_nano, limits.month_tokens))
        return lines

    async def open_holds(self, project_id: str, *, month: str) -> list[OpenHold]:
        key = layout.budget_key(project_id, month)
        fields = await read(key, self._client.execute("HGETALL", key), pairs)
        holds = [layout.parse_hold(name, text) for name, text in fields.items() if layout.is_hold(name)]
        return sorted(holds, key=lambda hold: (hold.held_since_ms, hold.request_id, hold.attempt))

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
        hold = await self._hold(project_id, month, request_id, attempt)
        if hold is None:
            return False
        ticket = reconciled_ticket(project_id, hold)
        call = request_call(ticket, now_ms)
        declare_books(call, ticket)
        add_books(call, ticket, reconciled_record(ticket, Amount(charge_nano, charge_tokens), now_ms))
        call.add(attempt, charge_nano, charge_tokens)
        asked = self._client.run(self._scripts.resolve, call.keys, call.arguments)
        return await read("answer of resolve", asked, flag)

    async def _hold(self, project_id: str, month: str, request_id: str, attempt: int) -> OpenHold | None:
        fields = [f"{kind}|{request_id}.{attempt}" for kind in "hx"]
        key = layout.budget_key(project_id, month)
        asked = self._client.execute("HMGET", key, *fields)
        texts = await read(key, asked, lambda reply: values(reply, len(fields)))
        found = zip(fields, texts, strict=True)
        return next((layout.parse_hold(name, text) for name, text in found if text is not None), None)

    async def _project(self, project_id: str) -> dict[str, str]:
        key = layout.project_key(project_id)
        return await read(key, self._client.execute("HGETALL", key), pairs)

    async def _put(self, record: KeyRecord) -> None:
        field = layout.KEY_PREFIX + record.digest
        key, value = layout.project_key(record.project_id), layout.pack_key(record)
        await done("answer of put_key", self._client.execute("HSET", key, field, value))


def _keys(project_id: str, stored: dict[str, str]) -> list[KeyRecord]:
    keys = [
        layout.parse_key(project_id, name.removeprefix(layout.KEY_PREFIX), text)
        for name, text in stored.items()
        if name.startswith(layout.KEY_PREFIX)
    ]
    return sorted(keys, key=lambda key: (key.created_ms, key.digest))


def _limits(project_id: str, scope: str, stored: dict[str, str]) -> Limits:
    if scope.startswith("k:"):
        return next((key.limits for key in _keys(project_id, stored) if f"k:{key.id}" == scope), Limits())
    field = layout.budget_field(scope[2:])
    return layout.parse_budget(f"{field} of {layout.project_key(project_id)}", stored.get(field))


def _line(scope: str, period: str, text: str | None, nano: int | None, tokens: int | None) -> BudgetLine:
    account = layout.parse_account(text)
    spent, held = account.spent, account.held
    return BudgetLine(scope, period, spent.nano, held.nano, spent.tokens, held.tokens, nano, tokens)
