"""A store over two databases: what each project meets there, and when one is away."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway_core.adapters.clock import SystemClock
from gateway_core.adapters.degraded import ResilientLedger
from gateway_core.adapters.file_backlog import FileBacklog
from gateway_core.adapters.memory.backlog import MemoryBacklog
from gateway_core.adapters.spread import SpreadStore
from gateway_core.adapters.upstash import UpstashStore
from gateway_core.domain.caller import Limits
from gateway_core.domain.errors import Forbidden, ProjectMisplaced, StoreUnavailable
from gateway_core.store.messages import Admitted, StaleCaller, Terms
from gateway_core.store.placement import FIRST
from gateway_core.store.probes import Probe
from gateway_core.store.records import HourPlace, Unsettled
from gateway_core.store.virtual_keys import digest_of
from tests.contract.databases import MOVED, PLACEMENT, admin_of, desks
from tests.contract.desk import DAY, DIGEST, NOON, POLICY, Desk, candidate, record_of, settled
from tests.contract.redis import TOKEN
from tests.contract.test_store_jobs import job
from tests.manual_clock import ManualClock

EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"


async def test_each_project_has_all_of_its_own_in_one_database(two):
    """Keys, budgets, holds, records, counters, kept answers and jobs; reports of all are brought together."""
    alpha, beta = await desks(two)
    for desk in (alpha, beta):
        await desk.budget(day_nano=1000)
        await desk.call("r1", charge_nano=70)
        await desk.keep("entry", "kept")
        await desk.store.create_job(job(project=desk.project), most_open=1)
    for redis, own, other in ((two.first, "alpha", "beta"), (two.east, "beta", "alpha")):
        keys = two.keys(redis)
        assert {key.split(":")[0] for key in keys if f":{own}" in key} == {"prj", "bud", "use", "rc", "job", "jo"}
        assert not [key for key in keys if f":{other}" in key]
    assert await alpha.store.projects() == ["alpha", "beta"]
    assert {name.project_id for name in await alpha.store.open_jobs()} == {"alpha", "beta"}
    assert await alpha.money() == await beta.money() == (70, 0)


async def test_a_breaker_and_limits_are_of_one_database(two):
    """Each learns of a deployment for itself, and lets pass its half of what we set for a provider."""
    alpha, beta = await desks(two)
    limited = candidate(rpm=8)
    for desk in (alpha, beta):
        answers = [await desk.admit(f"r{number}", limited) for number in range(6)]
        assert [isinstance(answer, Admitted) for answer in answers] == [True] * 4 + [False] * 2
    for number in range(5):
        await alpha.call(f"f{number}", "fail", candidate("m2"))
    assert ((await alpha.state("m2")).state, (await beta.state("m2")).state) == ("open", "closed")
    await alpha.store.post_probes([Probe("one", "ok", 5, NOON, NOON + 1, {})], kept_ms=60_000)
    assert [len((await desk.store.fleet_health([], desk.project)).probes) for desk in (alpha, beta)] == [1, 1]


async def test_one_database_away_leaves_the_others_alone(two):
    """Its projects wait, with its name told; the others are served, though its circuit is open."""
    alpha, _ = await desks(two)
    ledger = ResilientLedger(alpha.store, ManualClock(), MemoryBacklog(), degrade=True, placement=PLACEMENT)
    two.east.fail("crash", times=1000)
    for _ in range(5):
        with pytest.raises(StoreUnavailable, match="does not answer") as away:
            await ledger.find_key("beta", DIGEST)
    assert "not asked: database 'east'" in away.value.detail
    assert await replace(alpha, store=ledger).call("r1")
    for asks in (alpha.store.projects(), alpha.store.post_probes([], kept_ms=1000)):
        with pytest.raises(StoreUnavailable, match=r"store|'east'"):
            await asks
    await alpha.store.create_job(job(project="alpha"), most_open=1)
    assert [name.project_id for name in await alpha.store.open_jobs()] == ["alpha"]
    with pytest.raises(ProjectMisplaced, match="cannot tell"):
        await alpha.store.find_key("unheard-of", DIGEST)


async def test_a_database_that_was_killed_keeps_nobody_else(two):
    """Nobody listens there any more: the other database's project has its whole request, by a process that is new."""
    await desks(two)
    killed = UpstashStore("http://127.0.0.1:9", TOKEN)
    store = SpreadStore({FIRST: two.first.connect(), "east": killed}, PLACEMENT)
    two.stores.append(store)
    ledger = ResilientLedger(store, ManualClock(), MemoryBacklog(), degrade=True, placement=PLACEMENT)
    with pytest.raises(StoreUnavailable) as away:
        await ledger.find_key("beta", DIGEST)
    assert away.value.detail.startswith("database 'east': ")
    key = await ledger.find_key("alpha", DIGEST)
    assert key
    alpha = Desk(ledger, tag=key.rights_tag, key_id=key.id)  # type: ignore[arg-type]
    assert await alpha.call("r1")


