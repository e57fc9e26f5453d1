"""A request at the store: admitted, failed over, settled, each once whatever is sent twice."""

import pytest

from gateway_core.domain.caller import Limits
from gateway_core.domain.errors import InvalidRequest
from gateway_core.store.budget import MAX_AMOUNT
from gateway_core.store.counters import RECONCILED
from gateway_core.store.messages import Admitted, Refusal, Refused, Shortage, StaleCaller
from gateway_core.store.virtual_keys import KeyRecord
from tests.contract.desk import DIGEST, Desk, candidate, settled

ONE, TWO = candidate("m1", "one"), candidate("m2", "two")


async def test_the_first_candidate_is_admitted_and_its_bound_held(desk):
    """Nothing stands against the first candidate: it is admitted, and only its bound is held."""
    assert await desk.admit("r1", ONE, TWO) == Admitted(0, 1, 0, probe=False, serial=1)
    assert await desk.money() == (0, 100)
    assert await desk.holds() == [("r1", 1, 100, False)]


async def test_a_repeated_admission_answers_the_same_and_holds_nothing_more(desk):
    """An admission whose answer got lost is sent again: same answer, one hold."""
    await desk.budget(day_nano=100)
    first = await desk.admit("r1", candidate(nano=200), TWO)
    desk.at += 500
    assert await desk.admit("r1", candidate(nano=200), TWO) == first
    assert await desk.holds() == [("r1", 1, 100, False)]


async def test_a_settlement_spends_the_charge_and_releases_the_hold(desk):
    """What the attempt cost is spent in every scope, the rest of its hold is free again."""
    desk.user = "bob"
    await desk.budget("bob", day_nano=1000)
    answer = await desk.admitted("r1", ONE)
    assert await desk.settle("r1", settled(answer, ONE, charge_nano=70, charge_tokens=7))
    for scope in ("p", "u:bob", f"k:{desk.key_id}"):
        assert await desk.money(scope) == (70, 0)
        assert await desk.tokens(scope) == (7, 0)
    assert await desk.holds() == []


async def test_a_settlement_sent_twice_counts_once(desk):
    """The second one answers False and changes nothing."""
    answer = await desk.admitted("r1", ONE)
    ended = settled(answer, ONE, charge_nano=70, latency_ms=10)
    assert await desk.settle("r1", ended)
    assert not await desk.settle("r1", ended)
    assert await desk.money() == (70, 0)
    assert len(await desk.records()) == 1
    assert (await desk.counters())["c|20"].requests == 1


async def test_what_was_never_admitted_is_not_settled(desk):
    """A settlement without a hold writes no record."""
    assert not await desk.settle("r1", settled(Admitted(0, 1, 0, probe=False), ONE, charge_nano=70))
    assert await desk.money() == (0, 0)
    assert await desk.records() == []


async def test_next_settles_the_failed_attempt_and_admits_another(desk):
    """The failed attempt's charge is spent at once, and the fallback's bound is held under its own number."""
    first = await desk.admitted("r1", ONE, TWO)
    answer = await desk.next("r1", settled(first, ONE, "fail", charge_nano=30), TWO)
    assert answer == Admitted(0, 2, 0, probe=False, serial=2)
    assert await desk.money() == (30, 100)
    assert await desk.holds() == [("r1", 2, 100, False)]
    assert (await desk.state()).failures == 1
    assert await desk.records() == []


async def test_next_holds_for_both_while_the_first_is_unconfirmed(desk):
    """A provider that may have billed the first attempt keeps its bound held besides the fallback's."""
    first = await desk.admitted("r1", ONE, TWO)
    await desk.next("r1", settled(first, ONE, "fail", unconfirmed=True), TWO)
    assert await desk.money() == (0, 200)
    assert await desk.holds() == [("r1", 1, 100, True), ("r1", 2, 100, False)]


async def test_a_repeated_next_answers_the_same_and_changes_nothing(desk):
    """A `next` whose answer got lost is sent again: same answer, charged once, one failure counted."""
    ended = settled(await desk.admitted("r1", ONE, TWO), ONE, "fail", charge_nano=30)
    answer = await desk.next("r1", ended, TWO)
    desk.at += 500
    assert await desk.next("r1", ended, TWO) == answer
    assert await desk.money() == (30, 100)
    assert (await desk.state()).failures == 1


async def test_a_refused_next_leaves_the_attempt_settled(desk):
    """Nothing else can serve: the first attempt stays settled, and the record is written once without another."""
    await desk.budget(month_nano=120)
    ended = settled(await desk.admitted("r1", ONE, TWO), ONE, "fail", charge_nano=30)
    refused = Refused((Refusal(0, "budget", "p:month_nano", 0, Shortage(120, 90, 0, 90, MAX_AMOUNT)),))
    assert await desk.next("r1", ended, TWO) == refused
    assert await desk.next("r1", ended, TWO) == refused
    assert await desk.money() == (30, 0)
    assert await desk.settle("r1", None, error_code="budget_exceeded")
    assert not await desk.settle("r1", None, error_code="budget_exceeded")
    assert [record.error_code for record in await desk.records()] == ["budget_exceeded"]


