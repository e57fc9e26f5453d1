"""What reports read of Redis: in pages, also what an earlier release left there, and what it cannot take."""

from datetime import date

import pytest

from gateway_core.adapters.upstash.layout import pack_record
from gateway_core.api.usage_reports import report_of
from gateway_core.domain.errors import RecordRefused
from gateway_core.store.counters import Counters
from gateway_core.store.earlier_counters import EarlierFields
from gateway_core.store.messages import Terms
from gateway_core.store.report_query import ReportQuery
from tests.contract.desk import DAY, MONTH, Desk, candidate, record_of, settled

HOUR_MS = 3_600_000
TODAY = date(2026, 11, 20)


@pytest.fixture
async def desk(upstash):
    return await Desk(upstash, user="bob", agent="bot").open()


async def test_more_fields_than_a_page_come_in_several(redis, desk):
    """Of one month and of several, each field once however often it is asked for."""
    names = [f"ca|20|{number}" for number in range(2500)]
    redis.run("HSET", f"bud:alpha:{MONTH}", *(part for name in names for part in (name, "1,0,0,2")))
    redis.run("HSET", "bud:alpha:202610", "c|01", "3")
    found = await desk.store.counted("alpha", {MONTH: [*names, *names, "ca|20|none"], "202610": ["c|01"]})
    assert found == {MONTH: dict.fromkeys(names, Counters(1, 0, 0, 2)), "202610": {"c|01": Counters(3)}}


async def test_a_page_is_a_trip_of_its_own(redis, desk):
    """None grows with the report, so none is late because the report is large."""
    sent = []
    pipeline = desk.store._client.pipeline

    async def counting(commands):
        sent.append(sum(len(command) for command in commands))
        return await pipeline(commands)

    desk.store._client.pipeline = counting
    days = [f"2026{month:02}{day:02}" for month in range(1, 13) for day in range(1, 29)]
    await desk.store.counted("alpha", {day[:6]: [f"cu|{n}" for n in range(2000)] for day in days})
    await desk.store.earlier_counters("alpha", days, EarlierFields(("t",), "a|"))
    await desk.store.names("alpha", {day[:6]: [f"i|a|{n:02}" for n in range(1, 32)] for day in days})
    assert len(sent) > 24
    assert max(sent) <= 1000 + 2 * 32


async def test_what_an_earlier_release_counted_is_found_among_very_much(redis, desk):
    """By the beginning of a field's name, and only of days that it counted."""
    fields = {f"u|{number}": "1,0,0,0,0,5,9" for number in range(3000)} | {"t": "3000,1,0,0,0,15000,9"}
    fields |= {"a|bot": "2,0,0,0,0,7,9", "am|bot|m": "2,0,0,0,0,7,9", "a|b*": "1,0,0,0,0,0,0"}
    redis.run("HSET", f"agg:alpha:{DAY}", *(part for pair in fields.items() for part in pair))
    days = ["20261119", DAY, "20261121"]
    found = await desk.store.earlier_counters("alpha", days, EarlierFields(("t",), "u|"))
    assert found[0] == found[2] == {}
    assert len(found[1]) == 3001
    assert found[1]["t"] == Counters(3000, 1, cost_nano=15000, latency_ms=9)
    assert set((await desk.store.earlier_counters("alpha", [DAY], EarlierFields(("t",), "a|")))[0]) == {
        "t",
        "a|bot",
        "a|b*",
    }
    assert set((await desk.store.earlier_counters("alpha", [DAY], EarlierFields(("t", "h09"))))[0]) == {"t"}


async def test_two_releases_on_one_day_add_up(redis, desk):
    """As they do in a canary: an earlier one wrote the one half, this one the other."""
    await desk.call("r1")
    redis.run("HSET", f"agg:alpha:{DAY}", "t", "2,0,0,0,0,11,9", "a|bot", "2,0,0,0,0,11,9")
    query = ReportQuery(TODAY, TODAY, "agent")
    found = await report_of(desk.store, query, "alpha")
    assert (found.totals.requests, dict(found.rows)["bot"].requests) == (3, 3)
    assert found.totals.cost_nano == 81


async def test_records_come_hour_by_hour(redis, desk):
    """Those that an earlier release wrote to the day come first; a page ends anywhere."""
    old = record_of(desk.ticket("r0"))
    redis.run("XADD", f"use:alpha:{DAY}", "*", "d", pack_record(old))
    redis.run("XADD", f"use:alpha:{DAY}", "*", "d", pack_record(record_of(desk.ticket("r1"))))
    for number, hour in enumerate((2, 2, 0, 1), start=2):
        desk.at = hour * HOUR_MS
        ticket = desk.ticket(f"r{number}", admitted_ms=desk.now)
        admitted = await desk.admit_as(ticket, [candidate()])
        ended = settled(admitted, candidate())
        await desk.store.settle(ticket, ended, record_of(ticket), terms(desk))
    for limit in (1, 2, 4, 100):
        seen, cursor, is_first = [], "", True
        while cursor or is_first:
            page = await desk.store.usage_records("alpha", day=DAY, after=cursor, limit=limit)
            assert len(page.records) <= limit
            seen += [record.request_id for record in page.records]
            cursor, is_first = page.cursor, False
        assert seen == ["r0", "r1", "r4", "r5", "r2", "r3"]


def terms(desk):
    return Terms(desk.now, desk.policy)


async def test_a_record_that_cannot_be_written_takes_nothing_else_away(redis, desk):
    """Money is settled; record and counters are written by whoever settles again once there is room."""
    redis.run("SET", f"use:alpha:{DAY}:12", "no stream")
    end = settled(await desk.admitted("r1"), candidate(), charge_nano=70)
    with pytest.raises(RecordRefused):
        await desk.close("r1", end)
    assert await desk.money() == (70, 0)
    redis.run("DEL", f"use:alpha:{DAY}:12")
    assert (await desk.close("r1", end)).written
    assert await desk.money() == (70, 0)
    assert (await desk.counters())["c|20"].requests == 1
    assert not await desk.settle("r1", None)


async def test_a_name_is_listed_once(redis, desk):
    """By day and by month, in the order in which names came; a new one costs a command more."""
    for number, agent in enumerate(["bot", "cat", "bot", "a,b"]):
        desk.agent = agent
        await desk.call(f"r{number}")
    listed = redis.hash(f"bud:alpha:{MONTH}")
    assert listed["i|a|20"] == listed["i|a|M"] == "bot,cat,a%2Cb"
    assert listed["i|am|20"] == "bot|claude,cat|claude,a%2Cb|claude"
