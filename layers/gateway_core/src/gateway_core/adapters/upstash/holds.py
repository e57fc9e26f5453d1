"""Holds in Upstash: those that nobody settled are booked as estimates, or resolved by an operator.

What moves is reckoned here, by the rules in `store.budget`, from what a hold says; one script moves it if the hold is
still that. Only an admission and a settlement do their own reckoning, as they have one trip.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from gateway_core.adapters.upstash import hold_format, layout
from gateway_core.adapters.upstash.calls import ScriptCall, add_books, declare_books, parse_adjusted, request_call
from gateway_core.adapters.upstash.client import Client, Reply, unavailable
from gateway_core.adapters.upstash.pages import FIRST, hash_page, hash_pages
from gateway_core.adapters.upstash.part import Part
from gateway_core.adapters.upstash.reading import done, named, read, rows, texts, values
from gateway_core.adapters.upstash.scripts import Script, Scripts
from gateway_core.domain.errors import StoreUnavailable, StoreUnreadable
from gateway_core.store import budget
from gateway_core.store.budget import NOTHING, Amount, Movement
from gateway_core.store.changes import BudgetCrossed, Change
from gateway_core.store.estimates import (
    LEAST_WAIT_MS,
    MONTH_CHARS,
    Booked,
    adjustment_record,
    booking,
    counted_from_ms,
    indexed,
)
from gateway_core.store.exact_amounts import check_charge
from gateway_core.store.messages import Settlement, Ticket
from gateway_core.store.reconciliation import reconciled_record, reconciled_ticket
from gateway_core.store.records import AttemptName, HoldPage, OpenHold

_HELD, _ANY = "[hx]|*", "[hxe]|*"
MOST_TRIES = 5
"""How often a hold may turn out to be another than it was a moment ago, before it is given up for now."""


@dataclass(frozen=True, slots=True)
class StoredHold:
    """A hold with its kind (see `hold_format.hold_field`) and its value, by which it is known to be unchanged."""

    kind: str
    text: str
    hold: OpenHold


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of a hold: its new kind and value (empty: it is gone), and how its money moves.

    `tells` thresholds that are reached; `is_late` for a settlement of a request that has gone on.
    """

    by: Movement
    kind: str = ""
    text: str = ""
    tells: bool = False
    is_late: bool = False


