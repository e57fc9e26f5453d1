"""What cannot be read, where much is read in pages and where one process tells another's news."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from gateway_core.adapters.upstash import UpstashStore, hold_format
from gateway_core.cli.main import main
from gateway_core.domain.errors import StoreUnreadable
from gateway_core.store.earlier_counters import EarlierFields
from gateway_core.store.estimates import LEAST_WAIT_MS, day_end_ms
from gateway_core.store.messages import Admitted
from tests.contract.desk import DAY, MONTH, Desk, candidate, settled
from tests.contract.test_store_lies import HOLD_TEXT, lying
from tests.contract.wire import at_once

BUDGET = "bud:alpha:202611"
DUE = day_end_ms(DAY) + LEAST_WAIT_MS


@pytest.fixture
async def desk(redis):
    store = redis.connect()
    yield await Desk(store).open()
    await store.close()


async def in_doubt(desk: Desk, request_id: str) -> None:
    """An attempt that its provider may have billed: 100 nano-USD."""
    answer = await desk.admitted(request_id)
    await desk.settle(request_id, settled(answer, candidate(), "skip", unconfirmed=True))


async def test_one_bad_hold_hides_no_others_in_a_page(desk, redis):
    """It is left out by name, also where it was booked; the list of all, which has no room for that, names it."""
    await desk.admitted("r1")
    for name in ("h|r2.1", "x|r3.1", "e|r4.1", "h|r5"):
        redis.run("HSET", BUDGET, name, "garbage")
    page = await desk.store.hold_page("alpha", month=MONTH)
    assert [hold.request_id for hold in page.holds] == ["r1"]
    assert sorted(page.unreadable) == ["e|r4.1", "h|r2.1", "h|r5", "x|r3.1"]
    for name in ("e|r4.1", "h|r2.1", "h|r5"):
        redis.run("HDEL", BUDGET, name)
    with pytest.raises(StoreUnreadable) as listed:
        await desk.store.open_holds("alpha", month=MONTH)
    assert listed.value.detail == "unreadable: hold x|r3.1"
    with pytest.raises(StoreUnreadable) as found:
        await desk.store.find_hold("alpha", month=MONTH, name=("r3", 1))
    assert found.value.detail == "unreadable: hold x|r3.1"


@pytest.mark.parametrize("day", ["20261301", "20260230", "2026112", "00000000"])
def test_a_hold_of_no_day_is_none(day):
    """Whoever asks when its day ends would trip over it."""
    with pytest.raises(StoreUnreadable):
        hold_format.parse_hold("h|r1.1", HOLD_TEXT.replace(DAY, day))


async def test_one_bad_hold_keeps_no_other_from_being_booked(desk, redis):
    """A name without a day, and one whose hold is garbage, wait before the one that is due."""
    await in_doubt(desk, "r1")
    redis.run("ZADD", "ux:alpha", 1, "garbage", 2, "20261120:r9.x")
    booked = await desk.store.book_due("alpha", now_ms=DUE, limit=3)
    assert [each.hold.request_id for each in booked] == ["r1"]
    assert redis.run("ZCARD", "ux:alpha") == 0


async def test_a_note_of_what_is_due_that_cannot_be_read_spoils_nothing(desk, redis):
    """It is a note only: admissions go on, and the schedule writes it anew."""
    redis.run("HSET", "prj:alpha", "due", "garbage")
    await in_doubt(desk, "r1")
    assert redis.hash("prj:alpha")["due"] == str(day_end_ms(DAY))


@pytest.mark.parametrize("field", ["p|M", "p|D20"])
async def test_an_account_that_is_nothing_is_not_one_without_spending(desk, redis, field):
    """Only holds and marks are emptied by us."""
    await desk.admitted("r1")
    redis.run("HSET", BUDGET, field, "")
    for asked in (desk.admit("r2"), desk.lines("p")):
        with pytest.raises(StoreUnreadable):
            await asked


async def test_an_estimated_account_that_cannot_be_read_is_named(desk, redis):
    """To who reports, and to who would add to it; what is settled without an estimate goes on."""
    answer, plain = await desk.admitted("r1"), await desk.admitted("r2")
    redis.run("HSET", BUDGET, "p|EM", "garbage")
    with pytest.raises(StoreUnreadable) as caught:
        await desk.settle("r1", settled(answer, candidate(), estimated=True, charge_nano=5))
    assert caught.value.detail == f"unreadable: account p|EM of {BUDGET}"
    assert await desk.settle("r2", settled(plain, candidate(), charge_nano=5))
    with pytest.raises(StoreUnreadable) as told:
        await desk.lines("p")
    assert told.value.detail == f"unreadable: accounts of p in {BUDGET}"


async def test_nothing_is_recorded_twice_for_an_account_that_cannot_be_read(desk, redis):
    """Redis rolls nothing back: what may be unreadable is read before a record is appended."""
    await in_doubt(desk, "r1")
    (hold,) = (await desk.store.hold_page("alpha", month=MONTH)).holds
    there = redis.hash(BUDGET)["p|M"]
    redis.run("HSET", BUDGET, "p|M", "garbage")
    for _ in range(3):
        with pytest.raises(StoreUnreadable):
            await desk.store.book_hold("alpha", hold, now_ms=DUE)
    redis.run("HSET", BUDGET, "p|M", there)
    before = len(await records(desk))
    assert await desk.store.book_hold("alpha", hold, now_ms=DUE)
    assert len(await records(desk)) == before + 1


async def records(desk: Desk) -> list[str]:
    page = await desk.store.usage_records("alpha", day=DAY, limit=100)
    return [record.request_id for record in page.records]


async def test_counters_that_cannot_be_read_are_named(desk, redis):
    """The field and its key, of this layout and of the earlier one."""
    redis.run("HSET", BUDGET, "c|20", "1,x")
    redis.run("HSET", "agg:alpha:20261120", "t", "1", "m|claude", "")
    for asked, what in (
        (desk.store.counted("alpha", {MONTH: ["c|20"]}), f"c|20 of {BUDGET}"),
        (desk.store.earlier_counters("alpha", [DAY], EarlierFields(("t",), "m|")), "m|claude of agg:alpha:20261120"),
    ):
        with pytest.raises(StoreUnreadable) as caught:
            await asked
        assert caught.value.detail == f"unreadable: {what}"


@pytest.mark.parametrize(
    "ask",
    [
        lambda s: s.open_holds("alpha", month=MONTH),
        lambda s: s.earlier_counters("alpha", [DAY], EarlierFields(("t",), "m|")),
    ],
)
def test_a_scan_that_goes_in_a_circle_ends(ask):
    """A cursor that was there before leads nowhere."""
    with pytest.raises(StoreUnreadable):
        at_once(ask(lying(["1"], ["7", []])))


async def test_news_of_a_deployment_that_cannot_be_read_are_nobody_elses_trouble(desk, redis):
    """The success of one model is told with the admission of another: that is let in."""
    one, other = candidate(tpm=1000), candidate("m2", "two")
    await desk.call("r1", chosen=one)  # told at once: the process has been silent
    await desk.call("r2", chosen=one)
    for field in ("cb|one|m1", "ew|one|m1", "rl|one|m1", "tk|one", "td|one", "rq|one"):
        redis.run("HSET", "pv", field, "garbage")
    assert isinstance(await desk.admit("r3", other), Admitted)
    with pytest.raises(StoreUnreadable) as caught:
        await desk.admit("r4", one)
    assert caught.value.detail.endswith(" of pv")


async def test_news_that_are_told_to_read_put_no_right_clock_right(desk, redis):
    """They come by the clock of when they happened: another process's open breaker stays open as long as it was."""
    chosen = candidate()
    await desk.call("r1", chosen=chosen)
    waiting = await desk.admitted("r2", chosen)
    other = redis.connect()
    there = replace(desk, store=other)
    for number in range(5):
        await there.call(f"a{number}", "fail", chosen)
    await desk.settle("r2", settled(waiting, chosen))
    (state,) = await desk.store.deployment_states([("one", "m1")])
    assert (state.state, state.until_ms) == ("open", there.now + 30_000)
    await other.close()


def test_reconcile_says_how_many_holds_it_cannot_read(redis, capsys):
    """Beside the sums: it lists the others."""

    async def leave() -> None:
        store: UpstashStore = redis.connect()
        desk = await Desk(store).open()
        await desk.admitted("r1")
        await store.close()

    asyncio.run(leave())
    redis.run("HSET", BUDGET, "h|r2.1", "garbage")
    environ = {"UPSTASH_REDIS_REST_URL": redis.url, "UPSTASH_REDIS_REST_TOKEN": redis.token}
    assert main(f"usage reconcile --project alpha --month {MONTH} --json".split(), environ) == 0
    found = json.loads(capsys.readouterr().out)
    assert ([line["hold"] for line in found["holds"]], found["sums"]["unreadable"]) == (["r1.1"], 1)
