"""The scripts against the pure models: the same random history on both, step by step, with what must always hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from gateway_core.domain.caller import Limits
from gateway_core.store.counters import Counters, count
from gateway_core.store.estimates import LEAST_WAIT_MS, is_due
from gateway_core.store.messages import Candidate, Settlement
from gateway_core.store.rate_limit import ProviderLimits
from tests.contract.both_stores import BEFORE_MIDNIGHT, MONTHS, BothStores
from tests.contract.conftest import Redis
from tests.contract.desk import record_of
from tests.contract.histories import run_histories, wired
from tests.contract.wire import at_once

DAYS = ("20261130", "20261201", "20261202", "20261203")
MONTH_DAYS = tuple(zip(MONTHS, DAYS[:2], strict=True))
AFTERWARDS = BEFORE_MIDNIGHT + 3 * 86_400_000
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
charges = st.tuples(st.sampled_from([0, 1, 30, 40]), st.sampled_from([0, 3, 5]))
effects = st.sampled_from(["ok", "ok", "fail", "fail", "fail", "limit", "skip"])


class Histories(BothStores):
    """Does to both stores what a fleet of processes may do to one, in any order."""

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
