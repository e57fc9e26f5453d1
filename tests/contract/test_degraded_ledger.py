"""The request path over a store that comes and goes: who may go on, and that the books add up afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import pytest

from gateway_core.adapters.degraded import ResilientLedger
from gateway_core.domain.errors import LLMError, StoreUnavailable
from gateway_core.ports import Store
from gateway_core.ports.replaying import replay
from gateway_core.store.messages import Admitted, Refused, Terms
from gateway_core.store.records import Unsettled
from tests.contract.desk import NOON, POLICY, Desk, candidate, record_of, settled
from tests.manual_clock import ManualClock

ONE, TWO = candidate("m1", "one"), candidate("m2", "two")
UP, DOWN, LOST = "up", "down", "lost"
"""The store answers; it is not reached; it does as it is told and its answer gets lost."""
TERMS = Terms(NOON, POLICY)


class Outages:
    """A store in front of which the network fails, call by call as planned; then it is as `rest` says."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.plan: Iterator[str] = iter(())
        self.rest = UP
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            fate = next(self.plan, self.rest)
            answer = None if fate == DOWN else await getattr(self._store, name)(*args, **kwargs)
            if fate != UP:
                raise StoreUnavailable("The store is away.", detail="away", retry_after_s=5)
            return answer

        return call


@dataclass
class Shelf:
    """A backlog to look into."""

    kept: list[Unsettled] = field(default_factory=list)

    async def put(self, unsettled: Unsettled, error: LLMError) -> None:
        assert error.code == "store_unavailable"
        self.kept.append(unsettled)


@dataclass
class Bench:
    """A resilient ledger at a desk whose key the store has admitted once, so that its limits are known."""

    desk: Desk
    outages: Outages
    ledger: ResilientLedger
    clock: ManualClock
    shelf: Shelf

    async def meet(self) -> None:
        await self.walk("first", ok=True)

    async def walk(self, request_id: str, *, ok: bool, charge: int = 0) -> str:
        """A request that succeeds at once, or on its fallback: charged 30 for the failure then, and `charge`."""
        ticket = self.desk.ticket(request_id)
        try:
            admission = await self.ledger.admit(ticket, [ONE, TWO], TERMS)
        except StoreUnavailable:
            return "refused"
        assert isinstance(admission, Admitted)
        attempts, last = 1, settled(admission, (ONE, TWO)[admission.index], charge_nano=charge)
        if not ok:
            failed = settled(admission, (ONE, TWO)[admission.index], "skip", charge_nano=30)
            admission = await self.ledger.next(ticket, failed, [TWO], TERMS)
            assert isinstance(admission, Admitted)
            attempts, last = 2, settled(admission, TWO, charge_nano=charge)
        record = record_of(ticket, attempts=attempts, input_nano=charge + (0 if ok else 30), output_nano=0)
        await self.ledger.settle(ticket, last, record, Terms(NOON, POLICY))
        return "degraded" if admission.generation == -1 else "ok"


def bench_of(desk: Desk, *, degrade: bool = True) -> Bench:
    clock, shelf, outages = ManualClock(), Shelf(), Outages(desk.store)
    ledger = ResilientLedger(outages, clock, shelf, degrade=degrade)  # type: ignore[arg-type]
    return Bench(desk, outages, ledger, clock, shelf)


@pytest.fixture
def bench(desk: Desk) -> Bench:
    return bench_of(desk)


@pytest.mark.parametrize("ok", [True, False], ids=["first attempt", "fallback"])
async def test_the_books_add_up_after_every_pattern_of_outages(bench, ok):
    """Whichever calls fail or lose their answers: once the backlog is replayed, each request counts exactly once."""
    await bench.meet()
    expected, requests = 0, 1
    met: set[tuple[str, ...]] = set()
    for number, fates in enumerate(product((UP, DOWN, LOST), repeat=4)):
        if any(fates[:calls] in met for calls in range(1, 4)):
            continue  # it differs in what nobody calls
        bench.clock.advance(4)
        before, bench.outages.plan = bench.outages.calls, iter(fates)
        assert await bench.walk(f"r{number}", ok=ok, charge=7) in {"ok", "degraded"}
        met.add(fates[: bench.outages.calls - before])
        bench.outages.plan = iter(())
        expected, requests = expected + 7 + (0 if ok else 30), requests + 1
    for unsettled in [*bench.shelf.kept, *bench.shelf.kept]:
        await replay(bench.desk.store, unsettled, Terms(NOON, POLICY))
    assert await bench.desk.money() == (expected, 0)
    records = await bench.desk.records()
    assert (len(records), len({record.request_id for record in records})) == (requests, requests)
    assert sum(record.cost_nano for record in records) == expected


