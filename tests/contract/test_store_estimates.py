"""Money that is an estimate, and what nobody settled: booked when it is due, replaced when somebody knows better."""

import re
from dataclasses import replace

import pytest

from gateway_core.store.changes import BudgetCrossed
from gateway_core.store.counters import RECONCILED
from gateway_core.store.estimates import Booked
from gateway_core.store.messages import Admitted, Settled, Terms
from tests.contract.desk import DAY, MONTH, NOON, Desk, candidate, record_of, settled
from tests.contract.doubts import DUE_MS, HOUR_MS, ONE, book_all, doubt, estimated, states, total

TWO = candidate("m2", "two")


async def test_a_charge_that_is_an_estimate_is_told_apart(desk):
    """It is spent in every scope, and says of how much that is only an estimate."""
    desk.user = "bob"
    await desk.budget("bob", day_nano=1000)
    answer = await desk.admitted("r1", ONE)
    await desk.settle("r1", settled(answer, ONE, charge_nano=70, charge_tokens=7, estimated=True))
    await desk.call("r2", charge_nano=5)
    for scope in ("p", "u:bob", f"k:{desk.key_id}"):
        assert await desk.money(scope) == (75, 0)
        assert await estimated(desk, scope) == (70, 7)


async def test_a_failed_attempt_may_be_an_estimate_too(desk):
    """Also one that was admitted while the store was away."""
    answer = await desk.admitted("r1", ONE)
    await desk.next("r1", settled(answer, ONE, "fail", charge_nano=20, estimated=True), TWO)
    assert await estimated(desk) == (20, 0)
    away = Admitted(0, 1, -1, probe=False)
    await desk.settle("r2", settled(away, ONE, charge_nano=4, estimated=True))
    assert await estimated(desk) == (24, 0)


@pytest.mark.parametrize(("nano", "tokens", "held"), [(40, 4, (40, 4)), (500, None, (70, 7)), (0, 0, (0, 0))])
async def test_as_much_stays_held_as_may_have_been_billed(desk, nano, tokens, held):
    """The rest is free at once; never more stays than the hold has."""
    await doubt(desk, "r1", unconfirmed_nano=nano, unconfirmed_tokens=tokens)
    assert (await desk.money(), await desk.tokens()) == ((30, held[0]), (3, held[1]))


async def test_nothing_is_booked_before_its_time(desk):
    """Neither before the day's end and six hours, nor before it has been unconfirmed for six hours."""
    await doubt(desk, "r1")
    desk.at = DUE_MS - 1
    assert await desk.store.book_due("alpha", now_ms=desk.now, limit=10) == []
    desk.at = 13 * HOUR_MS
    late = settled(Admitted(0, 1, 0, probe=False), ONE, "fail", unconfirmed=True)
    desk.at = 0
    await desk.admitted("r2", ONE)
    desk.at = 13 * HOUR_MS
    assert await desk.settle("r2", late, input_nano=0, output_nano=0)
    desk.at = DUE_MS
    booked = await desk.store.book_due("alpha", now_ms=desk.now, limit=10)
    assert [each.hold.request_id for each in booked] == ["r1"]
    desk.at = DUE_MS + HOUR_MS
    booked = await desk.store.book_due("alpha", now_ms=desk.now, limit=10)
    assert [each.hold.request_id for each in booked] == ["r2"]


async def test_the_next_admission_books_what_is_due(desk):
    """As an estimate, in the ticket's own day and month, with a record; what is left of the budget does not change."""
    await doubt(desk, "r1")
    desk.at = DUE_MS
    await desk.admit("r2", ONE)
    assert await states(desk) == {"r1": ("estimated", 70), "r2": ("open", 100)}
    assert (await desk.money(), await desk.tokens()) == ((100, 100), (10, 10))
    assert await estimated(desk) == (70, 7)
    *_, booked = await desk.records()
    assert (booked.kind, booked.cost_nano, booked.estimated_nano, booked.input_tokens) == (RECONCILED, 70, 70, 7)
    assert await total(desk) == (1, 100)


