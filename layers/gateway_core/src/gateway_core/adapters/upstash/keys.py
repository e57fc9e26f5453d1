"""Keys and budgets in Upstash: what the command line administers."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from itertools import batched
from typing import NamedTuple

from gateway_core.adapters.upstash import layout
from gateway_core.adapters.upstash.client import unavailable
from gateway_core.adapters.upstash.key_fields import ANY_KEY, ANY_SUBJECT, digest_in, key_field, own_part_in
from gateway_core.adapters.upstash.pages import FEW, PAGE, hash_pages, key_pages
from gateway_core.adapters.upstash.part import Part
from gateway_core.adapters.upstash.reading import done, flag, moment, named, pairs, read, rows, text, texts, values
from gateway_core.domain.caller import Limits
from gateway_core.store.budget import budget_line
from gateway_core.store.exact_amounts import check_limits
from gateway_core.store.key_changes import KeyChange, KeyRecords, grouped, revoked
from gateway_core.store.placement import Residence
from gateway_core.store.records import BudgetLine
from gateway_core.store.virtual_keys import ID_DIGITS, PROJECT_ID, KeyRecord, own_part_of, project_of_key_id

MOST_DAYS = 31
_MOST_TRIES = 64
"""Of a revocation, more than changes have (`access.administrator`): it outlasts a crowd of them."""
_FIELDS_OF_SCOPE = 4
_ONCE = "i|"
# In JSON no text of a caller's can look like these: its quotes are escaped.
_CREATED = re.compile(r'"created_ms":([0-9]+)')
_OF = re.compile(r'"of":"([0-9a-f]{16})"')


class _KeyPlace(NamedTuple):
    """A secret in the order of its project: that of its key, and then its own."""

    created_ms: int
    digest: str
    key_id: str


class UpstashKeys(Part):
    """Implements the ports `KeyStore` and `Residents`."""

    async def put_key(self, record: KeyRecord) -> None:
        check_limits(record.limits)
        await self._put(record)

    async def put_key_once(self, record: KeyRecord, name: str) -> str:
        check_limits(record.limits)
        project, once = record.project_id, f"{_ONCE}{name}"
        key = (key_field(record.digest), "", "", layout.pack_key(record))
        if await self._change(project, [(once, "", "", record.id), key]):
            return record.id
        asked = self._client.execute("HGET", layout.project_key(project), once)
        return await read(f"{once} of {layout.project_key(project)}", asked, text)

    async def list_keys(self, project_id: str) -> list[KeyRecord]:
        stored = await self._keys(project_id)
        return _records(project_id, stored, _key_places(project_id, stored))

    async def find_keys(self, project_id: str, key_ids: Collection[str]) -> list[KeyRecord]:
        # At one moment: pages may miss a secret that is added meanwhile, which would then not be revoked.
        key = layout.project_key(project_id)
        stored = await read(key, self._client.execute("HGETALL", key), pairs)
        places = _key_places(project_id, stored)
        return _records(project_id, stored, [place for place in places if place.key_id in key_ids])

    async def key_page(self, project_id: str, *, after: str, limit: int) -> KeyRecords | None:
        stored = await self._keys(project_id)
        places = _key_places(project_id, stored)
        ids = list(dict.fromkeys(place.key_id for place in places))
        if after and after not in ids:
            return None
        start = ids.index(after) + 1 if after else 0
        shown = {*ids[start : start + limit]}
        found = _records(project_id, stored, [place for place in places if place.key_id in shown])
        return KeyRecords(found, start + limit < len(ids))

    async def revoke_key(self, key_id: str, *, now_ms: int) -> bool:
        project_id = project_of_key_id(key_id)
        for _ in range(_MOST_TRIES):
            records = await self.find_keys(project_id, {key_id}) if project_id else []
            if not records or project_id is None:
                return False
            (key,) = grouped(records)
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
        wanted, budgets = _fields(scopes, day), [layout.budget_field(scope[2:]) for scope in scopes]
        project = layout.project_key(project_id)
        asked = self._client.pipeline(
            [["HMGET", layout.budget_key(project_id, day[:6]), *wanted], ["HMGET", project, *budgets]]
        )
        with named(f"budgets of project {project_id}"):
            accounts, stored = await read(f"budgets of project {project_id}", asked, rows)
            texts, found = values(accounts, len(wanted)), values(stored, len(budgets))
        by_key = await self._limits_by_key(project_id, [scope[2:] for scope in scopes if scope.startswith("k:")])
        limits = [
            by_key.get(scope[2:], Limits())
            if scope.startswith("k:")
            else layout.parse_budget(f"{field} of {project}", text)
            for scope, field, text in zip(scopes, budgets, found, strict=True)
        ]
        return _lines(project_id, day, scopes, limits, texts)

    async def accounts(self, project_id: str, *, day: str, scopes: Sequence[str]) -> list[BudgetLine]:
        if not scopes:
            return []
        wanted = _fields(scopes, day)
        key = layout.budget_key(project_id, day[:6])
        texts = await read(key, self._client.execute("HMGET", key, *wanted), lambda reply: values(reply, len(wanted)))
        return _lines(project_id, day, scopes, [Limits()] * len(scopes), texts)

    async def budget_scopes(self, project_id: str, *, month: str) -> list[str]:
        scopes = {f"k:{place.key_id}" for place in _key_places(project_id, await self._keys(project_id))}
        async for budgets in hash_pages(self._client, layout.project_key(project_id), "b|u:*", size=FEW):
            scopes |= {layout.scope_of(name[2:]) for name in budgets}
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

    async def _keys(self, project_id: str, begin: str = "", size: int = PAGE) -> dict[str, str]:
        """The secrets whose key's id has this, and all without it, users of tokens included."""
        if not begin:
            return await self._matching(project_id, ANY_KEY, size)
        found = await self._matching(project_id, f"{key_field(begin)}*", size)
        # The field of a user of tokens does not begin as his id ends.
        users = {} if found else await self._matching(project_id, ANY_SUBJECT)
        return found or {name: text for name, text in users.items() if own_part_in(name) == begin}

    async def _matching(self, project_id: str, pattern: str, size: int = PAGE) -> dict[str, str]:
        """In pages: of ten thousand fields each is within the store's deadline."""
        key, found = layout.project_key(project_id), dict[str, str]()
        async for fields in hash_pages(self._client, key, pattern, size=size):
            found |= fields
        return found

    async def _limits_by_key(self, project_id: str, key_ids: Sequence[str]) -> dict[str, Limits]:
        """By id. Of a key's secrets the first stands for all, and is kept: its digest begins as the id ends."""
        own = {key_id[-ID_DIGITS:] for key_id in key_ids}
        if not own:
            return {}
        stored = await (self._keys(project_id, next(iter(own)), FEW) if len(own) == 1 else self._keys(project_id))
        places = [place for place in _key_places(project_id, stored) if own_part_of(place.digest) in own]
        return {key.id: key.limits for key in _records(project_id, stored, places)}

    async def _change(self, project_id: str, changes: Sequence[tuple[str, ...]]) -> bool:
        if not changes:
            return True
        arguments = [text for change in changes for text in change]
        asked = self._client.run(self._scripts.change, [layout.project_key(project_id)], arguments)
        return await read("answer of change", asked, flag)

    async def _put(self, record: KeyRecord, *more: str) -> None:
        field = key_field(record.digest)
        key, value = layout.project_key(record.project_id), layout.pack_key(record)
        await done("answer of put_key", self._client.execute("HSET", key, field, value, *more))


