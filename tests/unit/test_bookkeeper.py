"""Who looks after money that nobody settled: reports on their way, the schedule for all projects."""

import pytest

from gateway_core.access.bookkeeper import Bookkeeper
from gateway_core.adapters.echo import EchoModelLister
from gateway_core.adapters.memory import holds
from gateway_core.domain.caller import Limits
from gateway_core.domain.errors import StoreUnavailable
from gateway_core.store.estimates import LEAST_WAIT_MS, HeldMoney, months_with_holds
from gateway_core.store.messages import Terms
from gateway_core.store.probes import ModelList
from gateway_core.triggers.health_checks import HealthChecks
from tests.contract.desk import NOON, POLICY, Desk, candidate, record_of, settled

HOUR_MS = 3_600_000
DUE_MS = 12 * HOUR_MS + LEAST_WAIT_MS


@pytest.fixture
def at_noon(world):
    """Its clock begins with the desk's."""
    world.clock.advance((NOON - world.clock.now_ms()) / 1000)
    return world


async def leave(world, project, request_id, *, unconfirmed=True, nano=100):
    """An attempt that nobody settles: its end is in doubt, or its process died."""
    desk = await Desk(world.store, project=project).open()
    ticket, chosen, terms = desk.ticket(request_id), candidate(nano=nano), Terms(NOON, POLICY)
    admitted = await world.store.admit(ticket, [chosen], terms)
    if unconfirmed:
        ended = settled(admitted, chosen, "skip", unconfirmed=True)
        await world.store.settle(ticket, ended, record_of(ticket, input_nano=0, output_nano=0), terms)


def checks(world):
    return HealthChecks(world.services, EchoModelLister(lambda _: ModelList(frozenset())))


def advance(world, ms):
    world.clock.advance(ms / 1000)


async def test_the_schedule_books_what_is_due_in_all_projects(at_noon):
    """Unconfirmed or left open; what is still held is counted, in the log and by metrics."""
    await leave(at_noon, "alpha", "r1")
    await leave(at_noon, "alpha", "r2", unconfirmed=False, nano=50)
    await leave(at_noon, "beta", "r1", unconfirmed=False)
    assert await checks(at_noon).check_holds() == [HeldMoney("alpha", 1, 100, 0)]
    advance(at_noon, HOUR_MS)
    assert await checks(at_noon).check_holds() == [HeldMoney("alpha", 2, 150, 0), HeldMoney("beta", 1, 100, 0)]
    advance(at_noon, DUE_MS)
    told = await checks(at_noon).run({"check": "holds"})
    assert told == {
        "check": "holds",
        "projects": [
            {"project_id": "alpha", "unconfirmed": 0, "nano": 0, "booked": 2, "unreadable": 0},
            {"project_id": "beta", "unconfirmed": 0, "nano": 0, "booked": 1, "unreadable": 0},
        ],
    }
    assert await checks(at_noon).check_holds() == []
    lines = [line for line in at_noon.lines() if line["message"] == "holds unconfirmed"]
    assert [(line["project_id"], line["unconfirmed"], line["held_usd"], line["booked"]) for line in lines] == [
        ("alpha", 1, "0.0000001", 0),
        ("alpha", 2, "0.00000015", 0),
        ("beta", 1, "0.0000001", 0),
        ("alpha", 0, "0", 2),
        ("beta", 0, "0", 1),
    ]


async def test_the_schedule_stops_when_its_time_is_over(at_noon):
    """What is left waits for the next round, and is counted."""
    await leave(at_noon, "alpha", "r1")
    advance(at_noon, DUE_MS)
    bookkeeper = at_noon.services.bookkeeper
    assert await bookkeeper.look_through(within_s=0) == [HeldMoney("alpha", 1, 100, 0)]
    assert await bookkeeper.look_through(within_s=-1) == []
    assert await bookkeeper.look_through(within_s=1) == [HeldMoney("alpha", 0, 0, 1)]