async def test_an_admission_books_only_a_few(desk):
    """The rest is left to those after it, and to the schedule."""
    for number in range(5):
        await doubt(desk, f"r{number}")
    desk.at = DUE_MS
    for left in (2, 0, 0):
        await desk.admit(f"later-{left}-{desk.at}", ONE)
        found = await states(desk)
        assert sum(state == "unconfirmed" for state, _ in found.values()) == left
        desk.at += 1


async def test_an_attempt_that_nobody_settled_is_booked_as_well(desk):
    """By who looks through all holds: its process died. Once, and only as it is."""
    await desk.admitted("r1", ONE)
    (hold,) = await desk.store.open_holds("alpha", month=MONTH)
    assert await desk.store.book_hold("alpha", replace(hold, hold_nano=1), now_ms=desk.now) is None
    assert await desk.store.book_hold("alpha", hold, now_ms=desk.now) == Booked(hold)
    assert await desk.store.book_hold("alpha", hold, now_ms=desk.now) is None
    assert (await desk.money(), await estimated(desk)) == ((100, 0), (100, 10))
    assert await desk.store.open_holds("alpha", month=MONTH) == []
    (booked,) = (await desk.store.hold_page("alpha", month=MONTH)).holds
    assert booked == replace(hold, booked=True) == await desk.store.find_hold("alpha", month=MONTH, name=("r1", 1))
    assert await desk.store.find_hold("alpha", month=MONTH, name=("r1", 2)) is None


async def test_a_replay_replaces_the_estimate_once(desk):
    """The settlement of a process that died comes after the booking: it is as if nothing had been booked."""
    answer = await desk.admitted("r1", ONE)
    await book_all(desk)
    ended = settled(answer, ONE, charge_nano=70, charge_tokens=7)
    assert await desk.settle("r1", ended)
    for _ in range(2):
        assert (await desk.money(), await desk.tokens(), await estimated(desk)) == ((70, 0), (7, 0), (0, 0))
        assert await total(desk) == (1, 70)
        assert sum(record.cost_nano for record in await desk.records()) == 70
        assert await states(desk) == {}
        assert not await desk.settle("r1", ended)


async def test_a_replay_may_leave_the_attempt_unconfirmed(desk):
    """Then it is held again, and waits anew to be booked; a copy of that does not wake what is booked."""
    answer = await desk.admitted("r1", ONE)
    await book_all(desk)
    ended = settled(answer, ONE, "fail", charge_nano=30, unconfirmed=True)
    assert await desk.settle("r1", ended, input_nano=30, output_nano=0)
    assert (await desk.money(), await estimated(desk), await states(desk)) == (
        (30, 70),
        (0, 0),
        {"r1": ("unconfirmed", 70)},
    )
    await book_all(desk)
    assert not await desk.settle("r1", ended, input_nano=30, output_nano=0)
    assert await states(desk) == {"r1": ("estimated", 70)}
    assert await total(desk) == (1, 100)


async def test_a_late_settlement_replaces_the_estimate_once(desk):
    """What the attempt did cost is spent, and in the reports; nothing is held or estimated any more."""
    ended = await doubt(desk, "r1")
    await book_all(desk)
    for _ in range(2):
        known = replace(ended, unconfirmed=False, charge_nano=45, charge_tokens=5)
        assert await desk.close("r1", known) == Settled(written=False)
        assert (await desk.money(), await desk.tokens(), await estimated(desk)) == ((45, 0), (5, 0), (0, 0))
        assert await total(desk) == (1, 45)
        assert sum(record.estimated_nano for record in await desk.records()) == 0


async def test_a_known_charge_replaces_one_that_was_estimated(desk):
    """Part of an unconfirmed attempt was an estimate: the truth may be less, but not less than what was known."""
    ended = await doubt(desk, "r1", estimated=True)
    assert await estimated(desk) == (30, 3)
    await desk.close("r1", replace(ended, unconfirmed=False, estimated=False, charge_nano=12, charge_tokens=2))
    assert (await desk.money(), await desk.tokens(), await estimated(desk)) == ((12, 0), (2, 0), (0, 0))
    assert await total(desk) == (1, 12)


