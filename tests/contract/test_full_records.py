"""A store that has no room for a record: the money is right at once, and the record is written when there is."""

from __future__ import annotations

import pytest

from gateway_core.domain.errors import RecordRefused, StoreUnavailable
from tests.contract.desk import DAY, MONTH, Desk, candidate, settled

ONE, TWO = candidate("m1", "one"), candidate("m2", "two")
RECORDS = f"use:alpha:{DAY}:12"


@pytest.fixture
async def desk(upstash):
    return await Desk(upstash).open()


@pytest.fixture
def full(redis):
    """Lets nothing be appended to the day's records, until it is called again."""

    def toggle(*, is_full: bool) -> None:
        redis.run("DEL", RECORDS)
        if is_full:
            redis.run("SET", RECORDS, "no stream")

    toggle(is_full=True)
    return toggle


async def written_once(desk: Desk, full, request_id, ended, **record) -> None:
    """The settlement fails as often as it is tried while there is no room, and then writes one record."""
    for _ in range(2):
        with pytest.raises(RecordRefused) as refused:
            await desk.settle(request_id, ended, **record)
        assert "WRONGTYPE" in refused.value.detail
        assert await desk.counters() == {}
    full(is_full=False)
    assert await desk.settle(request_id, ended, **record)
    assert not await desk.settle(request_id, ended, **record)
    assert [found.request_id for found in await desk.records()] == [request_id]
    assert (await desk.counters())["c|20"].requests == 1


@pytest.mark.parametrize("generation", [0, -1])
async def test_the_charge_is_spent_and_the_hold_released(desk, full, generation):
    """Once, however often it is tried; whether or not the store admitted the attempt."""
    admitted = await desk.admitted("r1")
    ended = settled(admitted, ONE, charge_nano=70, generation=generation)
    with pytest.raises(RecordRefused):
        await desk.settle("r1", ended)
    assert await desk.money() == (70, 0)
    await written_once(desk, full, "r1", ended)
    assert await desk.money() == (70, 0)


async def test_what_the_attempt_taught_is_told(desk, full):
    """Of a success its process tells with its next call, and once, whether or not there was room for the record."""
    full(is_full=False)
    await desk.call("r1", latency_ms=100)
    full(is_full=True)
    ended = settled(await desk.admitted("r2"), ONE, latency_ms=600)
    with pytest.raises(RecordRefused):
        await desk.settle("r2", ended)
    for is_full in (True, False):
        full(is_full=is_full)
        assert (await desk.state()).whole_answer.average_ms == 200
        assert is_full or await desk.settle("r2", ended)
    assert (await desk.state()).whole_answer.average_ms == 200


async def test_what_may_have_been_billed_stays_held(desk, full):
    """As for a record that is written."""
    ended = settled(await desk.admitted("r1"), ONE, "fail", charge_nano=30, unconfirmed=True)
    await written_once(desk, full, "r1", ended)
    assert (await desk.money(), await desk.holds()) == ((30, 70), [("r1", 1, 70, True)])


async def test_a_fallback_and_a_request_without_one(desk, full):
    """The attempt before was settled by `next`; the record is that of the whole request."""
    first = settled(await desk.admitted("r1", ONE, TWO), ONE, "fail", charge_nano=30)
    second = await desk.next("r1", first, TWO)
    await written_once(desk, full, "r1", settled(second, TWO, charge_nano=20), attempts=2)
    assert await desk.money() == (50, 0)
    full(is_full=True)
    await desk.budget(day_nano=150)
    third = settled(await desk.admitted("r2", ONE), ONE, "fail", charge_nano=30)
    await desk.next("r2", third, TWO)
    for _ in range(2):
        with pytest.raises(RecordRefused):
            await desk.settle("r2", None)
    full(is_full=False)
    assert await desk.settle("r2", None)
    assert not await desk.settle("r2", None)
    assert await desk.money() == (80, 0)


async def test_a_hit(desk, full):
    """It cost nothing, and is recorded all the same."""
    await desk.keep("", "an answer")
    await desk.look_up("r1", "")
    await written_once(desk, full, "r1", None, attempts=0, cache_hit=True, input_nano=0, output_nano=0)


async def test_an_operator_who_resolves_a_hold_is_told(desk, full):
    """Nothing is moved: it can be tried again."""
    await desk.admitted("r1")
    resolve = {"month": MONTH, "request_id": "r1", "attempt": 1, "charge_nano": 5, "charge_tokens": 0}
    with pytest.raises(StoreUnavailable):
        await desk.store.resolve_hold(desk.project, now_ms=desk.now, **resolve)
    assert await desk.money() == (0, 100)
    full(is_full=False)
    assert await desk.store.resolve_hold(desk.project, now_ms=desk.now, **resolve)
    assert await desk.money() == (5, 0)
