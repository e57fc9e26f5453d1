"""Keys and budgets in Upstash: what the command line administers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import batched

from gateway_core.adapters.upstash import layout
from gateway_core.adapters.upstash.client import unavailable
from gateway_core.adapters.upstash.pages import hash_pages, key_pages
from gateway_core.adapters.upstash.part import Part
from gateway_core.adapters.upstash.reading import done, flag, named, pairs, read, rows, texts, values
from gateway_core.domain.caller import Limits
from gateway_core.store.budget import budget_line
from gateway_core.store.exact_amounts import check_limits
from gateway_core.store.key_changes import KeyChange, grouped, revoked
from gateway_core.store.placement import Residence
from gateway_core.store.records import BudgetLine
from gateway_core.store.virtual_keys import ID_DIGITS, PROJECT_ID, KeyRecord, project_of_key_id

MOST_DAYS = 31
MOST_TRIES = 5


class UpstashKeys(Part):
    """Implements the ports `KeyStore` and `Residents`."""

    async def put_key(self, record: KeyRecord) -> None:
        check_limits(record.limits)
        await self._put(record)

    async def list_keys(self, project_id: str) -> list[KeyRecord]:
        return _keys(project_id, await self._project(project_id))

    async def revoke_key(self, key_id: str, *, now_ms: int) -> bool:
        project_id = project_of_key_id(key_id)
        for _ in range(MOST_TRIES):
            keys = grouped(await self.list_keys(project_id)) if project_id else []
            key = next((key for key in keys if key.newest.id == key_id), None)
            if key is None or project_id is None:
                return False
            if await self.change_keys(project_id, revoked(key, now_ms)):
                return True
        raise unavailable("a key changed each time it was looked at")

    async def change_keys(self, project_id: str, changes: Sequence[KeyChange]) -> bool:
        for change in changes:
            check_limits(change.record.limits)
        return await self._change(project_id, [layout.pack_change(change) for change in changes])

    async def last_days(self, project_id: str, *, month: str, key_ids: Sequence[str]) -> dict[str, str]:
        if not key_ids:
            return {}
        days = [f"{month}{number:02}" for number in range(MOST_DAYS, 0, -1)]
        key, fields = layout.budget_key(project_id, month), [layout.day_field(k, day) for k in key_ids for day in days]
        asked = self._client.execute("HMGET", key, *fields)
        found = await read(f"days of keys in {key}", asked, lambda reply: values(reply, len(fields)))
        used = (zip(days, some, strict=True) for some in batched(found, MOST_DAYS))
        last = (next((day for day, account in each if account is not None), "") for each in used)
        return {key_id: day for key_id, day in zip(key_ids, last, strict=True) if day}

    async def set_budget(self, project_id: str, user_id: str, limits: Limits) -> None:
        check_limits(limits)
        field = layout.budget_field(user_id)
        key, value = layout.project_key(project_id), layout.pack_budget(limits)
        await done("answer of set_budget", self._client.execute("HSET", key, field, value))

    async def change_budget(self, project_id: str, user_id: str, before: Limits, after: Limits) -> bool:
        check_limits(after)
        read = "" if before == Limits() else layout.pack_budget(before)
        return await self._change(project_id, [(layout.budget_field(user_id), read, "", layout.pack_budget(after))])

    async def budget_lines(self, project_id: str, *, day: str, scopes: Sequence[str]) -> list[BudgetLine]:
        if not scopes:
            return []
        fields = [field for scope in scopes for field in layout.account_fields(scope, day)]
        month = day[:6]
        key = layout.budget_key(project_id, month)
        asked = self._client.pipeline([["HMGET", key, *fields], ["HGETALL", layout.project_key(project_id)]])
        with named(f"budgets of project {project_id}"):
            accounts, project = await read(f"budgets of project {project_id}", asked, rows)
            texts, stored = values(accounts, len(fields)), pairs(project)
        by_key = _limits_by_key(project_id, scopes, stored)
        lines: list[BudgetLine] = []
        for index, scope in enumerate(scopes):
            limits = by_key.get(scope, Limits()) if scope.startswith("k:") else _limits(project_id, scope, stored)
            with named(f"accounts of {scope} in {key}"):
                day_text, day_guess, month_text, month_guess = texts[4 * index : 4 * index + 4]
                today = layout.parse_account(day_text, day_guess)
                all_month = layout.parse_account(month_text, month_guess)
            lines.append(budget_line(scope, day, today, limits.day_nano, limits.day_tokens))
            lines.append(budget_line(scope, month, all_month, limits.month_nano, limits.month_tokens))
        return lines

    async def budget_scopes(self, project_id: str, *, month: str) -> list[str]:
        stored = await self._project(project_id)
        scopes = {layout.scope_of(name[2:]) for name in stored if name.startswith("b|u:")}
        scopes |= {f"k:{record.id}" for record in _keys(project_id, stored)}
        # There may be very many users.
        async for accounts in hash_pages(self._client, layout.budget_key(project_id, month), "[uk]:*|M"):
            scopes |= {layout.scope_of(name) for name, text in accounts.items() if layout.is_used(text)}
        return ["p", *sorted(scopes)]

    async def residence(self, project_id: str) -> Residence:
        key, what = layout.project_key(project_id), f"residence of project {project_id}"
        asked = self._client.pipeline(
            [
                ("EXISTS", key),
                ("HEXISTS", key, layout.GUEST),
                ("HEXISTS", key, layout.HOME),
                ("SISMEMBER", layout.PROJECTS, project_id),
                ("EXISTS", layout.moving_key(project_id)),
            ]
        )
        with named(what):
            is_there, is_guest, was_moved, has_books, is_moving = map(flag, await read(what, asked, rows))
        if is_moving:
            return "moving"
        return "home" if has_books or was_moved or (is_there and not is_guest) else ""

    async def residents(self) -> list[str]:
        found = set(await read(layout.PROJECTS, self._client.execute("SMEMBERS", layout.PROJECTS), texts))
        async for keys in key_pages(self._client, layout.project_key("*")):
            asked = self._client.pipeline([("HEXISTS", key, layout.GUEST) for key in keys]) if keys else None
            guests = map(flag, await read(layout.GUEST, asked, rows)) if asked else ()
            found |= {key.partition(":")[2] for key, is_guest in zip(keys, guests, strict=True) if not is_guest}
        async for keys in key_pages(self._client, layout.moving_key("*")):
            found |= {project for key in keys if PROJECT_ID.fullmatch(project := key.partition(":")[2])}
        return sorted(found)

    async def put_guest(self, record: KeyRecord) -> None:
        if await self.residence(record.project_id):
            return
        await self._put(record, layout.GUEST, "1")

    async def drop_guests(self, project_id: str) -> None:
        if not await self.residence(project_id):
            await done("answer of drop_guests", self._client.execute("DEL", layout.project_key(project_id)))

    async def _project(self, project_id: str) -> dict[str, str]:
        key = layout.project_key(project_id)
        return await read(key, self._client.execute("HGETALL", key), pairs)

    async def _change(self, project_id: str, changes: Sequence[tuple[str, ...]]) -> bool:
        if not changes:
            return True
        arguments = [text for change in changes for text in change]
        asked = self._client.run(self._scripts.change, [layout.project_key(project_id)], arguments)
        return await read("answer of change", asked, flag)

    async def _put(self, record: KeyRecord, *more: str) -> None:
        field = layout.KEY_PREFIX + record.digest
        key, value = layout.project_key(record.project_id), layout.pack_key(record)
        await done("answer of put_key", self._client.execute("HSET", key, field, value, *more))


def _keys(project_id: str, stored: dict[str, str]) -> list[KeyRecord]:
    keys = [
        layout.parse_key(project_id, name.removeprefix(layout.KEY_PREFIX), text)
        for name, text in stored.items()
        if name.startswith(layout.KEY_PREFIX)
    ]
    return sorted(keys, key=lambda key: (key.created_ms, key.digest))


def _limits_by_key(project_id: str, scopes: Sequence[str], stored: dict[str, str]) -> dict[str, Limits]:
    """Of the keys among the scopes, by scope, each read once. Of its secrets the first stands for all, and is kept."""
    wanted = {layout.KEY_PREFIX + scope[-ID_DIGITS:] for scope in scopes if scope.startswith("k:")}
    first = {name: text for name, text in stored.items() if name[: len(layout.KEY_PREFIX) + ID_DIGITS] in wanted}
    return {f"k:{key.id}": key.limits for key in _keys(project_id, first)}


def _limits(project_id: str, scope: str, stored: dict[str, str]) -> Limits:
    field = layout.budget_field(scope[2:])
    return layout.parse_budget(f"{field} of {layout.project_key(project_id)}", stored.get(field))