async def test_a_fallback_settles_what_was_booked(desk):
    """A process that slept for a night goes on: its attempt is settled, and the next one admitted, as ever."""
    answer = await desk.admitted("r1", ONE)
    await book_all(desk)
    answer = await desk.next("r1", settled(answer, ONE, "fail", charge_nano=5), TWO)
    assert (await desk.money(), await estimated(desk)) == ((5, 100), (0, 0))
    assert await desk.settle("r1", settled(answer, TWO, charge_nano=6), input_nano=11, output_nano=0)
    assert (await desk.money(), await total(desk)) == ((11, 0), (1, 11))


async def test_an_admission_that_is_asked_for_again_is_answered_though_it_is_booked(desk):
    """The same answer, and nothing more is held."""
    first = await desk.admit("r1", ONE, TWO)
    await book_all(desk)
    assert await desk.admit("r1", ONE, TWO) == first
    assert await desk.money() == (100, 0)


@pytest.mark.parametrize("alone", [True, False])
async def test_an_attempt_that_nobody_heard_of_is_void_though_it_is_booked(desk, alone):
    """Its request ends: it was never made, so nothing is spent for it."""
    ended = settled(await desk.admitted("r1", ONE), ONE, "fail", charge_nano=5)
    await desk.next("r1", ended, TWO)
    await book_all(desk)
    assert await desk.settle("r1", None if alone else ended, input_nano=5, output_nano=0)
    assert (await desk.money(), await estimated(desk), await states(desk)) == ((5, 0), (0, 0), {})
    assert await total(desk) == (1, 5)


async def test_an_operator_replaces_the_estimate_once(desk):
    """By what the provider's bill says; what was charged before stays."""
    await doubt(desk, "r1")
    await book_all(desk)
    for found in (True, False):
        resolved = await desk.store.resolve_hold(
            "alpha", month=MONTH, request_id="r1", attempt=1, charge_nano=20, charge_tokens=2, now_ms=desk.now
        )
        assert resolved == found
        assert (await desk.money(), await desk.tokens(), await estimated(desk)) == ((50, 0), (5, 0), (0, 0))
        assert await total(desk) == (1, 50)


async def test_a_booking_tells_the_thresholds_that_it_reaches(desk):
    """Once: whoever books tells those of day and month, a request on its way only those of its own month."""
    await desk.budget(day_nano=120, month_nano=120)
    await doubt(desk, "r1")
    small = candidate("m2", "two", nano=20)
    await desk.settle("r2", settled(await desk.admitted("r2", small), small, "fail", unconfirmed=True))
    desk.at = DUE_MS
    (first,) = await desk.store.book_due("alpha", now_ms=desk.now, limit=1)
    month = [BudgetCrossed("p", "month_nano", percent, 100, 120) for percent in (50, 80)]
    assert first.crossed == (*(replace(crossed, limit="day_nano") for crossed in month), *month)
    answer = await desk.admit_as(desk.ticket("r3", admitted_ms=NOON + DUE_MS), [candidate(nano=0)])
    assert answer.changes == (BudgetCrossed("p", "month_nano", 100, 120, 120),)


async def test_a_key_of_another_project_has_its_own_accounts(desk):
    """They are booked, and taken back, where the key lives; the record is the project's that was worked for."""
    admin = await Desk(desk.store, project="ops").open()
    ticket = admin.ticket("r1", project_id="alpha", key_project_id="ops")
    answer = await admin.admit_as(ticket, [ONE])
    await book_all(desk)
    scope = f"k:{admin.key_id}"
    assert (await admin.money(scope), await estimated(admin, scope)) == ((100, 0), (100, 10))
    assert (await desk.money(), await estimated(desk)) == ((100, 0), (100, 10))
    ended = settled(answer, ONE, charge_nano=70)
    await desk.store.settle(ticket, ended, record_of(ticket), Terms(desk.now, desk.policy))
    assert (await admin.money(scope), await estimated(admin, scope)) == ((70, 0), (0, 0))
    assert (await desk.money(), await total(desk)) == ((70, 0), (1, 70))


