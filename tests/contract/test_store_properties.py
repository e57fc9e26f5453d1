"""The scripts against the pure models: the same random history on both, step by step, with what must always hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from gateway_core.adapters.memory import MemoryStore
from gateway_core.domain.caller import Limits
from gateway_core.domain.rates import RateView, ReportedLimit
from gateway_core.store.counters import Counters, count
from gateway_core.store.estimates import LEAST_WAIT_MS, is_due
from gateway_core.store.messages import Admission, Admitted, BreakerPolicy, Candidate, Settlement, Terms, Ticket
from gateway_core.store.rate_limit import SKEW_MS, ProviderLimits
from gateway_core.store.records import OpenHold
from gateway_core.store.virtual_keys import KeyRecord
from tests.contract.conftest import Redis
from tests.contract.desk import DIGEST, KINDS, counted, record_of
from tests.contract.histories import StoreHistories, run_histories, wired
from tests.contract.wire import at_once

BEFORE_MIDNIGHT = 1_796_083_170_000
"""2026-11-30 23:59:30 UTC: half a minute before the day and the month end."""
MONTHS = ("202611", "202612")
DAYS = ("20261130", "20261201", "20261202", "20261203")
MONTH_DAYS = tuple(zip(MONTHS, DAYS[:2], strict=True))
AFTERWARDS = BEFORE_MIDNIGHT + 3 * 86_400_000
POLICY = BreakerPolicy(failures=2, window_ms=20_000, cooldown_ms=10_000, max_cooldown_ms=25_000, lease_ms=15_000)
CANDIDATES = (
    Candidate("one", "m1", 40, 5, rpm=7, likely_tokens=3),
    Candidate("one", "m2", 100, 10, tpm=23, likely_tokens=7),
    Candidate("two", "m3", 60, 10, rpm=61, tpm=13),
)
SCOPES = ("p", "u:b|ob")
PAIRS = [(c.provider, c.deployment_id) for c in CANDIDATES]

steps_ms = st.sampled_from([0, 1, 400, 5000, 10_000, 16_000, 61_000, -1, -7000, -70_000, -400_000])
hours_ms = st.sampled_from([6 * 3_600_000, 3_600_000, 12 * 3_600_000])
request_ids = st.sampled_from(["r1", "r2", "r3.1"])
some_candidates = st.lists(st.sampled_from(CANDIDATES), min_size=1, max_size=3)
waits = st.sampled_from([0, 3000, 60_000])
amounts = st.none() | st.sampled_from([0, 5, 10, 40, 100, 140, 200, 500])
limits = st.builds(Limits, day_nano=amounts, month_nano=amounts, day_tokens=amounts, month_tokens=amounts)
rates = st.none() | st.sampled_from([1, 2, 7, 30, 97])
key_limits = st.builds(Limits, day_nano=amounts, month_tokens=amounts, rpm=rates, tpm=rates)
kept = st.none() | st.sampled_from([0, 1, 30, 99])
charges = st.tuples(st.sampled_from([0, 1, 30, 40]), st.sampled_from([0, 3, 5]))
limits_told = st.sampled_from([None, 0, 1, 7, 41, 10**9])
remainders = st.sampled_from([None, 0, 1, 3, 40])
effects = st.sampled_from(["ok", "ok", "fail", "fail", "fail", "limit", "skip"])


@dataclass(frozen=True)
class Start:
    """An attempt that some answer allowed."""

    ticket: Ticket
    answer: Admitted
    candidate: Candidate


class Histories(StoreHistories):
    """Does to both stores what a fleet of processes may do to one, in any order."""

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

    # What may happen.

    @rule(step=steps_ms)
    def time_passes_or_jumps(self, step: int) -> None:
        self.now += step
        self.latest = max(self.latest, self.now)

    @rule(step=hours_ms)
    def hours_pass(self, step: int) -> None:
        """Until holds that nobody settled are to be booked; not for long, so that the days end."""
        if self.now + step < AFTERWARDS:
            self.now += step
            self.latest = max(self.latest, self.now)

    @rule(request_id=request_ids, user=st.sampled_from(["", "b|ob"]), candidates=some_candidates, wait=waits)
    def admit(self, request_id: str, user: str, candidates: list[Candidate], wait: int) -> None:
        ticket = self.ticket(request_id, user)
        self.note(ticket, candidates, self.request("admit", ticket, candidates, max_wait_ms=wait), attempt=1)

    @precondition(lambda self: self.starts)
    @rule(data=st.data(), effect=effects, charge=charges, candidates=some_candidates, wait=waits)
    def fall_back(
        self, data: st.DataObject, effect: str, charge: tuple[int, int], candidates: list[Candidate], wait: int
    ) -> None:
        start = data.draw(st.sampled_from(self.starts))
        ended = self.end(data, start, effect, charge)
        answer = self.request("next", start.ticket, ended, candidates, max_wait_ms=wait)
        self.forget_lease(ended)
        self.note(start.ticket, candidates, answer, attempt=ended.attempt + 1)

    @precondition(lambda self: self.starts)
    @rule(data=st.data(), effect=effects, charge=charges)
    def settle(self, data: st.DataObject, effect: str, charge: tuple[int, int]) -> None:
        start = data.draw(st.sampled_from(self.starts))
        ended = self.end(data, start, effect, charge)
        self.request("settle", start.ticket, ended, record_of(start.ticket))
        self.forget_lease(ended)
        assert not self.request("settle", start.ticket, ended, record_of(start.ticket)).written

    @rule(request_id=request_ids, user=st.sampled_from(["", "b|ob"]), wait=waits)
    def look_up(self, request_id: str, user: str, wait: int) -> None:
        self.request("look_up", self.ticket(request_id, user), None, max_wait_ms=wait)

    @precondition(lambda self: self.tickets)
    @rule(data=st.data(), attempts=st.sampled_from([0, 2]))
    def close_alone(self, data: st.DataObject, attempts: int) -> None:
        ticket = data.draw(st.sampled_from(list(self.tickets.values())))
        record = record_of(ticket, attempts=attempts, cache_hit=attempts == 0)
        self.request("settle", ticket, None, record)
        assert not self.request("settle", ticket, None, record).written

    @precondition(lambda self: self.calls)
    @rule(data=st.data())
    def a_call_arrives_again(self, data: st.DataObject) -> None:
        name, args, kwargs = data.draw(st.sampled_from(self.calls))
        answer = self.send(name, *args, **kwargs)
        if isinstance(args[1], Settlement):
            self.forget_lease(args[1])
        if name != "settle":
            self.note(args[0], args[-1], answer, attempt=args[1].attempt + 1 if name == "next" else 1)

    @rule(user=st.sampled_from(["", "b|ob"]), limits=limits)
    def change_a_budget(self, user: str, limits: Limits) -> None:
        self.both("set_budget", "alpha", user, limits)

    @rule(limits=key_limits)
    def change_the_key(self, limits: Limits) -> None:
        self.key = replace(self.key, limits=limits)
        self.both("put_key", self.key)

    @rule()
    def revoke_the_key(self) -> None:
        assert self.both("revoke_key", self.key.id, now_ms=self.now)

    @precondition(lambda self: self.holds)
    @rule(data=st.data(), charge=charges)
    def resolve(self, data: st.DataObject, charge: tuple[int, int]) -> None:
        hold = data.draw(st.sampled_from(sorted(self.holds.values(), key=lambda h: (h.request_id, h.attempt))))
        assert self.both(
            "resolve_hold",
            "alpha",
            month=hold.day[:6],
            request_id=hold.request_id,
            attempt=hold.attempt,
            charge_nano=charge[0],
            charge_tokens=charge[1],
            now_ms=self.now,
        )
        self.may_end = {(hold.request_id, hold.attempt)}

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def book_one(self, data: st.DataObject) -> None:
        """As the schedule does, and once."""
        hold = data.draw(st.sampled_from(sorted(self.holds.values(), key=lambda h: (h.request_id, h.attempt))))
        if is_due(hold, now_ms=self.now, wait_ms=LEAST_WAIT_MS):
            assert self.both("book_hold", "alpha", hold, now_ms=self.now) is not None
        assert self.both("book_hold", "alpha", replace(hold, booked=False, hold_nano=7), now_ms=self.now) is None

    @rule(limit=st.sampled_from([1, 10]))
    def book_what_is_due(self, limit: int) -> None:
        """As a report does."""
        self.both("book_due", "alpha", now_ms=self.now, limit=limit)

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

    # What must always hold.

    @invariant()
    def holds_add_up(self) -> None:
        """An account holds what its open and unconfirmed attempts hold, and only a settlement ends a hold.

        One that is booked was due, its money is spent as an estimate, and it may still be settled.
        """
        every = {}
        for month, day in MONTH_DAYS:
            holds = self.ask("hold_page", "alpha", month=month).holds
            counted = self.memory._state.months["alpha", month].holds  # that a hold is its user's, too, is told nobody
            of_user = {name for name, stored in counted.items() if stored.user_id and stored.counts_user}
            self.check_account(list(holds), day, "p")
            self.check_account([hold for hold in holds if (hold.request_id, hold.attempt) in of_user], day, "u:b|ob")
            every |= {(hold.request_id, hold.attempt): hold for hold in holds}
        assert self.holds.keys() - every.keys() <= self.may_end
        for name, hold in every.items():
            if hold.booked and not self.holds[name].booked:
                assert is_due(replace(hold, booked=False), now_ms=self.now, wait_ms=LEAST_WAIT_MS)
        self.holds, self.may_end = every, set()

    def check_account(self, mine: list[OpenHold], day: str, scope: str) -> None:
        _, line = self.ask("budget_lines", "alpha", day=day, scopes=[scope])
        assert line.held_nano == sum(hold.hold_nano for hold in mine if not hold.booked)
        assert line.held_tokens == sum(hold.hold_tokens for hold in mine if not hold.booked)
        assert sum(hold.hold_nano for hold in mine if hold.booked) <= line.estimated_nano <= line.spent_nano
        assert sum(hold.hold_tokens for hold in mine if hold.booked) <= line.estimated_tokens <= line.spent_tokens

    @invariant()
    def counters_add_up(self) -> None:
        """The day's total is the sum of its records."""
        for day in DAYS:
            fields = self.ask("counted", "alpha", {day[:6]: [f"c|{day[6:]}"]})[day[:6]]
            page = self.ask("usage_records", "alpha", day=day, limit=1000)
            total = sum((count(record) for record in page.records), Counters())
            assert fields.get(f"c|{day[6:]}", Counters()) == total

    @invariant()
    def what_is_known_of_providers_agrees(self) -> None:
        """Breakers, latencies and the rooms that providers told of are the same in both stores."""
        for state in self.both("deployment_states", PAIRS):
            provider_limits = state.provider_limits or ProviderLimits()
            assert provider_limits.until_ms >= self.untils.get(state.deployment_id, 0)
            self.untils[state.deployment_id] = provider_limits.until_ms

    def teardown(self) -> None:
        """In the end both stores remember the same."""
        for month in MONTHS:
            self.both("open_holds", "alpha", month=month)
            pages = [at_once(store.hold_page("alpha", month=month)).holds for store in (self.memory, self.upstash)]
            assert len(set(pages[0])) == len(pages[1])
            assert set(pages[0]) == set(pages[1])
            assert set(self.both("budget_scopes", "alpha", month=month)) >= {"p", f"k:{self.key.id}"}
        for day in DAYS:
            self.both("budget_lines", "alpha", day=day, scopes=[*SCOPES, f"k:{self.key.id}"])
            self.both("usage_records", "alpha", day=day, limit=1000)
            for period in (day[6:], "M"):
                self.both_count(month, period)
        self.both("list_keys", "alpha")


@pytest.fixture
def machine(redis_server: Redis) -> Iterator[type[Histories]]:
    with wired(Histories, redis_server.port) as connected:
        yield connected


@pytest.mark.hypothesis
@pytest.mark.timeout(600)  # a failure takes minutes to be made small, and is of little use before it is
def test_scripts_and_models_agree(machine) -> None:
    """Any history gives the same answers and the same books in Lua and in Python, and loses or invents no money."""
    run_histories(machine)
