"""When money that nobody settled is booked as an estimate, and what that leaves in the books. Pure.

A hold counts as unconfirmed from the moment that it became so, an open one from the end of its lease: whatever process
made it is gone by then. It is booked once its day (UTC) is over and it has been unconfirmed for a while, never earlier.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from gateway_core.domain.times import day_key, utc_date
from gateway_core.store import budget
from gateway_core.store.budget import NOTHING, Amount, Hold, Movement
from gateway_core.store.changes import BudgetCrossed
from gateway_core.store.messages import Ticket
from gateway_core.store.reconciliation import reconciled_record
from gateway_core.store.records import OpenHold, UsageRecord
from gateway_core.store.virtual_keys import project_of_key_id

LEASE_MS = 15 * 60_000
"""No attempt runs for longer: Lambda's own limit, and more than the longest stream may take."""
LEAST_WAIT_MS = 6 * 3_600_000
"""How long a settlement may come late before its attempt is booked as an estimate."""
A_FEW = 3
"""How many holds an admission books on the way."""
MONTH_CHARS = 6


@dataclass(frozen=True, slots=True)
class Booked:
    """A hold that was booked, as it was before, and the thresholds of budgets that this reached."""

    hold: OpenHold
    crossed: tuple[BudgetCrossed, ...] = ()


@dataclass(frozen=True, slots=True)
class HeldMoney:
    """What a project holds for attempts that nobody settled, and how many of them were booked just now.

    `unreadable` holds are in none of these numbers.
    """

    project_id: str
    unconfirmed: int
    nano: int
    booked: int
    unreadable: int = 0


def told_along(booked: Iterable[Booked], ticket: Ticket) -> tuple[BudgetCrossed, ...]:
    """What a request tells of bookings on its way: thresholds of its own month and project. A day's are over."""
    return tuple(
        crossed
        for each in booked
        for crossed in each.crossed
        if crossed.limit.startswith("month")
        and each.hold.day[:MONTH_CHARS] == ticket.month
        and (not crossed.scope.startswith("k:") or project_of_key_id(each.hold.key_id) == ticket.key_home)
    )


@lru_cache(maxsize=64)
def day_end_ms(day: str) -> int:
    """The moment at which the UTC day `20261120` is over."""
    began = datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC)
    return (round(began.timestamp()) + 86_400) * 1000


def counted_from_ms(day: str, unconfirmed_ms: int) -> int:
    """What the wait of an attempt of this day is counted from."""
    return max(day_end_ms(day), unconfirmed_ms)


def unconfirmed_since_ms(hold: OpenHold) -> int:
    """When nobody was left who could settle it in time."""
    return hold.unconfirmed_ms or hold.held_since_ms + LEASE_MS


def is_due(hold: OpenHold, *, now_ms: int, wait_ms: int) -> bool:
    """Whether it is to be booked by now."""
    counted_from = counted_from_ms(hold.day, unconfirmed_since_ms(hold))
    return not hold.booked and counted_from + wait_ms <= now_ms


def is_left(hold: OpenHold, now_ms: int) -> bool:
    """Whether nobody works on it any more: it is unconfirmed, or its lease is over."""
    return not hold.booked and (hold.unconfirmed or hold.held_since_ms + LEASE_MS <= now_ms)


def months_with_holds(now_ms: int) -> tuple[str, str]:
    """This month and the one before it, `202611`: the accounts of earlier ones are gone soon."""
    first = utc_date(now_ms).replace(day=1)
    return day_key(first)[:MONTH_CHARS], day_key(first - timedelta(days=1))[:MONTH_CHARS]


def booking(hold: OpenHold) -> Movement:
    """What booking it moves; negated, what taking that back moves."""
    return budget.booked(Hold(Amount(hold.hold_nano, hold.hold_tokens)))


def adjustment_record(ticket: Ticket, by: Movement, now_ms: int) -> UsageRecord | None:
    """What a movement without a request adds to the reports; None if nothing."""
    if by.spent == NOTHING and by.estimated == NOTHING:
        return None
    return reconciled_record(ticket, by.spent, now_ms, by.estimated.nano)


def index_name(day: str, request_id: str, attempt: int) -> str:
    """What an unconfirmed attempt is called among those that wait to be booked."""
    return f"{day}:{request_id}.{attempt}"


def indexed(name: str) -> tuple[str, str, int]:
    """Day, request and attempt of such a name."""
    day, _, rest = name.partition(":")
    request_id, _, attempt = rest.rpartition(".")
    return day, request_id, int(attempt)
