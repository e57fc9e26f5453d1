"""A project that is moved from one database to another by the command line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway_core.adapters.clock import SystemClock
from gateway_core.adapters.spread import SpreadStore
from gateway_core.adapters.upstash import UpstashStore
from gateway_core.adapters.upstash.client import Client
from gateway_core.adapters.upstash.moving import ProjectMove
from gateway_core.domain.errors import ProjectMisplaced, StoreUnavailable
from gateway_core.store.messages import Admitted, Terms
from gateway_core.store.placement import FIRST, Placement
from tests.contract.databases import MOVED, PLACEMENT, Two, admin_of, desks
from tests.contract.desk import DIGEST, MONTH, NOON, POLICY, Desk, candidate, record_of, settled
from tests.contract.test_store_jobs import job

EAST = {"GATEWAY_STORE_PROJECTS_EAST": "alpha,beta"}


async def test_a_project_is_moved(two, operate):
    """With all that it has; nothing stays, and the books go on."""
    alpha, _ = await desks(two)
    await alpha.budget(day_nano=1000)
    for number in range(3):
        await alpha.call(f"r{number}", charge_nano=70)
    await alpha.keep("entry", "kept")
    failed = settled(await alpha.admitted("left"), candidate(), "fail", unconfirmed=True)
    await alpha.settle("left", failed)
    before = await alpha.lines(), await alpha.holds(), await alpha.counters(), await alpha.records()
    ttl = two.first.run("TTL", f"bud:alpha:{MONTH}")
    (moved,) = await operate("store move --project alpha", **EAST)
    assert (moved["from"], moved["database"], moved["moved"]) == (FIRST, "east", 5)
    assert not [key for key in two.keys(two.first) if "alpha" in key]
    there = replace(alpha, store=two.store(MOVED))
    assert (await there.lines(), await there.holds(), await there.counters(), await there.records()) == before
    assert 0 <= ttl - two.east.run("TTL", f"bud:alpha:{MONTH}") < 60
    assert await there.call("r9", charge_nano=1)
    with pytest.raises(ProjectMisplaced, match="another database"):
        await alpha.store.find_key("alpha", DIGEST)
    assert await operate("store move --project alpha", **EAST) == [{"project": "alpha", "database": "east", "moved": 0}]
    (where,) = await operate("store where --project alpha", **EAST)
    assert where == {"project": "alpha", "database": "east", "found": {"east": "home"}}


async def test_a_move_that_broke_off_goes_on(two, operate):
    """Wherever it did; meanwhile the project waits, and is not told that its key is unknown."""
    alpha, _ = await desks(two)
    for number in range(3):
        await alpha.call(f"r{number}", charge_nano=70)
    for step in range(6, 60, 3):
        broken = two.east if step % 2 else two.first
        broken.fail("crash", times=1000, skip=step)
        told = await operate("store move --project alpha", **EAST)
        broken.http.post("/__faults", json=[])
        if isinstance(told, list):
            break
        for placement in (PLACEMENT, MOVED):
            await served_or_waits(two.store(placement))
    assert isinstance(told, list)
    there = replace(alpha, store=two.store(MOVED))
    assert (await there.money(), len(await there.records())) == ((210, 0), 3)
    assert await there.money(f"k:{alpha.key_id}") == (210, 0)
    assert not [key for key in two.keys(two.first) if "alpha" in key]


async def served_or_waits(store: SpreadStore) -> None:
    """Never as if there were no such key."""
    try:
        assert await store.find_key("alpha", DIGEST)
    except ProjectMisplaced:
        return


async def test_a_project_at_work_is_not_moved(two, operate):
    """Nor one that has a job, nor one that is in both databases; nothing is changed."""
    alpha, _ = await desks(two)
    now_ms = SystemClock().now_ms()
    ticket = alpha.ticket("r1", admitted_ms=now_ms)
    admitted = await alpha.store.admit(ticket, [candidate()], Terms(now_ms, POLICY))
    assert isinstance(admitted, Admitted)
    assert "money is held for requests that run" in await operate("store move --project alpha", **EAST)
    await alpha.store.settle(ticket, settled(admitted, candidate()), record_of(ticket), Terms(now_ms, POLICY))
    brought = job(project="alpha", created_ms=now_ms, until_ms=now_ms + 3_600_000)
    await alpha.store.create_job(brought, most_open=1)
    assert "jobs that have not ended" in await operate("store move --project alpha", **EAST)
    await alpha.store.end_job(brought.name, "cancelled", now_ms=now_ms)
    two.east.run("HSET", "prj:alpha", "b|p", "1;;;")
    assert "cannot be brought together" in await operate("store move --project alpha", **EAST)
    assert await alpha.store.find_key("alpha", DIGEST)


async def test_a_project_moves_to_where_its_key_was_a_guest(two, operate):
    """What the key had spent there on others' projects stays its own."""
    store, key = await admin_of(two)
    guest, home = (Desk(store, project, tag=key.rights_tag, key_id=key.id) for project in ("beta", "ops"))
    for number, desk in enumerate((guest, home)):
        ticket = desk.ticket(f"r{number}", key_project_id="ops")
        admitted = await desk.admit_as(ticket, [candidate()])
        ended = settled(admitted, candidate(), charge_nano=70)
        await store.settle(ticket, ended, record_of(ticket), Terms(NOON, POLICY))
    await operate("store move --project ops", GATEWAY_STORE_PROJECTS_EAST="ops,beta")
    there = replace(home, store=two.store(Placement({"ops": "east", "beta": "east"}, (FIRST,))))
    assert await there.money(f"k:{key.id}") == (140, 0)
    assert await there.money() == (70, 0)
    assert await there.call("r3")


