"""Moves a project from one database to another.

What belongs to the project is renamed at the source first, its keys before all else: from then on nobody is admitted
there, and what is copied does not change. It lives at the target when its keys are there, which come last. Broken off
anywhere, the same is done again and goes on.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import batched

from gateway_core.adapters.upstash import layout
from gateway_core.adapters.upstash.client import Client
from gateway_core.adapters.upstash.copying import KeyCopier
from gateway_core.adapters.upstash.pages import key_pages
from gateway_core.adapters.upstash.reading import done, pairs, read, text, whole
from gateway_core.adapters.upstash.scripts import Script
from gateway_core.domain.errors import StoreUnavailable

_MOVING = layout.moving_key("")
_ASIDE = "gu:"
"""Before what the project's keys left at the target as guests."""
_ARRIVING = "in:"
"""Before the project at the target, until all of its keys are there."""
_BY = "by"
_OURS = (_BY, _ASIDE)
"""Fields of the frozen hash: who moves the project, and whether guests are aside."""
_AT_ONCE = 100
_RENAME = """
if redis.call('EXISTS', KEYS[1]) == 1 and redis.call('EXISTS', KEYS[2]) == 0 then
  redis.call('RENAME', KEYS[1], KEYS[2])
end
return 'OK'
"""
_REPLACE = "if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('RENAME', KEYS[1], KEYS[2]) end return 'OK'"


@dataclass(frozen=True, slots=True)
class Moved:
    """How many keys were moved, with the hash of virtual keys.

    `late` are those that somebody wrote at the source meanwhile, and that stay there.
    """

    keys: int
    late: tuple[str, ...] = ()


class ProjectMove:
    """One project on its way. Every method raises StoreUnavailable, and may be called again."""

    def __init__(self, source: Client, target: Client, project_id: str) -> None:
        self._source = source
        self._target = target
        self._project_id = project_id
        self._token = secrets.token_hex(8)
        self._arriving = _ARRIVING + project_id
        self._keys, self._frozen = layout.project_key(project_id), layout.moving_key(project_id)
        families = "bud|ux|agg|use|rc|rh|job|jb|jl|ji|jo"
        self._own = re.compile(rf"({families}):{re.escape(project_id)}(:.*)?")

    async def freeze(self) -> None:
        """Admit nobody at the source from now on. Whoever else is moving the project ends."""
        await self._rename(self._source, self._keys, self._frozen)
        await done(self._frozen, self._source.execute("HSET", self._frozen, _BY, self._token))

    async def thaw(self) -> None:
        """As if nothing had been begun."""
        await done(self._frozen, self._source.execute("HDEL", self._frozen, *_OURS))
        await self._rename(self._source, self._frozen, self._keys)

    async def has_open_jobs(self, now_ms: int) -> bool:
        return bool(await self._source.execute("ZCOUNT", layout.open_jobs_key(self._project_id), now_ms, "+inf"))

    async def has_begun(self) -> bool:
        """Whether anything but the project's keys is on its way."""
        return bool([key async for key in self._scan(self._source, _MOVING)])

    async def is_done(self) -> bool:
        """Whether the project lives at the target already, and only the source has to be emptied."""
        return bool(await self._target.execute("HEXISTS", self._keys, layout.HOME))

    async def carry(self) -> Moved:
        """Bring all of it to the target. The source is frozen."""
        if not await self.is_done():
            await self._set_guests_aside()
            await self._rename_all()
            async for key in self._scan(self._source, _MOVING):
                await self._check()
                await KeyCopier(self._source, self._target).copy(_MOVING + key, key)
            await self._add_guests()
            await self._check()
            await self._move_in()
        return await self._empty()

    async def _check(self) -> None:
        """What another command has brought to the target is in use there."""
        if await self._source.execute("HGET", self._frozen, _BY) != self._token or await self.is_done():
            raise StoreUnavailable(f"Another command is moving project {self._project_id!r}, so this one ends.")

    async def _rename_all(self) -> None:
        await done(self._project_id, self._source.execute("SREM", layout.PROJECTS, self._project_id))
        async for key in self._scan(self._source):
            await self._rename(self._source, key, _MOVING + key)

    async def _set_guests_aside(self) -> None:
        """The project's keys may have been used at the target, on others' projects: their accounts are theirs.

        Once: what is there later is a copy of ours.
        """
        if await self._source.execute("HEXISTS", self._frozen, _ASIDE):
            return
        async for key in self._scan(self._target):
            if key.startswith(layout.budget_key(self._project_id, "")):
                await self._rename(self._target, key, _ASIDE + key)
        await done(self._frozen, self._source.execute("HSET", self._frozen, _ASIDE, "1"))

    async def _add_guests(self) -> None:
        async for key in self._scan(self._target, _ASIDE):
            aside = await read(key, self._target.execute("HGETALL", _ASIDE + key), pairs)
            for field, account in aside.items():
                if field.startswith("k:"):
                    known = await self._target.execute("HGET", key, field)
                    both = account if known is None else _added(account, text(known))
                    await done(key, self._target.execute("HSET", key, field, both))

    async def _move_in(self) -> None:
        """At its end, in one step, the target has the project. Keys that were guests there are replaced by it."""
        stored = await read(self._frozen, self._source.execute("HGETALL", self._frozen), pairs)
        fields = {name: value for name, value in stored.items() if name not in _OURS} | {layout.HOME: "1"}
        await done(self._keys, self._target.execute("DEL", self._arriving))
        for some in batched(fields.items(), _AT_ONCE):
            flat = [part for pair in some for part in pair]
            await done(self._keys, self._target.execute("HSET", self._arriving, *flat))
        await self._rename(self._target, self._arriving, self._keys, script=_REPLACE)

    async def _empty(self) -> Moved:
        await done(self._project_id, self._target.execute("SADD", layout.PROJECTS, self._project_id))
        moved = [_MOVING + key async for key in self._scan(self._source, _MOVING)]
        for some in batched(moved, _AT_ONCE):
            await done(self._project_id, self._source.execute("UNLINK", *some))
        async for key in self._scan(self._target, _ASIDE):
            await done(key, self._target.execute("DEL", _ASIDE + key))
        late = [key async for key in self._scan(self._source)]
        await done(self._frozen, self._source.execute("DEL", self._frozen))
        return Moved(len(moved) + 1, tuple(sorted(late)))

    @staticmethod
    async def _rename(client: Client, key: str, to: str, *, script: str = _RENAME) -> None:
        await done(key, client.run(_script(script), [key, to], []))

    async def _scan(self, client: Client, prefix: str = "") -> AsyncIterator[str]:
        """The project's keys, but for the hash of its virtual keys, that stand behind the prefix; without it."""
        seen = set[str]()
        async for page in key_pages(client, f"{prefix}*:{self._project_id}*"):
            for key in (key.removeprefix(prefix) for key in page if key.startswith(prefix)):
                if self._own.fullmatch(key) and key not in seen:
                    seen.add(key)
                    yield key


def _added(one: str, other: str) -> str:
    return ";".join(str(whole(a) + whole(b)) for a, b in zip(one.split(";"), other.split(";"), strict=True))


def _script(code: str) -> Script:
    return Script(code, hashlib.sha1(code.encode(), usedforsecurity=False).hexdigest())