@pytest.mark.parametrize("limit", [{"day_nano": 10**9}, {"month_tokens": 10**9}])
async def test_a_caller_with_a_budget_is_refused_while_the_store_is_away(bench, limit):
    """Hard limits fail closed, whoever set them: the project, here."""
    await bench.desk.budget(**limit)
    await bench.meet()
    bench.outages.rest = DOWN
    assert await bench.walk("r1", ok=True) == "refused"


@pytest.mark.parametrize("limit", [{"rpm": 1000}, {"tpm": 10**6}, {"day_nano": 10**9}])
async def test_a_key_with_limits_is_refused_while_the_store_is_away(store, limit):
    """The same for what the key itself may."""
    bench = bench_of(await Desk(store).open(**limit))
    await bench.meet()
    bench.outages.rest = DOWN
    assert await bench.walk("r1", ok=True) == "refused"


async def test_a_user_with_a_budget_is_refused_while_the_store_is_away(bench):
    """And for the user of the request, while the key's other users go on."""
    await bench.desk.budget("bob", day_nano=10**9)
    await bench.meet()
    bench.desk.user = "bob"
    await bench.meet()
    bench.outages.rest = DOWN
    assert await bench.walk("r1", ok=True) == "refused"
    bench.desk.user = ""
    assert await bench.walk("r2", ok=True) == "degraded"


async def test_who_was_never_admitted_here_is_refused(bench):
    """What is not known fails closed."""
    bench.outages.rest = DOWN
    assert await bench.walk("r1", ok=True) == "refused"


async def test_what_is_known_of_limits_ages(bench):
    """After 15 minutes nobody goes on without the store."""
    await bench.meet()
    bench.outages.rest = DOWN
    bench.clock.advance(15 * 60 - 1)
    assert await bench.walk("r1", ok=True) == "degraded"
    bench.clock.advance(1)
    assert await bench.walk("r2", ok=True) == "refused"


async def test_an_operator_may_refuse_everybody(desk):
    """With `store.on_failure: refuse` nobody goes on."""
    bench = bench_of(desk, degrade=False)
    await bench.meet()
    bench.outages.rest = DOWN
    assert await bench.walk("r1", ok=True) == "refused"


async def test_a_store_that_is_away_is_left_alone_and_tried_by_one(bench):
    """Three failures in a row, then nobody asks for 3 s; then one call does, and its success lets all through."""
    await bench.meet()
    bench.outages.rest, before = DOWN, bench.outages.calls
    for number in range(10):
        assert await bench.walk(f"a{number}", ok=True) == "degraded"
    assert bench.outages.calls - before == 3
    bench.clock.advance(3)
    assert await bench.walk("b", ok=True) == "degraded"
    assert bench.outages.calls - before == 4
    bench.outages.rest = UP
    assert await bench.walk("c", ok=True) == "degraded"
    bench.clock.advance(3)
    assert await bench.walk("d", ok=True) == "ok"


async def test_the_process_has_its_own_breaker_and_limits(bench):
    """A provider's rate limit and five failures in a row bind without the store too."""
    await bench.meet()
    bench.outages.rest = DOWN
    slow = candidate("m1", "one", rpm=1)
    ticket = bench.desk.ticket
    assert isinstance(await bench.ledger.admit(ticket("a"), [slow], TERMS), Admitted)
    assert isinstance(await bench.ledger.admit(ticket("b"), [slow], TERMS), Refused)
    for number in range(5):
        admitted = await bench.ledger.admit(ticket(f"c{number}"), [TWO], TERMS)
        await bench.ledger.settle(
            ticket(f"c{number}"), settled(admitted, TWO, "fail"), record_of(ticket("c")), Terms(NOON, POLICY)
        )
    assert isinstance(await bench.ledger.admit(ticket("d"), [TWO], TERMS), Refused)


@pytest.mark.parametrize("at_the_end", [UP, DOWN])
async def test_nothing_of_a_request_is_kept_once_it_is_settled(bench, at_the_end):
    """A process that lives for long must not remember each request that fell back without the store."""
    await bench.meet()
    for number in range(3):
        bench.outages.plan = iter((UP, DOWN, at_the_end, at_the_end))
        assert await bench.walk(f"r{number}", ok=False) == "degraded"
        bench.clock.advance(4)
    assert bench.ledger._owed == {}
