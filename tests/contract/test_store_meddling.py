"""Two who decide about the same hold at once: each step is atomic, and whoever finds another hold looks again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import override

import pytest

from gateway_core.adapters.upstash import UpstashStore
from gateway_core.adapters.upstash.holds import MOST_TRIES, Step, StoredHold
from gateway_core.domain.errors import StoreUnavailable
from gateway_core.store.changes import BudgetCrossed
from tests.contract.desk import DAY, MONTH, Desk, candidate, settled

ONE = candidate("m1", "one")


class Meddled(UpstashStore):
    """A store that is meddled with between what it reads of a hold and what it does about it, as often as is said."""

    meddle: Callable[[], Awaitable[object]] | None = None
    times = 0
    undo: Callable[[], Awaitable[object]] | None = None

    @override
    async def _stored(self, project_id: str, month: str, request_id: str, attempt: int) -> StoredHold | None:
        found = await super()._stored(project_id, month, request_id, attempt)
        if self.times:
            self.times -= 1
            assert self.meddle
            await self.meddle()
        return found

    @override
    async def _adjust(
        self, project_id: str, stored: StoredHold, step: Step, now_ms: int
    ) -> tuple[BudgetCrossed, ...] | None:
        done = await super()._adjust(project_id, stored, step, now_ms)
        if self.undo:
            await self.undo()
        return done


@pytest.fixture
async def desk(redis):
    store = Meddled(redis.url, redis.token, connect_timeout_s=30, timeout_s=30)
    yield await Desk(store).open()
    await store.close()


@pytest.fixture
def other(upstash):
    """Another process over the same store."""
    return upstash


async def hold_of(store):
    (hold,) = (await store.hold_page("alpha", month=MONTH)).holds
    return hold


def resolve(store, nano=20):
    return store.resolve_hold(
        "alpha", month=MONTH, request_id="r1", attempt=1, charge_nano=nano, charge_tokens=0, now_ms=Desk(store).now
    )


async def total(desk):
    return sum(record.cost_nano for record in await desk.records())


async def test_a_hold_that_is_booked_meanwhile_is_resolved_all_the_same(desk, other):
    """The operator's decision replaces the estimate."""
    await desk.admitted("r1", ONE)
    desk.store.times = 1
    desk.store.meddle = lambda: book(other)
    assert await resolve(desk.store)
    assert (await desk.money(), await total(desk)) == ((20, 0), 20)


async def book(store):
    hold = await hold_of(store)
    await store.book_hold("alpha", hold, now_ms=Desk(store).now)


async def test_a_hold_that_is_settled_meanwhile_is_not_booked(desk, other):
    """By whoever looks through all, or goes by what is due."""
    answer = await desk.admitted("r1", ONE)
    ended = settled(answer, ONE, "skip", charge_nano=5, unconfirmed=True)
    await desk.settle("r1", ended, input_nano=5, output_nano=0)
    hold = await hold_of(other)
    desk.at = 20 * 3_600_000
    desk.store.times = 1
    desk.store.meddle = lambda: resolve(other)
    assert await desk.store.book_due("alpha", now_ms=desk.now, limit=3) == []
    assert await desk.store.book_hold("alpha", hold, now_ms=desk.now) is None
    assert (await desk.money(), await total(desk)) == ((25, 0), 25)


async def test_a_charge_that_comes_late_and_too_late(desk, other):
    """The operator was faster by a moment: the hold is gone, and nothing is charged twice."""
    answer = await desk.admitted("r1", ONE)
    ended = settled(answer, ONE, "skip", charge_nano=5, unconfirmed=True)
    await desk.settle("r1", ended, input_nano=5, output_nano=0)
    desk.store.times = 1
    desk.store.meddle = lambda: resolve(other)
    assert not await desk.settle("r1", settled(answer, ONE, "skip", charge_nano=9))
    assert (await desk.money(), await total(desk)) == ((25, 0), 25)


@pytest.mark.parametrize("way", ["resolve", "settle"])
async def test_a_hold_that_never_rests_is_given_up_for_now(desk, other, way):
    """Whoever asks is told that the store did not answer, and nothing is lost."""
    answer = await desk.admitted("r1", ONE)
    await book(other)

    async def toggle():
        if (await hold_of(other)).booked:
            await other._unbook("alpha", MONTH, "r1", 1, desk.now)
        else:
            await book(other)

    if way == "resolve":
        desk.store.times, desk.store.meddle = 4 * MOST_TRIES, toggle
    else:
        desk.store.undo = toggle
    with pytest.raises(StoreUnavailable):
        await (resolve(desk.store) if way == "resolve" else desk.settle("r1", settled(answer, ONE, charge_nano=9)))
    desk.store.times, desk.store.undo = 0, None
    assert sum(await desk.money()) == 100
    assert await desk.settle("r1", settled(answer, ONE, charge_nano=9), input_nano=9, output_nano=0)
    assert (await desk.money(), await total(desk)) == ((9, 0), 9)


async def test_all_at_once(upstash):
    """Settlements, bookings and an operator, over and over: reports say what accounts say, and nothing is held."""
    desk = await Desk(upstash).open()
    for number in range(12):
        name = f"r{number}"
        answer = await desk.admitted(name, ONE)
        (hold,) = [hold for hold in await upstash.open_holds("alpha", month=MONTH) if hold.request_id == name]
        await asyncio.gather(
            upstash.book_hold("alpha", hold, now_ms=desk.now),
            desk.settle(name, settled(answer, ONE, charge_nano=number), input_nano=number, output_nano=0),
            upstash.resolve_hold(
                "alpha", month=MONTH, request_id=name, attempt=1, charge_nano=20, charge_tokens=0, now_ms=desk.now
            ),
        )
    spent, held = await desk.money()
    assert (spent, held) == (await total(desk), 0)
    assert (await upstash.hold_page("alpha", month=MONTH)).holds == ()
    assert 0 < spent <= 12 * 20


async def test_very_many_holds_come_in_pages(redis, upstash):
    """None is missing, whatever the size of a page; each page is some of them."""
    desk = await Desk(upstash).open()
    await desk.admitted("r", ONE)
    key = f"bud:alpha:{MONTH}"
    text = redis.hash(key)["h|r.1"]
    redis.run("HSET", key, *(part for number in range(2500) for part in (f"h|r{number}.1", text)))
    names, cursor, pages = set(), "", 0
    while cursor or not pages:
        page = await upstash.hold_page("alpha", month=MONTH, cursor=cursor)
        assert len(page.holds) < 2501
        names |= {hold.request_id for hold in page.holds}
        cursor, pages = page.cursor, pages + 1
    assert (len(names), pages) == (2501, 3)
    assert len(await upstash.open_holds("alpha", month=MONTH)) == 2501
    assert {hold.day for hold in await upstash.open_holds("alpha", month=MONTH)} == {DAY}
