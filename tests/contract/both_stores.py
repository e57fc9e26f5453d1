"""The scripts beside the pure models: both are asked the same, and what is known of them afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from gateway_core.adapters.memory import MemoryStore
from gateway_core.domain.rates import RateView, ReportedLimit
from gateway_core.store.messages import Admission, Admitted, BreakerPolicy, Candidate, Settlement, Terms, Ticket
from gateway_core.store.rate_limit import SKEW_MS
from gateway_core.store.records import OpenHold
from gateway_core.store.virtual_keys import KeyRecord
from tests.contract.desk import DIGEST, KINDS, counted
from tests.contract.histories import StoreHistories
from tests.contract.wire import at_once

BEFORE_MIDNIGHT = 1_796_083_170_000
"""2026-11-30 23:59:30 UTC: half a minute before the day and the month end."""
MONTHS = ("202611", "202612")
POLICY = BreakerPolicy(failures=2, window_ms=20_000, cooldown_ms=10_000, max_cooldown_ms=25_000, lease_ms=15_000)

kept = st.none() | st.sampled_from([0, 1, 30, 99])
limits_told = st.sampled_from([None, 0, 1, 7, 41, 10**9])
remainders = st.sampled_from([None, 0, 1, 3, 40])


@dataclass(frozen=True)
class Start:
    """An attempt that some answer allowed."""

    ticket: Ticket
    answer: Admitted
    candidate: Candidate


class BothStores(StoreHistories):
    """A model and the scripts, asked the same, with what is known of either."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = MemoryStore()
        self.now = BEFORE_MIDNIGHT
        self.key = KeyRecord("alpha", DIGEST)
        self.tickets: dict[str, Ticket] = {}
        self.starts: list[Start] = []
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self.leases: dict[str, tuple[int, int]] = {}
        self.latest = self.now
        self.untils: dict[str, int] = {}
        self.holds: dict[tuple[str, int], OpenHold] = {}
        self.may_end: set[tuple[str, int]] = set()
        at_once(self.upstash._client.execute("FLUSHALL"))
        self.both("put_key", self.key)

    def ask(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """The answer of the memory store."""
        return at_once(getattr(self.memory, name)(*args, **kwargs))

    def both(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """The answer of both stores, which must be one."""
        expected = self.ask(name, *args, **kwargs)
        found = at_once(getattr(self.upstash, name)(*args, **kwargs))
        assert found == expected, name
        return found

    def request(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """A call on the request path, remembered so that it can arrive once more."""
        self.calls.append((name, args, kwargs))
        return self.send(name, *args, **kwargs)

    def forget_wrong_clocks(self) -> None:
        """What was noted by a clock that is far ahead of this one's is not kept: stores count it from now."""
        self.leases = {name: lease for name, lease in self.leases.items() if lease[0] <= self.now + SKEW_MS}
        if self.now + SKEW_MS < self.latest:
            self.untils = {}

    def send(self, name: str, *args: Any, **kwargs: Any) -> Any:
        self.forget_wrong_clocks()
        request_id, ended = args[0].request_id, args[1]
        if isinstance(ended, Settlement):  # its own hold, and that of a fallback that nobody heard of
            self.may_end = {(request_id, ended.attempt), (request_id, ended.attempt + 1)}
        elif name == "settle":
            self.may_end = {(request_id, args[2].attempts + 1)}
        return self.both(name, *args, Terms(self.now, POLICY, **kwargs))

    def ticket(self, request_id: str, user: str) -> Ticket:
        if request_id not in self.tickets:
            key = self.ask("find_key", "alpha", DIGEST)
            assert key
            ticket = Ticket(request_id, "alpha", key.id, DIGEST, key.rights_tag, self.now, user, "agent")
            self.tickets[request_id] = ticket
        return self.tickets[request_id]

    def both_count(self, month: str, period: str) -> None:
        """Names and counters of a period are the same in both stores."""
        self.both("names", "alpha", {month: [f"i|{kind}|{period}" for kind in KINDS]})
        expected, found = (at_once(counted(store, "alpha", month, period)) for store in (self.memory, self.upstash))
        assert found == expected

    # How attempts end, and what is known afterwards.

    def end(self, data: st.DataObject, start: Start, effect: str, charge: tuple[int, int]) -> Settlement:
        nano, tokens = charge
        return Settlement(
            attempt=start.answer.attempt,
            provider=start.candidate.provider,
            deployment_id=start.candidate.deployment_id,
            generation=data.draw(st.sampled_from([start.answer.generation] * 3 + [-1])),
            probe=start.answer.probe,
            effect=effect,  # type: ignore[arg-type]
            latency_ms=data.draw(st.sampled_from([1, 333, 20_001])),
            charge_nano=min(nano, start.candidate.hold_nano),
            charge_tokens=min(tokens, start.candidate.hold_tokens),
            unconfirmed=data.draw(st.booleans()),
            retry_after_ms=data.draw(st.sampled_from([0, 2000, 30_000])),
            tpm=start.candidate.tpm,
            rpm=start.candidate.rpm,
            unsent=data.draw(st.sampled_from([False, False, True])),
            rates=data.draw(st.none() | self.views()),
            streamed=data.draw(st.booleans()),
            serial=start.answer.serial,
            estimated=data.draw(st.booleans()),
            unconfirmed_nano=data.draw(kept),
            unconfirmed_tokens=data.draw(kept),
        )

    def views(self) -> st.SearchStrategy[RateView]:
        """What a provider may say of its limits, lately or a while ago."""
        seen = st.sampled_from([self.now, self.now - 3000, self.now - 400_000])
        resets = st.none() | st.sampled_from([self.now, self.now + 120, self.now + 9000, self.now + 3_600_000])
        said = st.builds(ReportedLimit, limits_told, remainders, resets)
        return st.builds(RateView, seen, said, said, st.sampled_from([0, 0, self.now - 1, self.now + 2500]))

    def note(self, ticket: Ticket, candidates: list[Candidate], answer: Admission, *, attempt: int) -> None:
        if not isinstance(answer, Admitted):
            return
        assert answer.attempt == attempt
        start = Start(ticket, answer, candidates[answer.index] if answer.index < len(candidates) else candidates[0])
        if (ticket.request_id, attempt) in self.holds or start in self.starts:
            return
        self.starts.append(start)
        self.check_limits(ticket)
        self.check_probe(start)

    def check_limits(self, ticket: Ticket) -> None:
        """What is spent and held fits the budgets at every admission."""
        for scope in ticket.scopes:
            for line in self.ask("budget_lines", "alpha", day=ticket.day, scopes=[scope]):
                assert line.limit_nano is None or line.spent_nano + line.held_nano <= line.limit_nano
                assert line.limit_tokens is None or line.spent_tokens + line.held_tokens <= line.limit_tokens

    def check_probe(self, start: Start) -> None:
        """A deployment has one probe at a time, until its lease ends."""
        deployment = start.candidate.deployment_id
        if start.answer.probe:
            assert self.leases.get(deployment, (0, 0))[1] <= self.now
            self.leases[deployment] = (self.now, self.now + start.answer.wait_ms + POLICY.lease_ms)

    def forget_lease(self, ended: Settlement) -> None:
        if ended.probe or ended.effect == "limit":
            self.leases.pop(ended.deployment_id, None)

    def check_account(self, mine: list[OpenHold], day: str, scope: str) -> None:
        _, line = self.ask("budget_lines", "alpha", day=day, scopes=[scope])
        assert line.held_nano == sum(hold.hold_nano for hold in mine if not hold.booked)
        assert line.held_tokens == sum(hold.hold_tokens for hold in mine if not hold.booked)
        assert sum(hold.hold_nano for hold in mine if hold.booked) <= line.estimated_nano <= line.spent_nano
        assert sum(hold.hold_tokens for hold in mine if hold.booked) <= line.estimated_tokens <= line.spent_tokens
