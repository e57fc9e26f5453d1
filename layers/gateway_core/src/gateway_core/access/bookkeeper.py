"""Books what nobody settled as estimates: some with each report, all by the schedule; and says what is held."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from gateway_core.domain.errors import StoreUnavailable
from gateway_core.ports import Clock, HoldBook, OperatorStore
from gateway_core.store.estimates import Booked, HeldMoney, is_due, is_left, months_with_holds
from gateway_core.store.reconciliation import reconciled_ticket
from gateway_core.store.records import HoldPage, OpenHold
from gateway_core.telemetry.events import Event, of_changes
from gateway_core.telemetry.ports import EventSink

WITH_A_REPORT = 10
"""How many holds a report books before it is read."""
AT_ONCE = 4
"""How many projects the schedule looks through at a time."""
IN_A_TRIP = 50
"""How many holds it books at a time in each."""
HOUR_MS = 3_600_000


@dataclass(slots=True)
class _Count:
    """Attempts of a project that nobody settled, whether told as unconfirmed or left open, by their names."""

    held: dict[tuple[str, int], int] = field(default_factory=dict)
    booked: set[tuple[str, int]] = field(default_factory=set)
    unreadable: set[str] = field(default_factory=set)

    def add(self, holds: Iterable[OpenHold]) -> None:
        """A page may have a hold twice, and one that was booked since."""
        self.held |= {_name(hold): hold.hold_nano for hold in holds if _name(hold) not in self.booked}

    def book(self, hold: OpenHold) -> None:
        self.held.pop(_name(hold), None)
        self.booked.add(_name(hold))

    def total(self, project_id: str) -> HeldMoney:
        return HeldMoney(project_id, len(self.held), sum(self.held.values()), len(self.booked), len(self.unreadable))


@dataclass(frozen=True, slots=True)
class Bookkeeper:
    """`wait_ms`: see `HoldBook`. Thresholds of budgets that a booking reaches are told by events."""

    store: OperatorStore
    events: EventSink
    clock: Clock
    wait_ms: int

    async def before_report(self, project_id: str) -> None:
        """Book some of what is due. A store that does not answer is the report's to tell."""
        with suppress(StoreUnavailable):
            now_ms = self.clock.now_ms()
            await self._tell(project_id, await self.store.book_due(project_id, now_ms=now_ms, limit=WITH_A_REPORT))

    async def look_through(self, *, within_s: float) -> list[HeldMoney]:
        """Book what is due in all projects, as far as the time goes; what is left in each. Raises StoreUnavailable."""
        until_s = self.clock.monotonic_s() + within_s
        projects = _in_turn(await self.store.projects(), self.clock.now_ms())
        found: list[HeldMoney] = []
        for first in range(0, len(projects), AT_ONCE):
            if self.clock.monotonic_s() <= until_s:
                some = projects[first : first + AT_ONCE]
                looks = (self._look_through(project, until_s) for project in some)
                for look in await asyncio.gather(*looks, return_exceptions=True):
                    if isinstance(look, BaseException):
                        raise look
                    found.append(look)
        return sorted(found, key=lambda held: held.project_id)

    async def _look_through(self, project_id: str, until_s: float) -> HeldMoney:
        count = _Count()
        for month in months_with_holds(self.clock.now_ms()):
            async for page in pages_of(self.store, project_id, month):
                now_ms = self.clock.now_ms()
                count.unreadable |= {f"{month} {name}" for name in page.unreadable}
                count.add(hold for hold in page.holds if is_left(hold, now_ms))
                due = [hold for hold in page.holds if is_due(hold, now_ms=now_ms, wait_ms=self.wait_ms)]
                await self._book(project_id, due, count, until_s)
        return count.total(project_id)

    async def _book(self, project_id: str, due: Sequence[OpenHold], count: _Count, until_s: float) -> None:
        for first in range(0, len(due), IN_A_TRIP):
            if self.clock.monotonic_s() >= until_s:
                return
            now_ms, some = self.clock.now_ms(), due[first : first + IN_A_TRIP]
            try:
                booked = await self.store.book_holds(project_id, some, now_ms=now_ms)
            except StoreUnavailable:  # what it did of them is done; the next round finds the others
                return
            for each in booked:
                count.book(each.hold)
            await self._tell(project_id, booked)

    async def _tell(self, project_id: str, booked: Sequence[Booked]) -> None:
        events: list[Event] = []
        for each in booked:
            ticket = reconciled_ticket(project_id, each.hold)
            events += of_changes(each.crossed, ticket, {}, self.clock.now_ms())
        if events:
            await self.events.emit(events)


async def pages_of(store: HoldBook, project_id: str, month: str) -> AsyncIterator[HoldPage]:
    """All holds of a month, a page after the other."""
    page = await store.hold_page(project_id, month=month)
    yield page
    while page.cursor:
        page = await store.hold_page(project_id, month=month, cursor=page.cursor)
        yield page


def _in_turn(projects: Sequence[str], now_ms: int) -> Sequence[str]:
    """Beginning with others in each hour: where there are too many for one round, none is always the last."""
    first = now_ms // HOUR_MS * AT_ONCE % max(1, len(projects))
    return [*projects[first:], *projects[:first]]


def _name(hold: OpenHold) -> tuple[str, int]:
    return hold.request_id, hold.attempt