async def test_projects_are_known_from_their_first_admission(desk):
    """So that holds are found of one whose first request died."""
    assert await desk.store.projects() == []
    await desk.admitted("r1", ONE)
    assert await desk.store.projects() == ["alpha"]


# In Redis: what earlier releases wrote and read.


@pytest.fixture
async def shared(upstash):
    return await Desk(upstash).open()


EARLIER_HOLD = re.compile(r"\d+;\d+;\d+;\d+;\d+;[^;]*;[^;]*;\d+;\d+;\d+;\d+;\d+;(?P<limits>[^|]*)\|.*")
"""As the release before read it."""


async def test_an_earlier_release_reads_accounts_and_holds(redis, shared):
    """While a canary runs both: accounts have four numbers, and limits are followed by what it passes over."""
    await shared.budget(day_nano=900, month_tokens=70)
    await doubt(shared, "r1", estimated=True)
    fields = redis.hash(f"bud:alpha:{MONTH}")
    accounts = [text for name, text in fields.items() if name.endswith(("|M", "|D20")) and name[:2] != "i|"]
    assert all(re.fullmatch(r"\d+;\d+;\d+;\d+", text) for text in accounts)
    assert (fields["p|EM"], fields["p|E20"]) == ("30;3", "30;3")
    found = EARLIER_HOLD.fullmatch(fields["x|r1.1"])
    numbers = [int(number) if number.isdecimal() else None for number in found["limits"].split(",")]
    assert numbers[:8] == [900, None, None, 70, None, None, None, None]
    assert not [number for number in numbers[8:] if number is not None]


async def test_what_an_earlier_release_left_unconfirmed_is_booked(redis, shared):
    """It did not say since when: its wait is counted from the end of its lease."""
    await doubt(shared, "r1")
    key = f"bud:alpha:{MONTH}"
    redis.run("HSET", key, "x|r1.1", re.sub(r",;\d+;\d+;\d+\|", "|", redis.hash(key)["x|r1.1"]))
    redis.run("DEL", "ux:alpha")
    (hold,) = await shared.store.open_holds("alpha", month=MONTH)
    assert (hold.unconfirmed, hold.unconfirmed_ms, hold.paid_nano) == (True, 0, 30)
    assert await shared.store.book_hold("alpha", hold, now_ms=shared.now)
    assert (await shared.money(), await estimated(shared)) == ((100, 0), (70, 7))


async def test_what_an_earlier_release_settled_waits_no_more(redis, shared):
    """It left the name among those that wait, which is dropped."""
    await doubt(shared, "r1")
    redis.run("HDEL", f"bud:alpha:{MONTH}", "x|r1.1")
    assert redis.run("ZRANGE", "ux:alpha", 0, -1) == [f"{DAY}:r1.1"]
    shared.at = DUE_MS
    assert await shared.store.book_due("alpha", now_ms=shared.now, limit=3) == []
    assert redis.run("EXISTS", "ux:alpha") == 0


async def test_an_admission_stands_whatever_becomes_of_bookings(redis, shared):
    """The schedule comes by as well."""
    await doubt(shared, "r1")
    redis.run("SET", "ux:alpha", "not a sorted set")
    shared.at = DUE_MS
    assert isinstance(await shared.admit("r2", ONE), Admitted)


async def test_a_settled_request_waits_for_nothing(redis, shared):
    """Neither the name nor the note of the first one that is due is left behind."""
    ended = await doubt(shared, "r1")
    assert redis.hash("prj:alpha")["due"] == str(NOON + 12 * HOUR_MS)
    await shared.close("r1", replace(ended, unconfirmed=False))
    assert redis.run("EXISTS", "ux:alpha") == 0
    shared.at = DUE_MS
    await shared.admit("r2", ONE)
    assert "due" not in redis.hash("prj:alpha")