async def test_a_refused_next_may_be_sent_again_after_a_wait(desk):
    """What was refused for now is admitted later, and its attempt settled as usual."""
    ended = settled(await desk.admitted("r1", ONE), ONE, "fail", charge_nano=30)
    limited = candidate("m3", "three", rpm=1)
    await desk.admitted("r0", limited)
    assert await desk.next("r1", ended, limited) == Refused((Refusal(0, "rate", "provider:rpm", 60_000),))
    desk.at += 60_000
    answer = await desk.next("r1", ended, limited)
    assert answer == Admitted(0, 2, 0, probe=False, serial=3)
    assert await desk.settle("r1", settled(answer, limited, charge_nano=5))
    assert not await desk.settle("r1", None)
    assert await desk.money() == (35, 100)


async def test_settling_an_attempt_voids_a_fallback_that_nobody_heard_of(desk):
    """`next` ran, its answer never came, and the request gave up: the unused hold is freed, the record written."""
    ended = settled(await desk.admitted("r1", ONE, TWO), ONE, "fail", charge_nano=30)
    await desk.next("r1", ended, TWO)
    assert await desk.settle("r1", ended, error_code="store_unavailable")
    assert not await desk.settle("r1", ended, error_code="store_unavailable")
    assert await desk.money() == (30, 0)
    assert len(await desk.records()) == 1


async def test_a_late_copy_of_a_next_changes_nothing(desk):
    """A copy that arrives when the request is closed holds nothing for nobody."""
    ended = settled(await desk.admitted("r1", ONE, TWO), ONE, "fail", charge_nano=30)
    answer = await desk.next("r1", ended, TWO)
    await desk.settle("r1", settled(answer, TWO, charge_nano=50))
    assert await desk.next("r1", ended, TWO) == Refused((Refusal(0, "breaker_open", "closed"),))
    assert await desk.money() == (80, 0)
    assert await desk.holds() == []


async def test_a_late_copy_of_an_earlier_next_changes_nothing(desk):
    """Nor does a copy that arrives when a later attempt is under way."""
    first = settled(await desk.admitted("r1", ONE), ONE, "fail", charge_nano=30)
    second = settled(await desk.next("r1", first, TWO), TWO, "fail", charge_nano=20)
    await desk.next("r1", second, candidate("m3", "three"))
    assert await desk.next("r1", first, TWO) == Refused((Refusal(0, "breaker_open", "closed"),))
    assert await desk.holds() == [("r1", 3, 100, False)]


async def test_a_late_copy_of_an_admission_holds_nothing(desk):
    """A copy that arrives when the request has moved on is turned away."""
    ended = settled(await desk.admitted("r1", ONE, TWO), ONE, "fail", charge_nano=30)
    answer = await desk.next("r1", ended, TWO)
    assert await desk.admit("r1", ONE, TWO) == Refused(
        (Refusal(0, "breaker_open", "closed"), Refusal(1, "breaker_open", "closed"))
    )
    assert await desk.settle("r1", settled(answer, TWO, charge_nano=50))
    assert await desk.money() == (80, 0)


async def test_a_fallback_that_came_too_late_is_void(desk):
    """The caller heard a refusal, then a late copy of its `next` was admitted: closing the request frees that hold."""
    await desk.budget(month_nano=120)
    ended = settled(await desk.admitted("r1", ONE, TWO), ONE, "fail", charge_nano=30)
    assert isinstance(await desk.next("r1", ended, TWO), Refused)
    await desk.budget()
    assert isinstance(await desk.next("r1", ended, TWO), Admitted)
    assert await desk.settle("r1", None)
    assert await desk.money() == (30, 0)


async def test_a_crash_before_settling_frees_nothing(desk):
    """A hold whose process died counts against the limit for good, whatever the clock says."""
    await desk.budget(month_nano=150)
    await desk.admitted("r1", ONE)
    desk.at += 10**9
    assert isinstance(await desk.admit("r2", ONE), Refused)
    desk.at -= 2 * 10**9
    assert isinstance(await desk.admit("r2", ONE), Refused)
    assert await desk.holds() == [("r1", 1, 100, False)]


async def test_day_and_month_are_those_of_the_ticket(desk):
    """A request that ends after midnight is charged where it began."""
    answer = await desk.admitted("r1", ONE)
    desk.at += 24 * 3_600_000
    await desk.settle("r1", settled(answer, ONE, charge_nano=70))
    day, month = await desk.lines()
    assert (day.period, day.spent_nano, month.period, month.spent_nano) == ("20261120", 70, "202611", 70)


async def test_an_unconfirmed_settlement_keeps_its_bound(desk):
    """What is known is spent, the rest stays held: together the bound, and in reports only what is known."""
    answer = await desk.admitted("r1", ONE)
    ended = settled(answer, ONE, "fail", charge_nano=30, charge_tokens=2, unconfirmed=True)
    assert await desk.settle("r1", ended, input_nano=30, output_nano=0)
    assert not await desk.settle("r1", ended, input_nano=30, output_nano=0)
    assert (await desk.money(), await desk.tokens()) == ((30, 70), (2, 8))
    assert await desk.holds() == [("r1", 1, 70, True)]
    assert (await desk.counters())["c|20"].cost_nano == 30