def _records(project_id: str, stored: Mapping[str, str], places: Sequence[_KeyPlace]) -> list[KeyRecord]:
    """The secrets at these places, in their order."""
    return [layout.parse_key(project_id, place.digest, stored[key_field(place.digest)]) for place in places]


def _fields(scopes: Sequence[str], day: str) -> list[str]:
    return [field for scope in scopes for field in layout.account_fields(scope, day)]


def _lines(
    project_id: str, day: str, scopes: Sequence[str], limits: Sequence[Limits], texts: Sequence[str | None]
) -> list[BudgetLine]:
    """Two for each scope, from its limits and the texts of its `_fields`."""
    month = day[:6]
    lines: list[BudgetLine] = []
    for scope, limit, some in zip(scopes, limits, batched(texts, _FIELDS_OF_SCOPE), strict=True):
        with named(f"accounts of {scope} in {layout.budget_key(project_id, month)}"):
            day_text, day_guess, month_text, month_guess = some
            today = layout.parse_account(day_text, day_guess)
            all_month = layout.parse_account(month_text, month_guess)
        lines.append(budget_line(scope, day, today, limit.day_nano, limit.day_tokens))
        lines.append(budget_line(scope, month, all_month, limit.month_nano, limit.month_tokens))
    return lines


def _key_places(project_id: str, stored: Mapping[str, str]) -> list[_KeyPlace]:
    """The secrets among the fields of a project, the keys that were made first before others.

    Raises StoreUnreadable for what does not say when it was made.
    """
    return sorted(
        _place(project_id, digest, text) for name, text in stored.items() if (digest := digest_in(name)) is not None
    )


def _place(project_id: str, digest: str, text: str) -> _KeyPlace:
    own = own_part_of(digest)
    with named(f"key key_{project_id}_{own}"):
        created = _CREATED.search(text)
        if created is None:
            raise ValueError
        rotated = _OF.search(text)
        return _KeyPlace(moment(created[1]), digest, f"key_{project_id}_{rotated[1] if rotated else own}")
