"""Settles later what the store could not be told: the one rule for it, over the port `Ledger`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from gateway_core.domain.errors import InvalidRequest
from gateway_core.ports.store import Ledger
from gateway_core.store.changes import Change
from gateway_core.store.messages import Admission, Settled, Settlement, Terms, Ticket
from gateway_core.store.records import Unsettled
from gateway_core.store.unsettled import REPLAY_WINDOW_MS


@dataclass(frozen=True, slots=True)
class BacklogState:
    """Messages that wait, those that are being settled just now, and those given up: refused, or dead letters."""

    waiting: int
    in_work: int
    given_up: int


class BacklogKeeper(Protocol):
    """A backlog as its operator sees it. Raises BacklogUnavailable."""

    async def state(self) -> BacklogState: ...

    async def replay(self) -> Mapping[str, int]:
        """Have what waits, or was given up, settled once more. How many became what."""
        ...


async def replay(store: Ledger, unsettled: Unsettled, terms: Terms) -> Settled:
    """Settle what the backlog kept; the record is `written` once, however often it is replayed.

    Raises InvalidRequest for a request that is older than the store can tell whether it was settled.
    """
    if terms.now_ms - unsettled.ticket.admitted_ms > REPLAY_WINDOW_MS:
        raise InvalidRequest(f"{unsettled.ticket.request_id} is too old: a request can be settled for 30 days.")
    is_news = terms.now_ms - unsettled.record.at_ms <= terms.policy.window_ms
    changes: tuple[Change, ...] = ()
    for ended in unsettled.owed:
        told = ended if is_news else ended.outdated()
        changes += (await settle_alone(store, unsettled.ticket, told, terms)).changes
    last = unsettled.settlement
    settled = await store.settle(
        unsettled.ticket, last if last is None or is_news else last.outdated(), unsettled.record, terms
    )
    return replace(settled, changes=(*changes, *settled.changes))


async def settle_alone(store: Ledger, ticket: Ticket, settlement: Settlement, terms: Terms) -> Admission:
    """Settle a failed attempt by a `next` without candidates: it admits nothing."""
    return await store.next(ticket, settlement, (), terms)
