"""What a step tells of breakers and budgets: each change once, and the same again to a copy."""

import uuid
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from gateway_core.adapters.degraded import ResilientLedger
from gateway_core.domain.caller import Limits
from gateway_core.ports.replaying import replay
from gateway_core.store.changes import BreakerChange, BudgetCrossed
from gateway_core.store.messages import Admitted, Refused, StaleCaller, Terms
from gateway_core.store.records import Unsettled
from gateway_core.store.virtual_keys import KeyRecord
from tests.contract.desk import DIGEST, NOON, POLICY, Desk, candidate, record_of, settled
from tests.contract.test_degraded_ledger import DOWN, Outages, Shelf
from tests.manual_clock import ManualClock
from tests.properties import examples

ODD = candidate("mod,el|1;x@https://host/v1", "one", nano=0, tokens=0)
"""A deployment whose name has every character that the scripts use as a separator."""
ONE, TWO = candidate("m1", "one"), candidate("m2", "two")


def breaker(state, generation, until_ms, chosen=ODD, reason=""):
    return BreakerChange(chosen.provider, chosen.deployment_id, state, generation, until_ms, reason)


def limited(until_ms, chosen=ONE):
    """Opened by a rate limit for the first time."""
    return breaker("open", 1, until_ms, chosen, "rate_limit")


async def tell(desk, request_id, effect, chosen=ODD, **changes):
    """A call from admission to settlement; gives what both told."""
    answer = await desk.admitted(request_id, chosen)
    done = await desk.close(request_id, settled(answer, chosen, effect, **changes))
    return [*answer.changes, *done.changes]


async def test_a_breaker_tells_each_of_its_changes_once(desk):
    """The fifth failure opens it; the four before it are nothing to tell."""
    told = [change for i in range(5) for change in await tell(desk, f"r{i}", "fail")]
    assert told == [breaker("open", 1, NOON + 30_000, reason="failures")]


async def test_a_probe_tells_half_open_and_closed(desk):
    """Half-open until its lease ends; closed until nothing."""
    for i in range(5):
        await tell(desk, f"r{i}", "fail")
    desk.at = 30_000
    assert await tell(desk, "probe", "ok") == [
        breaker("half_open", 2, NOON + 30_000 + POLICY.lease_ms),
        breaker("closed", 3, 0),
    ]
    assert await tell(desk, "after", "ok") == []


async def test_a_rate_limit_tells_until_when(desk):
    """A 429 with a known end opens at once; one that only moves the end is no change."""
    first, second = await desk.admitted("r1", ODD), await desk.admitted("r2", ODD)
    done = await desk.close("r1", settled(first, ODD, "limit", retry_after_ms=7000))
    assert done.changes == (limited(NOON + 7000, ODD),)
    assert (await desk.close("r2", settled(second, ODD, "limit", retry_after_ms=9000))).changes == ()


async def test_a_copy_of_the_settlement_tells_the_same_and_writes_nothing(desk):
    """Its answer may have been lost."""
    await desk.budget(day_nano=100, month_nano=1000)
    ended = settled(await desk.admitted("r1", ONE), ONE, "limit", charge_nano=80, retry_after_ms=7000)
    done = await desk.close("r1", ended)
    assert done.changes == (
        BudgetCrossed("p", "day_nano", 50, 80, 100),
        BudgetCrossed("p", "day_nano", 80, 80, 100),
        limited(NOON + 7000, ONE),
    )
    assert await desk.close("r1", ended) == replace(done, written=False)
    assert len(await desk.records()) == 1


async def test_next_tells_what_the_failed_attempt_changed_and_the_probe(desk):
    """In one answer, and again in a copy's."""
    for i in range(5):
        await tell(desk, f"r{i}", "fail", replace(TWO, hold_nano=0, hold_tokens=0))
    desk.at = 30_000
    ended = settled(await desk.admitted("r", ONE), ONE, "limit", retry_after_ms=7000)
    answer = await desk.next("r", ended, TWO)
    assert answer.changes == (
        limited(desk.now + 7000, ONE),
        breaker("half_open", 2, desk.now + POLICY.lease_ms, TWO),
    )
    assert await desk.next("r", ended, TWO) == answer
    assert (await desk.close("r", settled(answer, TWO))).changes == (breaker("closed", 3, 0, TWO),)


@pytest.mark.parametrize("kind", [Refused, StaleCaller])
async def test_a_refused_next_tells_what_the_failed_attempt_changed(desk, kind):
    """Refused or stale: the attempt is settled, and a copy tells it again; the record that ends it does not."""
    ended = settled(await desk.admitted("r", ONE), ONE, "limit", retry_after_ms=7000)
    if kind is StaleCaller:
        await desk.store.revoke_key(desk.key_id, now_ms=desk.now)
    for _ in range(2):
        answer = await desk.next("r", ended, ONE)
        assert isinstance(answer, kind)
        assert answer.changes == (limited(NOON + 7000, ONE),)
    assert (await desk.close("r", None)).changes == ()


async def test_settling_tells_what_a_next_told_nobody(desk):
    """`next` ran and its answer was lost for good: closing the request with the same attempt tells its changes."""
    ended = settled(await desk.admitted("r", ONE), ONE, "limit", retry_after_ms=7000)
    await desk.next("r", ended, TWO)
    done = await desk.close("r", ended)
    assert (done.written, done.changes) == (True, (limited(NOON + 7000, ONE),))