class UpstashHolds(Part):
    """Implements the port `HoldBook`."""

    def __init__(self, client: Client, scripts: Scripts, unconfirmed_after_ms: int = LEAST_WAIT_MS) -> None:
        super().__init__(client, scripts)
        self._wait_ms = unconfirmed_after_ms

    async def open_holds(self, project_id: str, *, month: str) -> list[OpenHold]:
        found: dict[str, str] = {}
        async for fields in hash_pages(self._client, layout.budget_key(project_id, month), _HELD):
            found |= fields
        holds = [hold_format.parse_hold(name, text) for name, text in found.items() if text]
        return sorted(holds, key=lambda hold: (hold.held_since_ms, hold.request_id, hold.attempt))

    async def hold_page(self, project_id: str, *, month: str, cursor: str = "") -> HoldPage:
        fields, after = await hash_page(self._client, layout.budget_key(project_id, month), _ANY, cursor or FIRST)
        found = {name: _readable(name, text) for name, text in fields.items() if text}
        holds = tuple(hold for hold in found.values() if hold)
        return HoldPage(holds, "" if after == FIRST else after, tuple(name for name, hold in found.items() if not hold))

    async def find_hold(self, project_id: str, *, month: str, name: AttemptName) -> OpenHold | None:
        stored = await self._stored(project_id, month, *name)
        return stored.hold if stored else None

    async def book_hold(self, project_id: str, hold: OpenHold, *, now_ms: int) -> Booked | None:
        return next(iter(await self.book_holds(project_id, [hold], now_ms=now_ms)), None)

    async def book_holds(self, project_id: str, holds: Sequence[OpenHold], *, now_ms: int) -> list[Booked]:
        found = [stored for stored in await self._all_stored(project_id, holds) if not stored.hold.booked]
        calls = [self._adjustment(project_id, stored, _booking(stored), now_ms) for stored in found]
        with named("answer of adjust"):
            changed = [parse_adjusted(reply) for reply in await self._run_all(self._scripts.adjust, calls)]
            done_to = list(zip(found, changed, strict=True))
        return [Booked(stored.hold, _crossed(changes)) for stored, changes in done_to if changes is not None]

    async def book_due(self, project_id: str, *, now_ms: int, limit: int) -> list[Booked]:
        keys = [layout.unconfirmed_key(project_id), layout.project_key(project_id)]
        asked = self._client.run(self._scripts.due, keys, [str(now_ms - self._wait_ms), str(limit)])
        due: list[OpenHold] = []
        for name in await read("answer of due", asked, texts):
            due += await self._indexed(project_id, name)
        return await self.book_holds(project_id, due, now_ms=now_ms) if due else []

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
        for _ in range(MOST_TRIES):
            stored = await self._stored(project_id, month, request_id, attempt)
            if stored is None:
                return False
            if stored.kind == "e":
                await self._unbook(project_id, month, request_id, attempt, now_ms)
                continue
            by = budget.resolved(hold_format.parse_held(stored.text), Amount(charge_nano, charge_tokens))
            if await self._adjust(project_id, stored, Step(by), now_ms) is not None:
                return True
        raise restless()

    async def _indexed(self, project_id: str, name: str) -> list[OpenHold]:
        """The hold that waits under this name; a name without one is dropped."""
        with suppress(ValueError):  # no name of ours
            day, request_id, attempt = indexed(name)
            stored = await self._stored(project_id, day[:MONTH_CHARS], request_id, attempt)
            if stored and stored.kind == "x":
                return [stored.hold]
        # Settled by a release that knows no index.
        key = layout.unconfirmed_key(project_id)
        await done(key, self._client.execute("ZREM", key, name))
        return []

    async def _all_stored(self, project_id: str, holds: Sequence[OpenHold]) -> list[StoredHold]:
        """Those of the holds that are still what they are said to be."""
        fields = [hold_format.hold_field(_kind(hold), hold.request_id, hold.attempt) for hold in holds]
        months = sorted({hold.day[:MONTH_CHARS] for hold in holds})
        there: dict[tuple[str, str], str | None] = {}
        for month in months:
            there |= {
                (month, name): text
                for name, text in zip(fields, await self._fields_of(project_id, month, fields), strict=True)
            }
        found: list[StoredHold] = []
        for name, hold in zip(fields, holds, strict=True):
            text = there[hold.day[:MONTH_CHARS], name]
            if text and _readable(name, text) == hold:
                found.append(StoredHold(name[0], text, hold))
        return found

    async def _run_all(self, script: Script, calls: Sequence[ScriptCall]) -> list[Reply]:
        """The replies of a script that is run many times: the first run makes sure that the server knows it."""
        if not calls:
            return []
        first = await self._client.run(script, calls[0].keys, calls[0].arguments)
        more: list[list[str | int]] = [
            ["EVALSHA", script.sha, len(call.keys), *call.keys, *call.arguments] for call in calls[1:]
        ]
        return [first, *(rows(await self._client.pipeline(more)) if more else [])]

    async def _unbook(self, project_id: str, month: str, request_id: str, attempt: int, now_ms: int) -> None:
        """Let it be held again, where it was booked as an estimate: somebody knows better."""
        stored = await self._stored(project_id, month, request_id, attempt)
        if stored and stored.kind == "e":
            kind, text = stored.text[0], stored.text[1:]
            await self._adjust(project_id, stored, Step(-booking(stored.hold), kind, text), now_ms)

    async def _correct(self, ticket: Ticket, settlement: Settlement, now_ms: int) -> tuple[Change, ...] | None:
        """Settle a hold whose request has gone on; None if it is not what it was."""
        stored = await self._stored(ticket.project_id, ticket.month, ticket.request_id, settlement.attempt)
        if stored is None or stored.kind == "e":
            return None
        charge = Amount(settlement.charge_nano, settlement.charge_tokens)
        by = budget.settled(hold_format.parse_held(stored.text), charge, is_estimate=settlement.estimated)
        return await self._adjust(ticket.project_id, stored, Step(by, tells=True, is_late=True), now_ms)

    async def _stored(self, project_id: str, month: str, request_id: str, attempt: int) -> StoredHold | None:
        fields = [hold_format.hold_field(kind, request_id, attempt) for kind in "hxe"]
        for name, text in zip(fields, await self._fields_of(project_id, month, fields), strict=True):
            if text:
                return StoredHold(name[0], text, hold_format.parse_hold(name, text))
        return None

    async def _fields_of(self, project_id: str, month: str, fields: Sequence[str]) -> list[str | None]:
        key = layout.budget_key(project_id, month)
        return await read(key, self._client.execute("HMGET", key, *fields), lambda reply: values(reply, len(fields)))

    async def _adjust(self, project_id: str, stored: StoredHold, step: Step, now_ms: int) -> tuple[Change, ...] | None:
        """Move the money, if the hold is what it was; what that changed, else None."""
        call = self._adjustment(project_id, stored, step, now_ms)
        asked = self._client.run(self._scripts.adjust, call.keys, call.arguments)
        return await read("answer of adjust", asked, parse_adjusted)

    def _adjustment(self, project_id: str, stored: StoredHold, step: Step, now_ms: int) -> ScriptCall:
        ticket, by = reconciled_ticket(project_id, stored.hold), step.by
        # The record of a request that has gone on has all that it knew of its open attempts.
        is_known = step.is_late and stored.kind == "h"
        record = None if is_known else adjustment_record(ticket, by, now_ms)
        call = request_call(ticket, now_ms)
        declare_books(call, ticket)
        call.keys.append(layout.unconfirmed_key(project_id))
        add_books(call, ticket, record or reconciled_record(ticket, NOTHING, now_ms), now_ms)
        call.add(stored.hold.attempt, stored.kind, stored.text, step.kind, step.text)
        for amount in (by.spent, by.held, by.estimated):
            call.add(amount.nano, amount.tokens)
        call.add(int(record is not None), int(step.tells), int(step.is_late))
        call.add(counted_from_ms(stored.hold.day, stored.hold.unconfirmed_ms))
        return call


def _booking(stored: StoredHold) -> Step:
    return Step(booking(stored.hold), "e", stored.kind + stored.text, tells=True)


def _crossed(changes: Sequence[Change]) -> tuple[BudgetCrossed, ...]:
    return tuple(change for change in changes if isinstance(change, BudgetCrossed))


def _kind(hold: OpenHold) -> str:
    if hold.booked:
        return "e"
    return "x" if hold.unconfirmed else "h"


def _readable(name: str, text: str) -> OpenHold | None:
    """The hold, None for what is none: one does not hide the others."""
    try:
        return hold_format.parse_hold(name, text)
    except StoreUnreadable:
        return None


def restless() -> StoreUnavailable:
    return unavailable("a hold changed each time it was looked at")
