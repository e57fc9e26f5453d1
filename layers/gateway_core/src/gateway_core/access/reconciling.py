"""What an operator does to money in doubt: looks through it, in all projects, and decides about one hold or many."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gateway_core.access.bookkeeper import pages_of
from gateway_core.domain.cost import usd
from gateway_core.domain.errors import UnknownHold
from gateway_core.domain.times import iso
from gateway_core.ports import Clock, OperatorStore
from gateway_core.store.budget import NOTHING, Amount
from gateway_core.store.estimates import is_left, months_with_holds, unconfirmed_since_ms
from gateway_core.store.records import AttemptName, HoldState, OpenHold

type Line = dict[str, object]
type Charge = Literal["known", "bound"] | Amount
"""What is spent instead of a hold, beside what is charged already: nothing more, all of it, or an amount."""
AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Selection:
    """Which holds: of one project or of all (empty), of a month or of this one and the last, in a state or held at all.

    `older_than_ms`: those that were made longer ago.
    """

    project_id: str = ""
    month: str | None = None
    state: HoldState | None = None
    older_than_ms: int = 0

    def has(self, hold: OpenHold, now_ms: int) -> bool:
        in_state = not hold.booked if self.state is None else hold.state == self.state
        return in_state and hold.held_since_ms + self.older_than_ms <= now_ms


@dataclass(frozen=True, slots=True)
class Found:
    """A hold with its project."""

    project_id: str
    hold: OpenHold

    def charge(self, asked: Charge) -> Amount:
        if isinstance(asked, Amount):
            return asked
        return Amount(self.hold.hold_nano, self.hold.hold_tokens) if asked == "bound" else NOTHING


@dataclass(frozen=True, slots=True)
class Selected:
    """What a selection has. `unreadable` holds were in the way: of these nothing can be said."""

    holds: tuple[Found, ...]
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class Reconciling:
    """Works on one store. Every method raises StoreUnavailable."""

    store: OperatorStore
    clock: Clock

    async def select(self, selection: Selection) -> Selected:
        """The holds, oldest first. Read in pages: the server does nothing else for as long as a page takes."""
        now_ms = self.clock.now_ms()
        found: dict[tuple[str, str, int], Found] = {}
        unreadable: set[tuple[str, str, str]] = set()
        for project in [selection.project_id] if selection.project_id else await self.store.projects():
            for month in self._months(selection.month):
                async for page in pages_of(self.store, project, month):
                    unreadable |= {(project, month, name) for name in page.unreadable}
                    wanted = (hold for hold in page.holds if selection.has(hold, now_ms))
                    found |= {(project, hold.request_id, hold.attempt): Found(project, hold) for hold in wanted}
        oldest = sorted(found.values(), key=lambda each: (each.hold.held_since_ms, each.project_id, _name(each.hold)))
        return Selected(tuple(oldest), len(unreadable))

    def lines(self, found: Sequence[Found]) -> list[Line]:
        """One a hold, with what is charged already and what is suggested to charge."""
        now_ms = self.clock.now_ms()
        return [_hold_line(each, now_ms) for each in found]

    def sums(self, selected: Selected) -> Line:
        """Of all of them together."""
        now_ms = self.clock.now_ms()
        holds = [each.hold for each in selected.holds]
        states = [hold.state for hold in holds]
        return {
            "holds": len(holds),
            **{state: states.count(state) for state in ("open", "unconfirmed", "estimated")},
            "hold_usd": usd(sum(hold.hold_nano for hold in holds)),
            "charged_usd": usd(sum(hold.paid_nano for hold in holds)),
            "suggested_usd": usd(sum(hold.hold_nano for hold in holds if _is_over(hold, now_ms))),
            **({"unreadable": selected.unreadable} if selected.unreadable else {}),
        }

    async def release_all(self, found: Sequence[Found], charge: Charge, *, dry_run: bool) -> list[Line]:
        """Resolve all that nobody works on any more; what was resolved. With `dry_run` nothing happens."""
        now_ms = self.clock.now_ms()
        over = [each for each in found if _is_over(each.hold, now_ms)]
        lines: list[Line] = []
        for first in range(0, len(over), AT_ONCE):
            some = over[first : first + AT_ONCE]
            done = await asyncio.gather(*(self._resolve(each, each.charge(charge), dry_run=dry_run) for each in some))
            lines += [line for line in done if line]
        return lines

    async def release(
        self, project_id: str, month: str | None, name: AttemptName, charge: Charge, *, dry_run: bool
    ) -> Line:
        """Resolve one hold, whoever works on it. Raises UnknownHold if there is none."""
        for hold in await self._named(project_id, self._months(month), name):
            found = Found(project_id, hold)
            if line := await self._resolve(found, found.charge(charge), dry_run=dry_run):
                return line
        shown = f"{name[0]}.{name[1]}"
        raise UnknownHold(f"Nothing is held for {shown!r} in that month: it is settled, or was never admitted.")

    async def _named(self, project_id: str, months: Sequence[str], name: AttemptName) -> list[OpenHold]:
        found = [await self.store.find_hold(project_id, month=month, name=name) for month in months]
        return [hold for hold in found if hold]

    async def _resolve(self, found: Found, charge: Amount, *, dry_run: bool) -> Line | None:
        hold = found.hold
        line = {"project": found.project_id, **_released(_name(hold), charge)}
        if dry_run:
            return {**line, "released": False, "dry_run": True}
        month = hold.day[:6]
        is_done = await self._resolved(found.project_id, month, hold.request_id, hold.attempt, charge)
        return line if is_done else None

    async def _resolved(self, project_id: str, month: str, request_id: str, attempt: int, charge: Amount) -> bool:
        return await self.store.resolve_hold(
            project_id,
            month=month,
            request_id=request_id,
            attempt=attempt,
            charge_nano=charge.nano,
            charge_tokens=charge.tokens,
            now_ms=self.clock.now_ms(),
        )

    def _months(self, month: str | None) -> tuple[str, ...]:
        return (month,) if month else months_with_holds(self.clock.now_ms())


def _is_over(hold: OpenHold, now_ms: int) -> bool:
    return hold.booked or is_left(hold, now_ms)


def _why(hold: OpenHold, now_ms: int) -> str:
    """What became of the attempt, as far as anybody knows."""
    if hold.unconfirmed:
        return "it timed out or broke, and the provider may have billed it"
    if hold.booked or is_left(hold, now_ms):
        return "its process died, or the settlement waits to be replayed"
    return "it is under way, or its process died"


def _name(hold: OpenHold) -> str:
    return f"{hold.request_id}.{hold.attempt}"


def _released(name: str, charge: Amount) -> Line:
    return {"hold": name, "released": True, "charge_usd": usd(charge.nano), "charge_tokens": charge.tokens}


def _hold_line(found: Found, now_ms: int) -> Line:
    hold, is_over = found.hold, _is_over(found.hold, now_ms)
    return {
        "hold": _name(hold),
        "project": found.project_id,
        "state": hold.state,
        "why": _why(hold, now_ms),
        "key_id": hold.key_id,
        "user_id": hold.user_id,
        "day": hold.day,
        "hold_usd": usd(hold.hold_nano),
        "hold_tokens": hold.hold_tokens,
        "charged_usd": usd(hold.paid_nano),
        "charged_tokens": hold.paid_tokens,
        # The provider may have billed all of it. What still runs will say itself.
        "suggested_usd": usd(hold.hold_nano) if is_over else None,
        "suggested_tokens": hold.hold_tokens if is_over else None,
        "since": iso(hold.held_since_ms),
        "unconfirmed_since": iso(unconfirmed_since_ms(hold)) if is_over else None,
    }