async def test_a_project_whose_data_is_elsewhere_is_refused(two):
    """Whoever asks: an empty database knows no budgets. Others are told that a key is unknown."""
    await (await Desk(two.store()).open()).call("r1")
    store = two.store(MOVED)
    for refused in (
        store.find_key("alpha", DIGEST),
        store.set_budget("alpha", "", Limits()),
        store.usage_records("alpha", day=DAY),
        store.hour_records("alpha", [HourPlace(DAY, "12")], limit=1),
        Desk(store, tag="tag").admit("r2"),
    ):
        with pytest.raises(ProjectMisplaced) as told:
            await refused
        assert "'alpha' is configured for database 'east', and 'first' has its data" in told.value.detail
    assert await store.find_key("nobody", DIGEST) is None


async def test_an_admin_key_works_on_projects_of_other_databases(two):
    """As a guest, which makes its own project no resident there; a revoked one is let in nowhere."""
    store, key = await admin_of(two)
    desk = Desk(store, "beta", tag=key.rights_tag, key_id=key.id)
    ticket = desk.ticket(key_project_id="ops")
    admitted = await desk.admit_as(ticket, [candidate()])
    assert isinstance(admitted, Admitted)
    assert await store.databases["east"].residence("ops") == ""
    await store.revoke_key(key.id, now_ms=NOON)
    assert not two.east.run("EXISTS", "prj:ops")
    late = replace(ticket, request_id="r2")
    assert isinstance(await desk.admit_as(late, [candidate()]), StaleCaller)


async def test_a_key_with_limits_is_no_guest(two):
    """They are counted in one database."""
    store, key = await admin_of(two, rpm=5)
    desk = Desk(store, "beta", tag=key.rights_tag, key_id=key.id)
    with pytest.raises(Forbidden, match="limits of its own"):
        await desk.admit_as(desk.ticket(key_project_id="ops"), [candidate()])


async def test_the_command_line_works_on_all_databases(two, operate):
    """Each project in its own; what lives elsewhere than configured is told by the check of a document."""
    for project in ("alpha", "beta"):
        (made,) = await operate(f"keys create --project {project}", GATEWAY_STORE_PROJECTS_EAST="beta")
        found = await two.store().find_key(project, digest_of(made["key"]))
        assert found
        desk = Desk(two.store(), project, tag=found.rights_tag, key_id=found.id)
        admitted = await desk.admit_as(desk.ticket(digest=found.digest), [candidate()])
        assert isinstance(admitted, Admitted)
    lines = await operate("usage reconcile --json --month 202611", GATEWAY_STORE_PROJECTS_EAST="beta")
    assert {line["project"] for line in lines[0]["holds"]} == {"alpha", "beta"}
    (checked,) = await operate(f"config check {EXAMPLE}")
    assert checked["misplaced"] == [{"project": "beta", "in": "east", "configured": FIRST}]
    two.east.fail("crash", times=1000)
    (checked,) = await operate(f"config check {EXAMPLE}")
    assert (checked["misplaced"], checked["unchecked"]) == ([], ["east"])
    assert "'east' does not answer" in await operate("budgets show")


async def test_a_replay_settles_what_it_can(two, operate, tmp_path):
    """What is for a database that is away stays in the folder, and it says so."""
    alpha, beta = await desks(two)
    backlog = FileBacklog(tmp_path)
    for desk in (beta, alpha):
        now_ms = SystemClock().now_ms()
        ticket = desk.ticket(admitted_ms=now_ms)
        admitted = await desk.store.admit(ticket, [candidate()], Terms(now_ms, POLICY))
        assert isinstance(admitted, Admitted)
        last = settled(admitted, candidate(), charge_nano=70)
        await backlog.put(Unsettled(ticket, (), last, record_of(ticket, at_ms=now_ms)), StoreUnavailable("away"))
    two.east.fail("crash", times=1000)
    assert "database 'east'" in await operate(f"usage replay {tmp_path}", GATEWAY_STORE_PROJECTS_EAST="beta")
    two.east.http.post("/__faults", json=[])
    (told,) = await operate(f"usage replay {tmp_path}", GATEWAY_STORE_PROJECTS_EAST="beta")
    assert (told["written"], told["waiting"]) == (1, 0)