async def test_very_many_holds_are_looked_through_page_by_page(at_noon, monkeypatch):
    """All of them are counted."""
    monkeypatch.setattr(holds, "PAGE", 30)
    for number in range(100):
        await leave(at_noon, "alpha", f"r{number}")
    watched = Watched(at_noon.store)
    keeper = Bookkeeper(watched, at_noon.services.events, at_noon.services.clock, LEAST_WAIT_MS)
    assert await keeper.look_through(within_s=60) == [HeldMoney("alpha", 100, 10_000, 0)]
    assert len(watched.asked) >= 4


class Watched:
    """A store that remembers whose holds were looked at."""

    def __init__(self, store):
        self.store, self.asked = store, []

    def __getattr__(self, name):
        return getattr(self.store, name)

    async def hold_page(self, project_id, *, month, cursor=""):
        self.asked.append(project_id)
        return await self.store.hold_page(project_id, month=month, cursor=cursor)


async def test_many_projects_take_turns(at_noon):
    """Each round begins with others, so that one that is cut short leaves none out for ever."""
    for number in range(20):
        await leave(at_noon, f"p{number:02}", "r1")
    begins = set()
    for _ in range(5):
        watched = Watched(at_noon.store)
        keeper = Bookkeeper(watched, at_noon.services.events, at_noon.services.clock, LEAST_WAIT_MS)
        assert len(await keeper.look_through(within_s=60)) == 20
        assert len(set(watched.asked)) == 20
        begins.add(watched.asked[0])
        advance(at_noon, HOUR_MS)
    assert len(begins) == 5


async def test_thresholds_that_a_booking_reaches_are_told(at_noon):
    """By events, with the day and month of the request."""
    await at_noon.store.set_budget("alpha", "", Limits(day_nano=200, month_nano=200))
    await leave(at_noon, "alpha", "r1")
    advance(at_noon, DUE_MS)
    await checks(at_noon).check_holds()
    told = [entry.event.render()["detail"] for entry in at_noon.feed.entries]
    assert [(event["window"], event["percent"]) for event in told] == [("20261120", 50), ("202611", 50)]


async def test_a_report_books_some_before_it_is_read(at_noon):
    """Not more than a few, so that it stays quick; nothing at all where nothing is due."""
    for number in range(12):
        await leave(at_noon, "alpha", f"r{number}")
    bookkeeper = at_noon.services.bookkeeper
    for after_ms, left in ((0, 12), (DUE_MS, 2), (0, 0)):
        advance(at_noon, after_ms)
        await bookkeeper.before_report("alpha")
        held = await at_noon.store.open_holds("alpha", month="202611")
        assert len(held) == left


class Failing:
    """A store that cannot do one thing."""

    def __init__(self, store, name):
        self._store, self._name = store, name

    def __getattr__(self, name):
        return self._fail if name == self._name else getattr(self._store, name)

    async def _fail(self, *args, **kwargs):
        raise StoreUnavailable("away")


@pytest.mark.parametrize("name", ["projects", "hold_page", "book_holds"])
async def test_a_store_that_fails_in_between(at_noon, name):
    """Who cannot look fails, and is tried again; what cannot be booked stays held, and is counted."""
    await leave(at_noon, "alpha", "r1")
    advance(at_noon, DUE_MS)
    store = Failing(at_noon.store, name)
    keeper = Bookkeeper(store, at_noon.services.events, at_noon.services.clock, LEAST_WAIT_MS)
    if name == "book_holds":
        assert await keeper.look_through(within_s=60) == [HeldMoney("alpha", 1, 100, 0)]
    else:
        with pytest.raises(StoreUnavailable):
            await keeper.look_through(within_s=60)


async def test_a_store_that_is_away_is_the_reports_to_tell(at_noon):
    """Nothing is raised before."""
    services = at_noon.services
    await Bookkeeper(Failing(at_noon.store, "book_due"), services.events, services.clock, LEAST_WAIT_MS).before_report(
        "alpha"
    )


@pytest.mark.parametrize(
    ("at_ms", "months"),
    [
        (NOON, ("202611", "202610")),
        (1_798_761_600_000, ("202701", "202612")),
        (1_798_761_599_999, ("202612", "202611")),
    ],
)
def test_holds_are_in_this_month_and_the_last(at_ms, months):
    """Those of the years as well."""
    assert months_with_holds(at_ms) == months
