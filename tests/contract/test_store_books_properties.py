"""Requests that end, crash, are replayed, reconciled and booked in any order: the reports say what the accounts say.

Here the processes are honest: a record has what its request is known to have cost. What both stores answer to calls in
any order, honest or not, is held by `test_store_properties`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from gateway_core.adapters.memory import MemoryStore
from gateway_core.domain.caller import Limits
from gateway_core.store.counters import Counters
from gateway_core.store.estimates import LEAST_WAIT_MS, is_due, is_left
from gateway_core.store.messages import Admitted, Settlement, Terms, Ticket
from gateway_core.store.records import OpenHold, UsageRecord
from gateway_core.store.virtual_keys import KeyRecord
from tests.contract.conftest import Redis
from tests.contract.desk import DIGEST, POLICY, candidate, counted, record_of, settled
from tests.contract.histories import StoreHistories, run_histories, wired
from tests.contract.wire import at_once

BEFORE_MIDNIGHT = 1_796_083_170_000
"""2026-11-30 23:59:30 UTC."""
HOUR_MS = 3_600_000
MOST_HOURS = 60
DAYS = ("20261130", "20261201", "20261202", "20261203")
MONTH_DAYS = (("202611", "20261130"), ("202612", "20261201"))
LIMIT = 330
"""Nano-USD a month: three requests at their bound, and a little."""
CHOSEN = candidate(nano=100, tokens=10)

charges = st.sampled_from([0, 1, 30, 100])
ends = st.sampled_from(["known", "known", "estimated", "unconfirmed", "unconfirmed", "both"])


@dataclass
class Process:
    """One request as its process knows it: what its attempts cost so far, and how much of that is an estimate."""

    ticket: Ticket
    answer: Admitted
    cost: int = 0
    estimated: int = 0

    def record(self) -> UsageRecord:
        return record_of(self.ticket, input_nano=self.cost, output_nano=0, estimated_nano=self.estimated)


@dataclass
class Pending:
    """What `next` charged of requests that have no record."""

    cost: dict[str, int] = field(default_factory=dict)
    estimated: dict[str, int] = field(default_factory=dict)

    def note(self, process: Process) -> None:
        self.cost[process.ticket.request_id] = process.cost
        self.estimated[process.ticket.request_id] = process.estimated

    def forget(self, request_id: str) -> None:
        self.cost.pop(request_id, None)
        self.estimated.pop(request_id, None)


class Ends(StoreHistories):
    """A fleet of honest processes, some of which die, a schedule and an operator over both stores."""

    def __init__(self) -> None:
        super().__init__()
        self.memory, self.now = MemoryStore(), BEFORE_MIDNIGHT
        self.running: list[Process] = []
        self.lost: list[tuple[Process, Settlement]] = []
        self.doubts: list[tuple[Process, Settlement]] = []
        self.closed: set[str] = set()
        self.pending = Pending()
        self.number = 0
        at_once(self.upstash._client.execute("FLUSHALL"))
        self.both("put_key", KeyRecord("alpha", DIGEST, limits=Limits(month_nano=LIMIT)))
        self.both("set_budget", "alpha", "", Limits(day_nano=LIMIT))
        self.key = self.both("find_key", "alpha", DIGEST)

    def both(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """The answer of both stores, which must be one."""
        expected = at_once(getattr(self.memory, name)(*args, **kwargs))
        found = at_once(getattr(self.upstash, name)(*args, **kwargs))
        assert found == expected, name
        return found

    def holds(self) -> list[OpenHold]:
        pages = [at_once(self.memory.hold_page("alpha", month=month)) for month, _ in MONTH_DAYS]
        return sorted((hold for page in pages for hold in page.holds), key=lambda hold: (hold.request_id, hold.attempt))

    def used(self) -> int:
        """Spent and held in all."""
        lines = [at_once(self.memory.budget_lines("alpha", day=day, scopes=["p"]))[1] for _, day in MONTH_DAYS]
        return sum(line.spent_nano + line.held_nano for line in lines)

    # Requests.

    @rule(user=st.sampled_from(["", "bob"]))
    def begin(self, user: str) -> None:
        self.number += 1
        ticket = Ticket(f"r{self.number}", "alpha", self.key.id, DIGEST, self.key.rights_tag, self.now, user)
        answer = self.both("admit", ticket, [CHOSEN], Terms(self.now, POLICY))
        if isinstance(answer, Admitted):
            self.running.append(Process(ticket, answer))
            self.check_limits(ticket)

    def check_limits(self, ticket: Ticket) -> None:
        """What is spent, by charges and by estimates, and what is held fits at every admission."""
        day, _ = at_once(self.memory.budget_lines("alpha", day=ticket.day, scopes=["p"]))
        _, month = at_once(self.memory.budget_lines("alpha", day=ticket.day, scopes=[f"k:{ticket.key_id}"]))
        assert day.spent_nano + day.held_nano <= LIMIT
        assert month.spent_nano + month.held_nano <= LIMIT

    def end(self, data: st.DataObject, process: Process) -> Settlement:
        """How its attempt ends, told to the process; what the provider made of it comes to light later, or never."""
        kind, charge = data.draw(ends), data.draw(charges)
        doubt, guess = kind in {"unconfirmed", "both"}, kind in {"estimated", "both"}
        kept = data.draw(st.none() | st.sampled_from([0, 20])) if doubt else None
        ended = settled(
            process.answer,
            CHOSEN,
            "skip",
            charge_nano=charge,
            unconfirmed=doubt,
            estimated=guess,
            unconfirmed_nano=kept,
        )
        process.cost += charge
        process.estimated += charge if guess else 0
        if doubt:
            self.doubts.append(
                (process, replace(ended, unconfirmed=False, estimated=False, charge_nano=data.draw(charges)))
            )
        return ended

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def fall_back(self, data: st.DataObject) -> None:
        process = data.draw(st.sampled_from(self.running))
        before = replace(process)
        ended = self.end(data, process)
        answer = self.both("next", process.ticket, ended, [CHOSEN], Terms(self.now, POLICY))
        if any(reason.scope == "closed" for reason in getattr(answer, "refusals", ())):
            process.cost, process.estimated = before.cost, before.estimated
            self.give_up(process)
            return
        self.pending.note(process)
        if isinstance(answer, Admitted):
            process.answer = answer
            self.check_limits(process.ticket)
        else:
            self.close(process, None)

    @precondition(lambda self: self.running)
    @rule(data=st.data(), dies=st.booleans())
    def finish(self, data: st.DataObject, dies: bool) -> None:
        """Its settlement arrives, or is lost with the process for a while."""
        process = data.draw(st.sampled_from(self.running))
        ended = self.end(data, process)
        if dies:
            self.running.remove(process)
            self.lost.append((process, ended))
        else:
            self.close(process, ended)

    def close(self, process: Process, ended: Settlement | None) -> None:
        done = self.both("settle", process.ticket, ended, process.record(), Terms(self.now, POLICY))
        if done.written:
            self.pending.forget(process.ticket.request_id)
            self.closed.add(process.ticket.request_id)
        self.give_up(process)

    def give_up(self, process: Process) -> None:
        """The operator resolved it: it is not settled any more, and what it was charged before has no record."""
        if process in self.running:
            self.running.remove(process)

    @precondition(lambda self: self.lost)
    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        """Of what was lost; any number of times."""
        process, ended = data.draw(st.sampled_from(self.lost))
        self.close(process, ended)

    @precondition(lambda self: any(process.ticket.request_id in self.closed for process, _ in self.doubts))
    @rule(data=st.data())
    def the_truth_comes_late(self, data: st.DataObject) -> None:
        """What an unconfirmed attempt did cost; any number of times."""
        known = [doubt for doubt in self.doubts if doubt[0].ticket.request_id in self.closed]
        process, ended = data.draw(st.sampled_from(known))
        done = self.both("settle", process.ticket, ended, process.record(), Terms(self.now, POLICY))
        assert not done.written

    # Time, the schedule and the operator.

    @rule(hours=st.sampled_from([0, 1, 6, 12]))
    def hours_pass(self, hours: int) -> None:
        self.now = min(self.now + hours * HOUR_MS, BEFORE_MIDNIGHT + MOST_HOURS * HOUR_MS)

    @rule()
    def the_schedule_runs(self) -> None:
        """Nothing is free by it, and nothing is booked twice."""
        used, records = self.used(), self.records()
        due = [hold for hold in self.holds() if is_due(hold, now_ms=self.now, wait_ms=LEAST_WAIT_MS)]
        for hold in due:
            assert self.both("book_hold", "alpha", hold, now_ms=self.now) is not None
            assert self.both("book_hold", "alpha", hold, now_ms=self.now) is None
        assert self.used() == used
        assert len(self.records()) - len(records) == sum(hold.hold_nano + hold.hold_tokens > 0 for hold in due)

    @precondition(lambda self: any(hold.booked or is_left(hold, self.now) for hold in self.holds()))
    @rule(data=st.data(), part=st.sampled_from([0, 1, 2]))
    def the_operator_decides(self, data: st.DataObject, part: int) -> None:
        left = [hold for hold in self.holds() if hold.booked or is_left(hold, self.now)]
        hold = data.draw(st.sampled_from(left))
        assert self.both(
            "resolve_hold", "alpha", month=hold.day[:6], request_id=hold.request_id, attempt=hold.attempt,
            charge_nano=hold.hold_nano * part // 2, charge_tokens=0, now_ms=self.now,
        )  # fmt: skip

    # What must always hold.

    def records(self) -> list[UsageRecord]:
        pages = [at_once(self.memory.usage_records("alpha", day=day, limit=1000)) for day in DAYS]
        return [record for page in pages for record in page.records]

    @invariant()
    def reports_say_what_the_accounts_say(self) -> None:
        """All that is spent is in a record, or will be; so is all that is estimated."""
        lines = [at_once(self.memory.budget_lines("alpha", day=day, scopes=["p"]))[1] for _, day in MONTH_DAYS]
        records = self.records()
        in_records = sum(record.cost_nano for record in records)
        assert sum(line.spent_nano for line in lines) == in_records + sum(self.pending.cost.values())
        guessed = sum(record.estimated_nano for record in records)
        assert sum(line.estimated_nano for line in lines) == guessed + sum(self.pending.estimated.values())

    @invariant()
    def counters_add_up(self) -> None:
        """The counters of a day are those of its records, corrections included."""
        for day in DAYS:
            found = at_once(counted(self.memory, "alpha", day[:6], day[6:])).get(f"c|{day[6:]}", Counters())
            page = at_once(self.memory.usage_records("alpha", day=day, limit=1000))
            assert found.cost_nano == sum(record.cost_nano for record in page.records)
            assert found.estimated_nano == sum(record.estimated_nano for record in page.records)

    def teardown(self) -> None:
        """In the end both stores remember the same."""
        for month, day in MONTH_DAYS:
            self.both("open_holds", "alpha", month=month)
            self.both("budget_lines", "alpha", day=day, scopes=["p", "u:bob", f"k:{self.key.id}"])
        for day in DAYS:
            self.both("usage_records", "alpha", day=day, limit=1000)
        for day in DAYS:
            for period in (day[6:], "M"):
                expected, found = (
                    at_once(counted(store, "alpha", day[:6], period)) for store in (self.memory, self.upstash)
                )
                assert found == expected


@pytest.fixture
def machine(redis_server: Redis) -> Iterator[type[Ends]]:
    with wired(Ends, redis_server.port) as connected:
        yield connected


@pytest.mark.hypothesis
@pytest.mark.timeout(600)  # a failure takes minutes to be made small, and is of little use before it is
def test_reports_and_accounts_agree(machine) -> None:
    """However requests end and whoever books them: each nano-USD is spent once, and reported once."""
    run_histories(machine)
