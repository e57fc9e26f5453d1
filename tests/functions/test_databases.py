"""Routes, schedules and replays over two databases, one of which may be away."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from gateway_core.adapters.echo import EchoModelLister
from gateway_core.adapters.memory import MemoryStore
from gateway_core.adapters.memory.backlog import MemoryBacklog
from gateway_core.adapters.spread import SpreadStore
from gateway_core.domain.errors import StoreUnavailable
from gateway_core.store.messages import Terms
from gateway_core.store.placement import FIRST, Placement
from gateway_core.store.probes import ModelList
from gateway_core.store.records import Unsettled
from gateway_core.store.unsettled import pack
from gateway_core.triggers.health_checks import HealthChecks
from gateway_core.triggers.replay import SPARED_S, Replayer, ReplayLoop
from tests.conftest import World, catalog_of, model, settings_for
from tests.contract.desk import NOON, POLICY, Desk, candidate, record_of, settled
from tests.loops import running

HELLO = {"messages": [{"role": "user", "content": "hi"}]}
PLACEMENT = Placement({"beta": "east"})


class Database:
    """A memory store that may be away, and counts what it is asked."""

    def __init__(self) -> None:
        self._store = MemoryStore()
        self.is_away = False
        self.asked = Counter[str]()

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any, **kwargs: Any) -> Any:
            self.asked[name] += 1
            if self.is_away:
                raise StoreUnavailable("The gateway's store does not answer.", detail="away", retry_after_s=5)
            return await getattr(self._store, name)(*args, **kwargs)

        return call


@pytest.fixture
def east() -> Database:
    return Database()


@pytest.fixture
def world(east) -> World:
    """Project `alpha` lives in the first database, `beta` in the second. The clock begins with the desk's."""
    catalog = catalog_of(model("first"))
    settings = settings_for(catalog, placement=PLACEMENT)
    made = World(catalog, settings, SpreadStore({FIRST: Database(), "east": east}, PLACEMENT))
    made.clock.advance((NOON - made.clock.now_ms()) / 1000)
    return made


async def headers(world, project, **rights):
    return {"authorization": f"Bearer {await world.key(project, **rights)}"}


async def test_an_admins_report_has_the_projects_of_all_databases(client, world, east):
    """One that is away makes it an error with its name; a report of one project asks its own alone."""
    admin, beta = await headers(world, "alpha", admin=True), await headers(world, "beta")
    for who in ({}, beta, admin):
        assert (await client.post("/v1/complete", json=HELLO, headers=who)).status_code == 200
    by_project = {"group_by": "project"}
    told = (await client.get("/v1/usage", params=by_project, headers=admin)).json()
    assert [(row["project_id"], row["requests"]) for row in told["rows"]] == [("alpha", 2), ("beta", 1)]
    east.is_away = True
    refused = await client.get("/v1/usage", params=by_project, headers=admin)
    assert (refused.status_code, "'east' does not answer" in refused.text) == (503, True)
    told = (await client.get("/v1/usage", params={"project_id": "alpha"}, headers=admin)).json()
    assert told["totals"]["requests"] == 2


async def test_health_tells_an_admin_which_databases_answer(client, world, east):
    """Others are told of the one that they are served by."""
    admin, beta = await headers(world, "alpha", admin=True), await headers(world, "beta")
    for is_away in (False, True):
        east.is_away = is_away
        told = (await client.get("/health/providers", headers=admin)).json()
        assert told["databases"] == {FIRST: "ok", "east": "unavailable" if is_away else "ok"}
        told = (await client.get("/health/providers", headers=beta)).json()
        assert (told["store"], "databases" in told) == ("unavailable" if is_away else "ok", False)


async def test_projects_of_the_others_are_served(client, world, east):
    """However often the one that is away was asked; its own are told so, where they have limits."""
    beta = await headers(world, "beta")
    assert (await client.post("/v1/complete", json=HELLO, headers=beta)).status_code == 200
    await world.budget("beta", day_nano=10**9)
    east.is_away = True
    for _ in range(4):
        refused = await client.post("/v1/complete", json={**HELLO, "routing": "latency"}, headers=beta)
        served = await client.post("/v1/complete", json={**HELLO, "routing": "latency"})
        assert served.status_code == 200
        assert "x-gateway-degraded" not in served.headers
        assert refused.headers.get("x-gateway-degraded") or refused.status_code == 503
    told = [line["detail"] for line in world.lines() if line["message"] == "request failed"]
    assert all("east" in detail for detail in told)


async def waits(world: World, project: str) -> str:
    """What waits to be settled of a request."""
    desk = await Desk(world.store, project).open()
    admitted = await desk.admitted(f"of-{project}")
    ticket = desk.ticket(f"of-{project}")
    return pack(Unsettled(ticket, (), settled(admitted, candidate(), charge_nano=70), record_of(ticket)))


async def test_what_waits_for_one_that_is_away_does_not_keep_the_rest(world, east):
    """It is left alone for a moment after a failure, and settled when it answers."""
    backlog = MemoryBacklog()
    backlog.waiting = [await waits(world, "beta"), *([await waits(world, "beta")] * 2), await waits(world, "alpha")]
    replayer, before = Replayer(world.services), east.asked["settle"]
    east.is_away = True
    assert await backlog.drain(replayer.replay) == {"waits": 3, "settled": 1}
    assert east.asked["settle"] == before + 1
    east.is_away = False
    assert await backlog.drain(replayer.replay) == {"waits": 3}
    world.clock.advance(SPARED_S)
    assert await backlog.drain(replayer.replay) == {"settled": 3}
    assert [await world.store.budget_lines(name, day="20261120", scopes=["p"]) for name in ("alpha", "beta")]
    assert await world.spent("beta") == await world.spent("alpha") == (70, 0)


async def test_the_last_round_asks_each_database_again(world, east):
    """A process that ends right after one came back leaves nothing behind for it."""
    backlog, replayer = MemoryBacklog(), Replayer(world.services)
    backlog.waiting = [await waits(world, "beta")]
    east.is_away = True
    async with running(ReplayLoop(replayer, backlog)):
        while not (east.asked["settle"] and backlog.waiting):  # noqa: ASYNC110 - the first round is to have failed
            await asyncio.sleep(0)
        east.is_away = False
    assert (backlog.waiting, await world.spent("beta")) == ([], (70, 0))


async def test_what_waits_for_a_misplaced_project_goes_on_waiting(world, east):
    """Until it is moved to where it is configured."""
    text = await waits(world, "beta")
    databases = world.store.databases
    moved = World(world.catalog, settings_for(world.catalog), SpreadStore(databases, Placement()))
    moved.clock.advance((NOON - moved.clock.now_ms()) / 1000)
    assert await Replayer(moved.services).replay(text) == "waits"
    assert await Replayer(world.services).replay(text) == "settled"


async def test_the_schedule_books_in_the_databases_that_answer(world, east):
    """Then it fails, to be tried again."""
    for project in ("alpha", "beta"):
        desk = await Desk(world.store, project).open()
        ticket = desk.ticket()
        await world.store.admit(ticket, [candidate()], Terms(NOON, POLICY))
    world.clock.advance(3 * 86_400)
    checks = HealthChecks(world.services, EchoModelLister(lambda _: ModelList(frozenset())))
    east.is_away = True
    with pytest.raises(StoreUnavailable):
        await checks.check_holds()
    (line,) = [line for line in world.lines() if line["message"] == "holds unconfirmed"]
    assert (line["project_id"], line["booked"]) == ("alpha", 1)
    east.is_away = False
    assert [each.project_id for each in await checks.check_holds()] == ["beta"]