async def test_every_scope_has_its_own_thresholds(store):
    """Project, key and user; day and month; money and tokens."""
    desk = await Desk(store, user="bo|b").open(month_tokens=10, rpm=100)
    await desk.budget(day_nano=200)
    await desk.budget("bo|b", month_nano=100, day_tokens=12)
    assert await tell(desk, "r1", "ok", ONE, charge_nano=100, charge_tokens=6) == [
        BudgetCrossed("p", "day_nano", 50, 100, 200),
        BudgetCrossed(f"k:{desk.key_id}", "month_tokens", 50, 6, 10),
        BudgetCrossed("u:bo|b", "month_nano", 50, 100, 100),
        BudgetCrossed("u:bo|b", "month_nano", 80, 100, 100),
        BudgetCrossed("u:bo|b", "month_nano", 100, 100, 100),
        BudgetCrossed("u:bo|b", "day_tokens", 50, 6, 12),
    ]


async def test_money_that_is_known_late_crosses_late(desk):
    """The part that stayed unconfirmed counts when it is charged, and a copy of that correction tells it again."""
    await desk.budget(day_nano=100)
    answer = await desk.admitted("r1", ONE)
    first = await desk.close("r1", settled(answer, ONE, "fail", charge_nano=60, unconfirmed=True))
    assert first.changes == (BudgetCrossed("p", "day_nano", 50, 60, 100),)
    for _ in range(2):
        late = await desk.close("r1", settled(answer, ONE, "fail", charge_nano=90))
        assert (late.written, late.changes) == (False, (BudgetCrossed("p", "day_nano", 80, 90, 100),))
    assert await desk.money() == (90, 0)


async def test_the_limits_are_those_of_the_admission(desk):
    """A budget that is set while a request runs is not judged by it."""
    answer = await desk.admitted("r1", ONE)
    await desk.budget(day_nano=100)
    assert (await desk.close("r1", settled(answer, ONE, charge_nano=100))).changes == ()


@examples(20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(limit=st.one_of(st.integers(0, 40), st.sampled_from([2**53 - 1, 2**53 - 2, 10**14 + 1])), parts=st.data())
async def test_each_threshold_is_told_exactly_once(store, limit, parts):
    """However the way to the limit is cut into charges, and though every settlement is sent twice."""
    desk = await Desk(store, project=uuid.uuid4().hex).open()  # the store outlives the example
    await desk.budget(month_nano=limit)
    told, spent = [], 0
    for i in range(5):
        charge = parts.draw(st.integers(0, limit - spent))
        answer = await desk.admitted(f"r{i}", candidate(nano=charge, tokens=0))
        ended = settled(answer, ONE, charge_nano=charge)
        told += (await desk.close(f"r{i}", ended)).changes
        await desk.close(f"r{i}", ended)
        spent += charge
    reached = [percent for percent in (50, 80, 100) if limit and spent * 100 >= limit * percent]
    assert [change.percent for change in told] == reached


async def test_what_is_owed_tells_with_the_next_answer(desk):
    """An attempt that ended while the store was away is told when the store hears of it."""
    outages, shelf = Outages(desk.store), Shelf()
    ledger = ResilientLedger(outages, ManualClock(), shelf, degrade=True)
    terms = Terms(NOON, POLICY)
    await ledger.admit(desk.ticket("r0"), [TWO], terms)
    ticket = desk.ticket("r1")
    first = await ledger.admit(ticket, [ONE], terms)
    ended = settled(first, ONE, "limit", retry_after_ms=7000)
    outages.plan = iter([DOWN])
    second = await ledger.next(ticket, ended, [TWO], terms)
    assert (second.generation, second.changes) == (-1, ())
    done = await ledger.settle(ticket, settled(second, TWO), record_of(ticket), Terms(NOON, POLICY))
    assert (done.written, done.changes) == (True, (limited(NOON + 7000, ONE),))


async def test_without_the_store_the_process_tells_of_its_own_breaker(desk):
    """What it learns alone it tells alone; a replay tells what the store learns from it."""
    outages, shelf = Outages(desk.store), Shelf()
    ledger = ResilientLedger(outages, ManualClock(), shelf, degrade=True)
    terms = Terms(NOON, POLICY)
    await ledger.admit(desk.ticket("r0"), [TWO], terms)
    outages.rest = DOWN
    ticket = desk.ticket("r1")
    first = await ledger.admit(ticket, [ONE], terms)
    second = await ledger.next(ticket, settled(first, ONE, "limit", retry_after_ms=7000), [TWO], terms)
    assert isinstance(second, Admitted)
    assert second.changes == (limited(NOON + 7000, ONE),)
    ended = settled(second, TWO, "limit", retry_after_ms=9000)
    done = await ledger.settle(ticket, ended, record_of(ticket), Terms(NOON, POLICY))
    assert (done.written, done.changes) == (False, (limited(NOON + 9000, TWO),))
    (kept,) = shelf.kept
    assert isinstance(kept, Unsettled)
    replayed = await replay(desk.store, kept, Terms(NOON, POLICY))
    assert replayed.written
    assert replayed.changes == (limited(NOON + 7000, ONE), limited(NOON + 9000, TWO))


async def test_a_key_of_another_project_tells_its_own_thresholds(store):
    """An admin key spends another project's budget; its own limits are told by its own scope."""
    admin = await Desk(store, project="ops").open(month_nano=100)
    await store.set_budget("alpha", "", Limits(month_nano=50))
    ticket = admin.ticket("r1", project_id="alpha", key_project_id="ops")
    answer = await admin.admit_as(ticket, [candidate(nano=50)])
    done = await store.settle(ticket, settled(answer, ONE, charge_nano=50), record_of(ticket), Terms(NOON, POLICY))
    assert [(change.scope, change.percent) for change in done.changes] == [
        ("p", 50),
        ("p", 80),
        ("p", 100),
        (f"k:{admin.key_id}", 50),
    ]
    assert KeyRecord("ops", DIGEST).id == admin.key_id
