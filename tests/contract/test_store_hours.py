"""An hour's records as they were written: what is new behind a place, and the newest."""

from dataclasses import replace

import pytest

from gateway_core.adapters.upstash.layout import pack_record
from gateway_core.store.messages import Terms, Ticket
from gateway_core.store.records import HourPlace
from tests.contract.desk import DAY, DIGEST, candidate, record_of, settled
from tests.contract.desk import NOON as NOON_MS

NOON, NEXT, EMPTY = (HourPlace(DAY, hour) for hour in ("12", "13", "14"))

TICKET = Ticket("r1", "alpha", "key", DIGEST, "tag", NOON_MS)


async def call(desk, request_id, at_ms=0):
    """A request that was admitted so long after noon."""
    ticket = desk.ticket(request_id, admitted_ms=desk.now + at_ms)
    ended = settled(await desk.admit_as(ticket, [candidate()]), candidate())
    await desk.store.settle(ticket, ended, record_of(ticket), Terms(desk.now, desk.policy))


def ids(hour):
    return [record.request_id for record in hour.records]


async def test_each_hour_goes_on_where_it_was(desk):
    """However late one is written to, nothing comes twice and nothing is left out."""
    for name, at_ms in (("r1", 0), ("r2", 1), ("r3", 3_600_000)):
        await call(desk, name, at_ms)
    first = await desk.store.hour_records("alpha", [NOON, NEXT, EMPTY], limit=10)
    assert [ids(hour) for hour in first] == [["r1", "r2"], ["r3"], []]
    assert [hour.has_more for hour in first] == [False] * 3
    for name, at_ms in (("r4", 3_600_001), ("r5", 2), ("r6", 7_200_000)):
        await call(desk, name, at_ms)
    second = await desk.store.hour_records("alpha", [hour.place for hour in first], limit=10)
    assert [ids(hour) for hour in second] == [["r5"], ["r4"], ["r6"]]
    again = await desk.store.hour_records("alpha", [hour.place for hour in second], limit=10)
    assert [ids(hour) for hour in again] == [[], [], []]
    assert [hour.place for hour in again] == [hour.place for hour in second]


async def test_a_limit_ends_anywhere(desk):
    """What follows is there to be read; the newest are the last ones, in their order."""
    for number in range(5):
        await call(desk, f"r{number}", number)
    place, seen = NOON, []
    while True:
        (hour,) = await desk.store.hour_records("alpha", [place], limit=2)
        seen.append(ids(hour))
        place = hour.place
        if not hour.has_more:
            break
    assert seen == [["r0", "r1"], ["r2", "r3"], ["r4"]]
    (newest,) = await desk.store.hour_records("alpha", [NOON], limit=2, newest=True)
    assert (ids(newest), newest.place) == (["r3", "r4"], place)
    (all_of_them,) = await desk.store.hour_records("alpha", [NOON], limit=9, newest=True)
    assert len(all_of_them.records) == 5


async def test_a_moment_is_a_place(desk):
    """Records from then on; of the future there are none yet."""
    await call(desk, "r1")
    (hour,) = await desk.store.hour_records("alpha", [replace(NOON, behind="1")], limit=10)
    assert ids(hour) == ["r1"]
    (later,) = await desk.store.hour_records("alpha", [replace(NOON, behind="9999999999999")], limit=10)
    assert (later.records, later.has_more) == ((), False)


@pytest.mark.parametrize("newest", [False, True])
async def test_what_cannot_be_read_is_counted(redis, upstash, newest):
    """And hides nothing else."""
    key = f"use:alpha:{DAY}:12"
    redis.run("XADD", key, "1-1", "d", "[1]")
    ticket_record = record_of(TICKET)
    redis.run("XADD", key, "1-2", "d", pack_record(ticket_record))
    (hour,) = await upstash.hour_records("alpha", [NOON], limit=10, newest=newest)
    assert (hour.records, hour.unreadable, hour.place.behind) == ((ticket_record,), 1, "1-2")
