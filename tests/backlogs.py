"""What waits to be settled, for tests of the backlog."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from gateway_core.domain.errors import StoreUnavailable
from gateway_core.store.messages import Settlement, Ticket
from gateway_core.store.records import Unsettled
from gateway_core.store.unsettled import Verdict, parse
from tests.contract.desk import NOON, record_of

AWAY = StoreUnavailable("The store is away.", detail="away")


def unsettled(request_id: str = "r1", admitted_ms: int = NOON, charge_nano: int = 70) -> Unsettled:
    """A request of one attempt that cost something, with names that need care in JSON and in a line."""
    ticket = Ticket(request_id, "alpha", "key_alpha_0", "", "", admitted_ms, 'b|ob "é" usage={}', "a\nb\u2028")
    last = Settlement(1, "one", "m1", 0, probe=False, effect="ok", latency_ms=20, charge_nano=charge_nano, serial=3)
    return Unsettled(ticket, (), last, record_of(ticket))


@dataclass
class Plan:
    """Implements `ports.Replay`: what becomes of each request, `settled` unless it is named. Remembers the requests."""

    verdicts: dict[str, Verdict] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)

    async def __call__(self, text: str) -> Verdict:
        request_id = parse(text).ticket.request_id
        self.seen[request_id] += 1
        return self.verdicts.get(request_id, "settled")
