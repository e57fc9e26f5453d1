"""What an operator works with, over several databases."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from gateway_core.adapters.spread.homes import Homes, told
from gateway_core.domain.caller import Limits
from gateway_core.domain.errors import StoreUnavailable
from gateway_core.ports import OperatorStore
from gateway_core.store.counters import Counters
from gateway_core.store.earlier_counters import EarlierFields
from gateway_core.store.estimates import Booked
from gateway_core.store.key_changes import KeyChange, KeyRecords
from gateway_core.store.placement import Placement, Residence
from gateway_core.store.records import AttemptName, BudgetLine, HoldPage, HourPlace, HourRecords, OpenHold, RecordPage
from gateway_core.store.virtual_keys import KeyRecord, project_of_key_id


class SpreadOperatorStore[S: OperatorStore]:
    """Implements the port `OperatorStore` over `databases`. Where it is to have all projects, all have to answer."""

    def __init__(self, databases: Mapping[str, S], placement: Placement) -> None:
        self._databases = databases
        self._homes = Homes(databases, placement)

    async def put_key(self, record: KeyRecord) -> None:
        async with self._homes.at(record.project_id) as store:
            await store.put_key(record)

    async def put_key_once(self, record: KeyRecord, name: str) -> str:
        async with self._homes.at(record.project_id) as store:
            return await store.put_key_once(record, name)

    async def list_keys(self, project_id: str) -> list[KeyRecord]:
        async with self._homes.at(project_id) as store:
            return await store.list_keys(project_id)

    async def find_keys(self, project_id: str, key_ids: Collection[str]) -> list[KeyRecord]:
        async with self._homes.at(project_id) as store:
            return await store.find_keys(project_id, key_ids)

    async def key_page(self, project_id: str, *, after: str, limit: int) -> KeyRecords | None:
        async with self._homes.at(project_id) as store:
            return await store.key_page(project_id, after=after, limit=limit)

    async def revoke_key(self, key_id: str, *, now_ms: int) -> bool:
        """Also where it is a guest. Without that a guest is refused when its caller is looked up again."""
        project_id = project_of_key_id(key_id)
        if project_id is None:
            return False
        async with self._homes.at(project_id) as store:
            if not await store.revoke_key(key_id, now_ms=now_ms):
                return False
        await self.drop_guests(project_id)
        return True

    async def change_keys(self, project_id: str, changes: Sequence[KeyChange]) -> bool:
        """Guests are let in anew, as what they are then: a copy may have limits that are not its own any more."""
        async with self._homes.at(project_id) as store:
            is_done = await store.change_keys(project_id, changes)
        if is_done and changes:
            await self.drop_guests(project_id)
        return is_done

    async def last_days(self, project_id: str, *, month: str, key_ids: Sequence[str]) -> dict[str, str]:
        async with self._homes.at(project_id) as store:
            return await store.last_days(project_id, month=month, key_ids=key_ids)

    async def set_budget(self, project_id: str, user_id: str, limits: Limits) -> None:
        async with self._homes.at(project_id) as store:
            await store.set_budget(project_id, user_id, limits)

    async def change_budget(self, project_id: str, user_id: str, before: Limits, after: Limits) -> bool:
        async with self._homes.at(project_id) as store:
            return await store.change_budget(project_id, user_id, before, after)

    async def budget_lines(self, project_id: str, *, day: str, scopes: Sequence[str]) -> list[BudgetLine]:
        async with self._homes.at(project_id) as store:
            return await store.budget_lines(project_id, day=day, scopes=scopes)

    async def accounts(self, project_id: str, *, day: str, scopes: Sequence[str]) -> list[BudgetLine]:
        async with self._homes.at(project_id) as store:
            return await store.accounts(project_id, day=day, scopes=scopes)

    async def budget_scopes(self, project_id: str, *, month: str) -> list[str]:
        async with self._homes.at(project_id) as store:
            return await store.budget_scopes(project_id, month=month)

    async def residence(self, project_id: str) -> Residence:
        async with self._homes.at(project_id) as store:
            return await store.residence(project_id)

    async def residents(self) -> list[str]:
        found: set[str] = set()
        for name, store in self._databases.items():
            with told(name):
                found.update(await store.residents())
        return sorted(found)

    async def put_guest(self, record: KeyRecord) -> None:
        """In all databases."""
        for name, store in self._databases.items():
            with told(name):
                await store.put_guest(record)

    async def drop_guests(self, project_id: str) -> None:
        for name, store in self._databases.items():
            with told(name):
                await store.drop_guests(project_id)

    async def open_holds(self, project_id: str, *, month: str) -> list[OpenHold]:
        async with self._homes.at(project_id) as store:
            return await store.open_holds(project_id, month=month)

    async def hold_page(self, project_id: str, *, month: str, cursor: str = "") -> HoldPage:
        async with self._homes.at(project_id) as store:
            return await store.hold_page(project_id, month=month, cursor=cursor)

    async def find_hold(self, project_id: str, *, month: str, name: AttemptName) -> OpenHold | None:
        async with self._homes.at(project_id) as store:
            return await store.find_hold(project_id, month=month, name=name)

    async def book_hold(self, project_id: str, hold: OpenHold, *, now_ms: int) -> Booked | None:
        async with self._homes.at(project_id) as store:
            return await store.book_hold(project_id, hold, now_ms=now_ms)

    async def book_holds(self, project_id: str, holds: Sequence[OpenHold], *, now_ms: int) -> list[Booked]:
        async with self._homes.at(project_id) as store:
            return await store.book_holds(project_id, holds, now_ms=now_ms)

    async def book_due(self, project_id: str, *, now_ms: int, limit: int) -> list[Booked]:
        async with self._homes.at(project_id) as store:
            return await store.book_due(project_id, now_ms=now_ms, limit=limit)

    async def resolve_hold(self, project_id: str, **of_hold: Any) -> bool:
        async with self._homes.at(project_id) as store:
            return await store.resolve_hold(project_id, **of_hold)

    async def names(self, project_id: str, indexes: Mapping[str, Sequence[str]]) -> dict[str, dict[str, list[str]]]:
        async with self._homes.at(project_id) as store:
            return await store.names(project_id, indexes)

    async def counted(self, project_id: str, wanted: Mapping[str, Sequence[str]]) -> dict[str, dict[str, Counters]]:
        async with self._homes.at(project_id) as store:
            return await store.counted(project_id, wanted)

    async def earlier_counters(
        self, project_id: str, days: Sequence[str], wanted: EarlierFields
    ) -> list[dict[str, Counters]]:
        async with self._homes.at(project_id) as store:
            return await store.earlier_counters(project_id, days, wanted)

    async def usage_records(self, project_id: str, *, day: str, after: str = "", limit: int = 100) -> RecordPage:
        async with self._homes.at(project_id) as store:
            return await store.usage_records(project_id, day=day, after=after, limit=limit)

    async def hour_records(
        self, project_id: str, places: Sequence[HourPlace], *, limit: int, newest: bool = False
    ) -> list[HourRecords]:
        async with self._homes.at(project_id) as store:
            return await store.hour_records(project_id, places, limit=limit, newest=newest)

    async def projects(self) -> list[str]:
        """Those of all databases: without one of them a sum would be wrong, so the error names which it was."""
        asked = (self._projects(name, store) for name, store in self._databases.items())
        found = dict(zip(self._databases, await asyncio.gather(*asked), strict=True))
        for name, projects in found.items():
            for project in projects:
                if self._homes.placement.database_of(project) == name:
                    self._homes.note(project)
        return sorted({project for projects in found.values() for project in projects})

    @staticmethod
    async def _projects(name: str, store: S) -> list[str]:
        try:
            with told(name):
                return await store.projects()
        except StoreUnavailable as error:
            error.message = f"The gateway's database {name!r} does not answer, which has some of the projects."
            raise
