"""Keys: made, shown, changed, given a new secret, revoked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import batched
from typing import Any

from gateway_core.access import given_values
from gateway_core.access.administrator import Administrator, Line, insisted
from gateway_core.access.key_lines import KeyUse, key_line
from gateway_core.domain.caller import party
from gateway_core.domain.errors import Conflict, InvalidRequest, UnknownKey
from gateway_core.domain.times import day_key, iso, utc_date
from gateway_core.store import key_changes
from gateway_core.store.key_changes import KeyChange, StoredKey
from gateway_core.store.virtual_keys import KeyRecord, digest_of, new_key, project_of_key_id

DAY_S = 86_400
MOST_MONTHS = 14
"""Accounts are kept for 400 days: who was not used for longer was never used, as far as anybody knows."""
_KEYS_AT_ONCE = 100
"""Whose accounts are read in one trip: 31 days each."""


@dataclass(frozen=True, slots=True)
class KeyPage:
    """Some keys of a project, and the id behind which the next page begins, None on the last one."""

    lines: list[Line]
    next_cursor: str | None


class KeyAdministration(Administrator):
    """What concerns keys. A key is named by its id; every method raises UnknownKey where there is none with it.

    Changes are made whole or not at all, and never undo what somebody else changed meanwhile.
    """

    __slots__ = ()

    async def create_key(self, grant: KeyRecord, *, once: str = "") -> Line:
        """Make a key with the rights and limits of `grant`: `key`, `id`. The secret is in the answer and nowhere else.

        What is asked `once`, by that name, makes one key: the same again gives it another secret, and ends the one that
        was in an answer which got lost. Raises InvalidRequest for a right that does not exist or an end that is over,
        ConfigError for limits that cannot be kept.
        """
        self._check({field.name: getattr(grant, field.name) for field in fields(grant)})
        key = new_key(grant.project_id)
        record = replace(grant, digest=digest_of(key), created_ms=self.clock.now_ms())
        if not once:
            await insisted(lambda: self.store.put_key(record))
            return {"key": key, "id": record.id}
        made = await insisted(lambda: self.store.put_key_once(record, digest_of(once)))
        if made != record.id:
            key = str((await self.rotate_key(made, overlap_s=0))["key"])
        return {"key": key, "id": made}

    async def get_key(self, key_id: str) -> Line:
        """One key as `list_keys` has it."""
        (line,) = await self._lines([await self._stored(key_id)])
        return line

    async def key_pages(self, project_id: str) -> AsyncIterator[list[Line]]:
        """The project's keys, revoked ones included, oldest first, as `key_line` shows them; a page after the other."""
        for some in batched(key_changes.grouped(await self.store.list_keys(project_id)), _KEYS_AT_ONCE):
            yield await self._lines(some)

    async def key_page(self, project_id: str, *, after: str = "", limit: int) -> KeyPage:
        """Those behind the id `after`, `limit` at most. Raises InvalidRequest for an unknown one."""
        found = await self.store.key_page(project_id, after=after, limit=limit)
        if found is None:
            raise InvalidRequest("cursor: there is no such key in the project.", param="cursor", schema=True)
        keys = key_changes.grouped(found.records)
        return KeyPage(await self._lines(keys), keys[-1].newest.id if found.has_more else None)

    async def update_key(self, key_id: str, rights: Mapping[str, Any], limits: Mapping[str, int | None]) -> Line:
        """Change what is named of a key: fields of `KeyRecord`, and of `Limits`, None lifting one.

        At once, for all its secrets; requests under way go on. Raises Conflict for a key that is revoked, and as
        `create_key`.
        """
        self._check(rights)

        def change(key: StoredKey) -> list[KeyChange]:
            _check_alive(key, "changed")
            return key_changes.updated(key, rights, limits)

        await self._change(key_id, change)
        return await self.get_key(key_id)

    async def rotate_key(self, key_id: str, *, overlap_s: int = DAY_S) -> Line:
        """Give a key a new secret: `key`, `id` and `old_secret_ends_at`, until when older ones are good as well.

        Rights, limits, what was spent and the id stay. Raises Conflict for a key that is revoked or has expired, and
        InvalidRequest for more than 30 days.
        """
        _check_field("overlap_s", given_values.overlap, overlap_s)
        secret, now_ms = new_key(project_of_key_id(key_id) or ""), self.clock.now_ms()
        digest, until_ms = digest_of(secret), now_ms + overlap_s * 1000

        def change(key: StoredKey) -> list[KeyChange]:
            if any(record.digest == digest for record in key.all):
                return []  # done, though its answer got lost
            _check_alive(key, "rotated")
            if key.newest.is_subject:
                raise Conflict(
                    f"{key_id} is a user of tokens, and has no secret. Nothing is to be rotated.", param="id"
                )
            if key.newest.has_ended(now_ms):
                raise Conflict(f"The key {key_id} has expired. Give it a later expires_at first.", param="expires_at")
            return key_changes.rotated(key, digest, until_ms=until_ms, now_ms=now_ms)

        await self._change(key_id, change)
        return {"key": secret, "id": key_id, "old_secret_ends_at": iso(until_ms)}

    async def revoke_key(self, key_id: str) -> Line:
        """Take the rights of all secrets of a key away, at once and for good. Doing it again changes nothing."""
        if not await insisted(lambda: self.store.revoke_key(key_id, now_ms=self.clock.now_ms())):
            raise unknown_key(key_id)
        return {"id": key_id, "revoked": True}

    def _check(self, rights: Mapping[str, Any]) -> None:
        if self.names:
            self.names.check(rights)
        _check_field("name", given_values.title, rights.get("name"))
        _check_field("user_id", party, rights.get("user_id") or None)
        ends_ms = rights.get("expires_ms")
        _check_field("expires_at", given_values.moment, ends_ms)
        if ends_ms is not None and ends_ms <= self.clock.now_ms():
            raise InvalidRequest("expires_at: this moment is over. Name a later one.", param="expires_at", schema=True)

    async def _stored(self, key_id: str) -> StoredKey:
        project_id = project_of_key_id(key_id)
        records = await self.store.find_keys(project_id, {key_id}) if project_id else []
        for key in key_changes.grouped(records):
            return key
        raise unknown_key(key_id)

    async def _change(self, key_id: str, change: Callable[[StoredKey], list[KeyChange]]) -> None:
        for _ in self.tries():
            if await insisted(lambda: self._changed(key_id, change)):
                return
        raise Conflict(f"Others change the key {key_id} at the same time. Try again.")

    async def _changed(self, key_id: str, change: Callable[[StoredKey], list[KeyChange]]) -> bool:
        """From what is there now: a change whose answer got lost is found done, and is not made again."""
        key = await self._stored(key_id)
        return await self.store.change_keys(key.newest.project_id, change(key))

    async def _lines(self, keys: Sequence[StoredKey]) -> list[Line]:
        used, now_ms = [], self.clock.now_ms()
        for some in batched(keys, _KEYS_AT_ONCE):
            used += [key_line(key, use, now_ms) for key, use in zip(some, await self._uses(some), strict=True)]
        return used

    async def _uses(self, keys: Sequence[StoredKey]) -> list[KeyUse]:
        project_id, ids = keys[0].newest.project_id, [key.newest.id for key in keys]
        lines = await self.store.accounts(project_id, day=self.today(), scopes=[f"k:{key_id}" for key_id in ids])
        last = await self._last_days(project_id, keys)
        days, months = lines[::2], lines[1::2]
        return [KeyUse(*use) for use in zip(days, months, (last.get(key_id) for key_id in ids), strict=True)]

    async def _last_days(self, project_id: str, keys: Sequence[StoredKey]) -> dict[str, str]:
        """The days of the keys' last admissions, read from their accounts: nothing is written for it."""
        since = {key.newest.id: day_key(utc_date(key.newest.created_ms))[:6] for key in keys}
        found: dict[str, str] = {}
        for month in _months_back(self.today()[:6]):
            missing = [key_id for key_id, made in since.items() if key_id not in found and made <= month]
            if not missing:
                break
            found |= await self.store.last_days(project_id, month=month, key_ids=missing)
        return {key_id: f"{day[:4]}-{day[4:6]}-{day[6:]}" for key_id, day in found.items()}


def unknown_key(key_id: str) -> UnknownKey:
    """The error for an id that no key has."""
    return UnknownKey(f"There is no key {key_id[:80]!r}. See: gateway keys list --project ID.", param="id")


def _check_field[T](field: str, check: Callable[[T], T], value: T | None) -> None:
    """What cannot be read again is not written, whichever way it came: it would hide all keys of the project."""
    try:
        if value is not None:
            check(value)
    except ValueError as error:
        raise InvalidRequest(f"{field}: {error}.", param=field, schema=True) from None


def _check_alive(key: StoredKey, what: str) -> None:
    if key.newest.revoked_ms is not None:
        raise Conflict(f"The key {key.newest.id} is revoked, and cannot be {what}. Make a new one.", param="id")


def _months_back(month: str) -> Iterator[str]:
    """The month `202611` and those before it."""
    number = int(month[:4]) * 12 + int(month[4:]) - 1
    return (f"{each // 12:04}{each % 12 + 1:02}" for each in range(number, number - MOST_MONTHS, -1))