async def test_a_later_settlement_resolves_what_was_unconfirmed(desk):
    """Once the whole charge is known, the difference is spent and in the reports, and the hold is gone; once."""
    answer = await desk.admitted("r1", ONE)
    await desk.settle(
        "r1", settled(answer, ONE, "fail", charge_nano=30, unconfirmed=True), input_nano=30, output_nano=0
    )
    for _ in range(2):
        assert not await desk.settle("r1", settled(answer, ONE, "skip", charge_nano=45, charge_tokens=2))
        assert (await desk.money(), await desk.tokens()) == ((45, 0), (2, 0))
        assert await desk.holds() == []
        assert [(r.kind, r.cost_nano, r.input_tokens) for r in await desk.records()] == [
            ("chat", 30, 6),
            (RECONCILED, 15, 2),
        ]
    total = (await desk.counters())["c|20"]
    assert (total.requests, total.cost_nano) == (1, 45)


@pytest.mark.parametrize("change", ["revoked", "rights", "unknown"])
async def test_a_caller_whose_key_changed_is_stale(desk, change):
    """A key that was revoked or changed since it was looked up admits nothing, and holds nothing."""
    ended = settled(await desk.admitted("r1", ONE), ONE, "fail", charge_nano=30)
    if change == "revoked":
        await desk.store.revoke_key(desk.key_id, now_ms=desk.now)
    elif change == "rights":
        await desk.store.put_key(KeyRecord("alpha", DIGEST, groups=("fast",)))
    else:
        desk.tag = "0" * 40
    assert await desk.admit("r2", ONE) == StaleCaller()
    assert await desk.next("r1", ended, TWO) == StaleCaller()
    assert await desk.settle("r1", None)
    assert await desk.money() == (30, 0)


async def test_changed_limits_hold_at_once_and_keep_the_caller(desk):
    """Limits are read inside the admission: no cached caller can outlive them."""
    await desk.store.put_key(KeyRecord("alpha", DIGEST, limits=Limits(day_nano=99)))
    short = Shortage(99, 99, 0, 99, MAX_AMOUNT)
    assert await desk.admit("r1", ONE) == Refused((Refusal(0, "budget", f"k:{desk.key_id}:day_nano", 0, short),))
    await desk.store.put_key(KeyRecord("alpha", DIGEST, limits=Limits(day_nano=100)))
    assert isinstance(await desk.admit("r1", ONE), Admitted)


async def test_an_admin_key_spends_another_projects_budget_and_its_own_limits(store):
    """The money goes to the project named; the key's own budget is one, wherever it is used."""
    admin = await Desk(store, project="ops").open(month_nano=150)
    await store.set_budget("alpha", "", Limits(month_nano=10_000))
    ticket = admin.ticket("r1", project_id="alpha", key_project_id="ops")
    assert isinstance(await admin.admit_as(ticket, [ONE]), Admitted)
    assert await admin.money("p", project="alpha") == (0, 100)
    assert await admin.money(f"k:{admin.key_id}", project="ops") == (0, 100)
    short = Shortage(150, 50, 100, 50, MAX_AMOUNT - ONE.hold_tokens)
    assert await admin.admit("r2", ONE) == Refused((Refusal(0, "budget", f"k:{admin.key_id}:month_nano", 0, short),))


@pytest.mark.parametrize("amount", [2**53, -1])
async def test_amounts_that_redis_cannot_count_are_refused(desk, amount):
    """Beyond 2^53 a double skips integers: such an amount never reaches the store."""
    with pytest.raises(InvalidRequest):
        await desk.admit("r1", candidate(nano=amount))
    answer = await desk.admitted("r1", ONE)
    with pytest.raises(InvalidRequest):
        await desk.settle("r1", settled(answer, ONE, charge_nano=amount))
    with pytest.raises(InvalidRequest):
        await desk.next("r1", settled(answer, ONE, charge_tokens=amount), TWO)
    with pytest.raises(InvalidRequest):
        await desk.settle("r1", settled(answer, ONE), input_nano=amount, output_nano=0)


async def test_what_a_late_copy_of_an_admission_holds_is_not_settled(desk):
    """The request was settled before: a settlement that arrives again, or a replay, counts nothing more."""
    ended = settled(await desk.admitted("r1"), ONE, charge_nano=70)
    assert await desk.settle("r1", ended)
    assert (await desk.admitted("r1")).serial == ended.serial + 1
    for _ in range(2):
        assert not await desk.settle("r1", ended)
        assert isinstance(await desk.next("r1", ended, TWO), Refused)
    assert await desk.money() == (70, 100)
    assert len(await desk.records()) == 1
    assert (await desk.counters())["c|20"].requests == 1


async def test_a_settlement_that_knows_no_serial_takes_any_hold(desk):
    """As one of an earlier version, whose log line is replayed, or of an attempt made without the store."""
    ended = settled(await desk.admitted("r1"), ONE, charge_nano=70, serial=0)
    assert await desk.settle("r1", ended)
    assert await desk.money() == (70, 0)
