"""Requests over a network that loses, doubles and delays, crashes, and replays in any order: each counts exactly once.

The same random history on the scripts and on the pure models, step by step. Each request has a user of its own, so that
its money can be told from that of the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from gateway_core.adapters.degraded import ResilientLedger
from gateway_core.adapters.memory import MemoryStore
from gateway_core.adapters.upstash import UpstashStore
from gateway_core.adapters.upstash.layout import budget_key
from gateway_core.domain.errors import LLMError, StoreUnavailable
from gateway_core.ports.replaying import replay
from gateway_core.store.budget import Account
from gateway_core.store.counters import Counters
from gateway_core.store.messages import Admitted, BreakerPolicy, Candidate, Settlement, StaleCaller, Terms, Ticket
from gateway_core.store.records import Unsettled
from gateway_core.store.unsettled import pack, parse
from gateway_core.store.virtual_keys import KeyRecord
from tests.contract.both_stores import BEFORE_MIDNIGHT, MONTHS
from tests.contract.conftest import Redis
from tests.contract.desk import DIGEST, counted, record_of, settled
from tests.contract.histories import StoreHistories, run_histories, wired
from tests.contract.wire import at_once
from tests.manual_clock import ManualClock

POLICY = BreakerPolicy(failures=50)
CANDIDATES = (Candidate("one", "m1", 100, 10), Candidate("two", "m2", 100, 10), Candidate("three", "m3", 100, 10))
UP, DOWN, LOST, TWICE = "up", "down", "lost", "twice"
"""The store answers; it is not reached; its answer gets lost; it is asked again as its answer got lost."""
DAY_MS = 86_400_000
fates = st.lists(st.sampled_from([UP, UP, DOWN, DOWN, LOST, TWICE]), max_size=5)
charges = st.sampled_from([0, 1, 7, 40])


class Network:
    """A ledger that asks both stores, which have to agree, over a network whose next `fates` are given."""

    def __init__(self, memory: MemoryStore, upstash: UpstashStore) -> None:
        self._stores = (memory, upstash)
        self.fates: list[str] = []
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any) -> Any:
            self.calls.append((name, args))
            fate = self.fates.pop(0) if self.fates else UP
            answer = None
            for _ in range({DOWN: 0, TWICE: 2}.get(fate, 1)):
                answer = await self.arrive(name, args)
            if fate in {DOWN, LOST}:
                raise StoreUnavailable("The store is away.", detail=fate)
            return answer

        return call

    async def arrive(self, name: str, args: tuple[Any, ...]) -> Any:
        expected, found = [await getattr(store, name)(*args) for store in self._stores]
        assert found == expected, name
        return expected


@dataclass
class Shelf:
    """A backlog that forgets nothing, so that each message can be replayed again."""

    kept: list[str] = field(default_factory=list)

    async def put(self, unsettled: Unsettled, error: LLMError) -> None:
        self.kept.append(pack(unsettled))


@dataclass
class Open:
    """A request under way, and what its attempts were charged so far."""

    ticket: Ticket
    admitted: Admitted
    charged: int = 0


class Replays(StoreHistories):
    """Gateways that answer, and what the store hears of it, early, late, twice or by a replay."""

    def __init__(self) -> None:
        super().__init__()
        self.memory, self.clock, self.shelf = MemoryStore(), ManualClock(), Shelf()
        self.network = Network(self.memory, self.upstash)
        self.ledger = ResilientLedger(self.network, self.clock, self.shelf, degrade=True)  # type: ignore[arg-type]
        self.now = BEFORE_MIDNIGHT
        self.open: dict[str, Open] = {}
        self.answered: dict[str, Open] = {}
        self.late: set[str] = set()
        self.begun = 0
        at_once(self.upstash._client.execute("FLUSHALL"))
        key = KeyRecord("alpha", DIGEST)
        for store in (self.memory, self.upstash):
            at_once(store.put_key(key))
        self.key = at_once(self.memory.find_key("alpha", DIGEST))
        self.begin([])

    @property
    def terms(self) -> Terms:
        return Terms(self.now, POLICY)

    def open_account(self, ticket: Ticket) -> None:
        """One user for each request, whose account tells what it was charged. Without a budget users have none."""
        scope, accounts = f"u:{ticket.user_id}", self.memory._state.month_of(ticket).accounts
        accounts[scope, ticket.month] = Account()
        key = budget_key(ticket.project_id, ticket.month)
        at_once(self.upstash._client.execute("HSET", key, f"{scope}|M", "0;0;0;0"))

    # What may happen.

    @rule(step_ms=st.sampled_from([0, 400, 4000, 45_000, DAY_MS]))
    def time_passes(self, step_ms: int) -> None:
        self.now += step_ms if self.now - BEFORE_MIDNIGHT < 14 * DAY_MS else 0
        self.clock.advance(step_ms / 1000)

    @rule(fates=fates)
    def begin(self, fates: list[str]) -> None:
        """Admitted, with or without the store; a request that is refused is never answered."""
        self.begun += 1
        name = f"r{self.begun}"
        assert self.key
        ticket = Ticket(name, "alpha", self.key.id, DIGEST, self.key.rights_tag, self.now, name, "agent")
        self.open_account(ticket)
        self.network.fates = list(fates)
        try:
            answer = at_once(self.ledger.admit(ticket, CANDIDATES, self.terms))
        except StoreUnavailable:
            return
        assert isinstance(answer, Admitted)
        self.open[name] = Open(ticket, answer)

    @precondition(lambda self: self.open)
    @rule(data=st.data(), fates=fates, charge=charges)
    def fall_back(self, data: st.DataObject, fates: list[str], charge: int) -> None:
        request = self.drawn(data)
        ended = self.ended(request, charge)
        self.network.fates = list(fates)
        try:
            answer = at_once(self.ledger.next(request.ticket, ended, CANDIDATES, self.terms))
        except StoreUnavailable:
            self.close(request, ended)
            return
        assert not isinstance(answer, StaleCaller)
        if isinstance(answer, Admitted):
            request.admitted = answer
        else:
            self.close(request, None)

    @precondition(lambda self: self.open)
    @rule(data=st.data(), fates=fates, charge=charges)
    def answer(self, data: st.DataObject, fates: list[str], charge: int) -> None:
        request = self.drawn(data)
        ended = self.ended(request, charge)
        self.network.fates = list(fates)
        self.close(request, ended)

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def crash(self, data: st.DataObject) -> None:
        """A process dies in the middle of a request: nobody settles it."""
        del self.open[self.drawn(data).ticket.request_id]

    @precondition(lambda self: self.network.calls)
    @rule(data=st.data())
    def a_call_arrives_late(self, data: st.DataObject) -> None:
        name, args = data.draw(st.sampled_from(self.network.calls))
        self.late.add(args[0].request_id)
        at_once(self.network.arrive(name, args))

    @precondition(lambda self: self.shelf.kept)
    @rule(data=st.data(), fates=fates)
    def replay_one(self, data: st.DataObject, fates: list[str]) -> None:
        """Whether it was settled meanwhile or not; it may fail at any of its calls, and come again."""
        text = data.draw(st.sampled_from(self.shelf.kept))
        self.network.fates = list(fates)
        try:
            at_once(replay(self.network, parse(text), self.terms))  # type: ignore[arg-type]
        except StoreUnavailable:
            return

    # How it is told.

    def drawn(self, data: st.DataObject) -> Open:
        return self.open[data.draw(st.sampled_from(sorted(self.open)))]

    @staticmethod
    def ended(request: Open, charge: int) -> Settlement:
        admitted = request.admitted
        request.charged += charge
        return settled(admitted, CANDIDATES[admitted.index], "ok", charge_nano=charge, latency_ms=20)

    def close(self, request: Open, ended: Settlement | None) -> None:
        name = request.ticket.request_id
        record = record_of(request.ticket, attempts=request.admitted.attempt, input_nano=request.charged, output_nano=0)
        record = replace(record, at_ms=self.now)
        at_once(self.ledger.settle(request.ticket, ended, record, self.terms))
        self.answered[name] = self.open.pop(name)

    # What must always hold.

    @invariant()
    def no_request_is_recorded_twice(self) -> None:
        """Of those that were answered, and of no other."""
        records = self.records()
        assert max(records.values(), default=0) <= 1
        assert records.keys() <= self.answered.keys()

    def teardown(self) -> None:
        """Once everything was replayed, each answered request is in the books once, to the nano-USD."""
        self.network.fates = []
        for text in self.shelf.kept * 2:
            at_once(replay(self.network, parse(text), self.terms))  # type: ignore[arg-type]
        assert self.records() == dict.fromkeys(self.answered, 1)
        for name, request in self.answered.items():
            scope, day = f"u:{name}", request.ticket.day
            expected, found = (
                at_once(store.budget_lines("alpha", day=day, scopes=[scope])) for store in (self.memory, self.upstash)
            )
            assert found == expected
            for line in expected:
                assert line.spent_nano == request.charged, name
                assert line.held_nano == 0 or name in self.late, name
        requests = Counter(request.ticket.day for request in self.answered.values())
        for day in self.days():
            expected, found = (at_once(counted(s, "alpha", day[:6], day[6:])) for s in (self.memory, self.upstash))
            assert found == expected
            assert expected.get(f"c|{day[6:]}", Counters()).requests == requests[day]
        for month in MONTHS:
            expected, found = (at_once(s.open_holds("alpha", month=month)) for s in (self.memory, self.upstash))
            assert found == expected

    def days(self) -> list[str]:
        return sorted({args[0].day for _name, args in self.network.calls})

    def records(self) -> Counter[str]:
        pages = [at_once(self.upstash.usage_records("alpha", day=day, limit=1000)) for day in self.days()]
        return Counter(record.request_id for page in pages for record in page.records)


@pytest.fixture
def machine(redis_server: Redis) -> Iterator[type[Replays]]:
    with wired(Replays, redis_server.port) as connected:
        yield connected


@pytest.mark.hypothesis
@pytest.mark.timeout(600)  # a failure takes minutes to be made small, and is of little use before it is
def test_every_answered_request_counts_once(machine) -> None:
    """Whatever the network does, and in whichever order what was lost is replayed, days later and again."""
    run_histories(machine)