async def test_of_two_commands_the_later_one_moves(two):
    """The other ends before it touches what may be in use by then."""
    alpha, _ = await desks(two)
    await alpha.call("r1", charge_nano=70)
    earlier, later = (ProjectMove(*clients_of(two), "alpha") for _ in range(2))
    await earlier.freeze()
    await later.freeze()
    with pytest.raises(StoreUnavailable, match="Another command"):
        await earlier.carry()
    assert (await later.carry()).keys == 3
    assert await replace(alpha, store=two.store(MOVED)).money() == (70, 0)


async def test_what_was_written_late_is_told(two):
    """By a process that had not heard of it; it stays where it is."""
    alpha, _ = await desks(two)
    await alpha.call("r1")
    move = ProjectMove(*clients_of(two), "alpha")
    await move.freeze()
    await move.carry()
    await move.freeze()
    two.first.run("SET", "rc:alpha:late", "kept")
    assert (await move.carry()).late == ("rc:alpha:late",)


def clients_of(two: Two) -> tuple[Client, Client]:
    first, east = two.store().databases.values()
    assert isinstance(first, UpstashStore)
    assert isinstance(east, UpstashStore)
    return first._client, east._client


async def test_all_that_are_elsewhere_are_moved(two, operate):
    """Those that only have keys as well; one that cannot be is told, and does not keep the others."""
    alpha, _ = await desks(two)
    await Desk(alpha.store, "idle").open()
    now_ms = SystemClock().now_ms()
    assert isinstance(
        await alpha.store.admit(alpha.ticket(admitted_ms=now_ms), [candidate()], Terms(now_ms, POLICY)), Admitted
    )
    await ProjectMove(*clients_of(two), "idle").freeze()  # a command that broke off
    everything_east = {"GATEWAY_STORE_OTHERS": "east"}
    refused, moved = await operate("store move", **everything_east)
    assert (refused["project"], "at work" in refused["refused"]) == ("alpha", True)
    assert (moved["project"], moved["database"], moved["moved"]) == ("idle", "east", 1)
    assert await two.store().databases["east"].residents() == ["beta", "idle"]
    where = await operate("store where", **everything_east)
    assert [(line["project"], line["found"]) for line in where] == [
        ("alpha", {FIRST: "home"}),
        ("beta", {"east": "home"}),
        ("idle", {"east": "home"}),
    ]
