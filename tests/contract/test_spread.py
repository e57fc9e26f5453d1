"""A store over two databases, each a Valkey behind the stand-in: what each project meets, and when one is away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway_core.adapters.clock import SystemClock
from gateway_core.adapters.degraded import ResilientLedger
from gateway_core.adapters.memory.backlog import MemoryBacklog
from gateway_core.adapters.spread import SpreadStore
from gateway_core.cli.main import main
from gateway_core.domain.caller import Limits
from gateway_core.domain.errors import Forbidden, ProjectMisplaced, StoreUnavailable
from gateway_core.store.messages import Admitted, StaleCaller, Terms
from gateway_core.store.placement import FIRST, Placement, shared_out
from gateway_core.store.probes import Probe
from gateway_core.store.virtual_keys import KeyRecord, digest_of
from local.serving import serve
from local.upstash.app import create_app
from local.upstash.faults import Faults
from local.valkey import Valkey
from tests.contract.conftest import TOKEN, Redis
from tests.contract.desk import DAY, DIGEST, MONTH, NOON, POLICY, Desk, candidate, record_of, settled
from tests.contract.test_store_jobs import NOW, job
from tests.manual_clock import ManualClock
from tests.patience import patience

EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"
PLACEMENT = Placement({"beta": "east"}, (FIRST,), shared_out((FIRST, "east"), {}))
MOVED = Placement({"alpha": "east", "beta": "east"}, (FIRST,))
EAST = {"GATEWAY_STORE_PROJECTS_EAST": "alpha,beta"}


@pytest.fixture(scope="session")
def east_server() -> Iterator[Redis]:
    with ExitStack() as stack:
        valkey = stack.enter_context(Valkey())
        url = stack.enter_context(serve(create_app(redis_port=valkey.port, token=TOKEN, faults=Faults())))
        headers = {"authorization": f"Bearer {TOKEN}"}
        client = httpx.Client(base_url=url, headers=headers, timeout=patience(30), trust_env=False)
        yield Redis(url, valkey.port, stack.enter_context(client))


@pytest.fixture
def east(east_server: Redis) -> Iterator[Redis]:
    """The second database, empty."""
    east_server.run("FLUSHALL")
    yield east_server
    east_server.http.post("/__faults", json=[])


@dataclass
class Two:
    """Two databases, and the stores over both that different configurations make."""

    first: Redis
    east: Redis
    stores: list[SpreadStore]

    def store(self, placement: Placement = PLACEMENT) -> SpreadStore:
        store = SpreadStore({FIRST: self.first.connect(), "east": self.east.connect()}, placement)
        self.stores.append(store)
        return store

    def environ(self, **more: str) -> dict[str, str]:
        first = {"UPSTASH_REDIS_REST_URL": self.first.url, "UPSTASH_REDIS_REST_TOKEN": TOKEN}
        east = {"UPSTASH_REDIS_REST_URL_EAST": self.east.url, "UPSTASH_REDIS_REST_TOKEN_EAST": TOKEN}
        return {**first, **east, **more}

    def keys(self, redis: Redis) -> set[str]:
        return set(redis.run("KEYS", "*")) - {"pv"}


@pytest.fixture
async def two(redis: Redis, east: Redis) -> AsyncIterator[Two]:
    made = Two(redis, east, [])
    yield made
    for store in made.stores:
        await store.close()


@pytest.fixture
def gateway(two: Two, capsys: pytest.CaptureFixture[str]) -> Any:
    """The command line: lines as JSON, or what it says on stderr."""

    async def run(line: str, **environ: str) -> Any:
        code = await asyncio.to_thread(main, line.split(), two.environ(**environ))
        printed = capsys.readouterr()
        return [json.loads(text) for text in printed.out.splitlines()] if code == 0 else printed.err

    return run


async def desks(two: Two, placement: Placement = PLACEMENT) -> tuple[Desk, Desk]:
    """Projects `alpha` and `beta`."""
    store = two.store(placement)
    return await Desk(store).open(), await Desk(store, "beta").open()


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


async def test_a_project_whose_data_is_elsewhere_is_refused(two):
    """Whoever asks: an empty database knows no budgets. Others are told that a key is unknown."""
    await (await Desk(two.store()).open()).call("r1")
    store = two.store(MOVED)
    for refused in (
        store.find_key("alpha", DIGEST),
        store.set_budget("alpha", "", Limits()),
        store.usage_records("alpha", day=DAY),
        Desk(store, tag="tag").admit("r2"),
    ):
        with pytest.raises(ProjectMisplaced) as told:
            await refused
        assert "'alpha' is configured for database 'east', and 'first' has its data" in told.value.detail
    assert await store.find_key("nobody", DIGEST) is None


async def admin_of(two: Two, **limits: int) -> tuple[SpreadStore, KeyRecord]:
    store = two.store()
    await store.put_key(KeyRecord("ops", DIGEST, admin=True, limits=Limits(**limits)))
    key = await store.find_key("ops", DIGEST)
    assert key
    return store, key


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


async def test_a_project_is_moved(two, gateway):
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
    (moved,) = await gateway("store move --project alpha", **EAST)
    assert (moved["from"], moved["database"], moved["moved"]) == (FIRST, "east", 4)
    assert not [key for key in two.keys(two.first) if "alpha" in key]
    there = replace(alpha, store=two.store(MOVED))
    assert (await there.lines(), await there.holds(), await there.counters(), await there.records()) == before
    assert 0 <= ttl - two.east.run("TTL", f"bud:alpha:{MONTH}") < 60
    assert await there.call("r9", charge_nano=1)
    with pytest.raises(ProjectMisplaced, match="another database"):
        await alpha.store.find_key("alpha", DIGEST)
    assert await gateway("store move --project alpha", **EAST) == [{"project": "alpha", "database": "east", "moved": 0}]
    (where,) = await gateway("store where --project alpha", **EAST)
    assert where == {"project": "alpha", "database": "east", "found": {"east": "home"}}


async def test_a_move_that_broke_off_goes_on(two, gateway):
    """Wherever it did; meanwhile the project waits, and is not told that its key is unknown."""
    alpha, _ = await desks(two)
    for number in range(3):
        await alpha.call(f"r{number}", charge_nano=70)
    for step in range(0, 60, 3):
        broken = two.east if step % 2 else two.first
        broken.fail("crash", times=1000, skip=step)
        told = await gateway("store move --project alpha", **EAST)
        broken.http.post("/__faults", json=[])
        if isinstance(told, list):
            break
        for placement in (PLACEMENT, MOVED):
            await served_or_waits(two.store(placement))
    assert isinstance(told, list)
    there = replace(alpha, store=two.store(MOVED))
    assert (await there.money(), len(await there.records())) == ((210, 0), 3)
    assert not [key for key in two.keys(two.first) if "alpha" in key]


async def served_or_waits(store: SpreadStore) -> None:
    """Never as if there were no such key."""
    try:
        assert await store.find_key("alpha", DIGEST)
    except ProjectMisplaced:
        return


async def test_a_project_at_work_is_not_moved(two, gateway):
    """Nor one that has a job, nor one that is in both databases; nothing is changed."""
    alpha, _ = await desks(two)
    now_ms = SystemClock().now_ms()
    ticket = alpha.ticket("r1", admitted_ms=now_ms)
    admitted = await alpha.store.admit(ticket, [candidate()], Terms(now_ms, POLICY))
    assert isinstance(admitted, Admitted)
    assert "money is held for requests that run" in await gateway("store move --project alpha", **EAST)
    await alpha.store.settle(ticket, settled(admitted, candidate()), record_of(ticket), Terms(now_ms, POLICY))
    await alpha.store.create_job(job(project="alpha"), most_open=1)
    assert "jobs that have not ended" in await gateway("store move --project alpha", **EAST)
    await alpha.store.end_job(job(project="alpha").name, "cancelled", now_ms=NOW)
    two.east.run("HSET", "prj:alpha", "b|p", "1;;;")
    assert "cannot be brought together" in await gateway("store move --project alpha", **EAST)
    assert await alpha.store.find_key("alpha", DIGEST)


async def test_a_project_moves_to_where_its_key_was_a_guest(two, gateway):
    """What the key had spent there on others' projects stays its own."""
    store, key = await admin_of(two)
    guest, home = (Desk(store, project, tag=key.rights_tag, key_id=key.id) for project in ("beta", "ops"))
    for number, desk in enumerate((guest, home)):
        ticket = desk.ticket(f"r{number}", key_project_id="ops")
        admitted = await desk.admit_as(ticket, [candidate()])
        ended = settled(admitted, candidate(), charge_nano=70)
        await store.settle(ticket, ended, record_of(ticket), Terms(NOON, POLICY))
    await gateway("store move --project ops", GATEWAY_STORE_PROJECTS_EAST="ops,beta")
    there = replace(home, store=two.store(Placement({"ops": "east", "beta": "east"}, (FIRST,))))
    assert await there.money(f"k:{key.id}") == (140, 0)
    assert await there.money() == (70, 0)
    assert await there.call("r3")


async def test_the_command_line_works_on_all_databases(two, gateway):
    """Each project in its own; what lives elsewhere than configured is told by the check of a document."""
    for project in ("alpha", "beta"):
        (made,) = await gateway(f"keys create --project {project}", GATEWAY_STORE_PROJECTS_EAST="beta")
        found = await two.store().find_key(project, digest_of(made["key"]))
        assert found
        desk = Desk(two.store(), project, tag=found.rights_tag, key_id=found.id)
        admitted = await desk.admit_as(desk.ticket(digest=found.digest), [candidate()])
        assert isinstance(admitted, Admitted)
    lines = await gateway("usage reconcile --json --month 202611", GATEWAY_STORE_PROJECTS_EAST="beta")
    assert {line["project"] for line in lines[0]["holds"]} == {"alpha", "beta"}
    (checked,) = await gateway(f"config check {EXAMPLE}")
    assert checked["misplaced"] == [{"project": "beta", "in": "east", "configured": FIRST}]
    two.east.fail("crash", times=1000)
    (checked,) = await gateway(f"config check {EXAMPLE}")
    assert (checked["misplaced"], checked["unchecked"]) == ([], ["east"])
    assert "'east' does not answer" in await gateway("budgets show")
