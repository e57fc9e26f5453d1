"""What becomes of a settlement that the store did not take: the backlog, else more tries, else the log."""

import asyncio
import io
import json
import uuid

import pytest

from gateway_core.adapters import insistence
from gateway_core.adapters.backlogs import backlog_of, open_backlog
from gateway_core.adapters.file_backlog import FileBacklog
from gateway_core.adapters.insistence import BackgroundBacklog, InlineBacklog, Retrier
from gateway_core.adapters.memory import MemoryStore
from gateway_core.adapters.memory.backlog import MemoryBacklog
from gateway_core.adapters.sqs_backlog import SqsBacklog
from gateway_core.domain.errors import BacklogUnavailable, StoreUnavailable
from gateway_core.invocation import note_end, time_left_s
from gateway_core.store.messages import Settled
from gateway_core.store.unsettled import parse
from gateway_core.telemetry.telemetry import Telemetry
from tests.backlogs import AWAY, unsettled
from tests.contract.desk import NOON, Desk, candidate, settled
from tests.manual_clock import ManualClock


class Store:
    """A ledger that is away for its first calls."""

    def __init__(self, away=0):
        self.away = away
        self.calls = 0

    async def settle(self, *args):
        self.calls += 1
        if self.calls <= self.away:
            raise StoreUnavailable("away")
        return Settled(written=True)


class Full(MemoryBacklog):
    """A backlog that takes nothing the first times."""

    def __init__(self, times=10**9):
        super().__init__()
        self.times = times

    async def put(self, unsettled, error):
        self.times -= 1
        if self.times >= 0:
            raise BacklogUnavailable("full")
        await super().put(unsettled, error)


class World:
    """A retrier with what it prints."""

    def __init__(self, backlog=None, away=10**9):
        self.store, self.clock, self.backlog, self.text = Store(away), ManualClock(NOON), backlog, io.StringIO()
        telemetry = Telemetry(stream=self.text, service=uuid.uuid4().hex)
        self.retrier = Retrier(self.store, self.clock, telemetry, backlog)

    @property
    def log(self):
        return [json.loads(line)["message"] for line in self.text.getvalue().split("\n") if line]

    def inline(self, left_s=300.0):
        return InlineBacklog(self.retrier, lambda: left_s)


@pytest.mark.parametrize("kind", [lambda world: world.inline(), lambda world: BackgroundBacklog(world.retrier)])
async def test_the_backlog_comes_first(kind):
    """At once: the caller waits for nothing else."""
    world = World(MemoryBacklog())
    await kind(world).put(unsettled(), AWAY)
    assert [parse(text) for text in world.backlog.waiting] == [unsettled()]
    assert (world.log, world.store.calls) == (["usage in the backlog"], 0)
    assert world.clock.now_ms() == NOON


async def test_lambda_tries_on_where_the_backlog_fails():
    """Store and backlog in turn, while the answer waits."""
    world = World(Full(), away=2)
    await world.inline().put(unsettled(), AWAY)
    assert (world.store.calls, world.log) == (3, ["usage replayed"])


async def test_a_fault_of_ours_does_not_end_the_tries():
    """It is as if the store were away: a later version may settle it."""
    world = World(Full(times=2), away=0)

    async def settle(*_args):
        raise ZeroDivisionError

    world.store.settle = settle
    await world.inline().put(unsettled(), AWAY)
    assert (world.log, len(world.backlog.waiting)) == (["usage in the backlog"], 1)


async def test_lambda_ends_with_the_backlog_too():
    """Whichever comes back first."""
    world = World(Full(times=2))
    await world.inline().put(unsettled(), AWAY)
    assert (world.store.calls, world.log, len(world.backlog.waiting)) == (2, ["usage in the backlog"], 1)


@pytest.mark.parametrize(("left_s", "most_s"), [(870.0, 10.0), (4.0, 3.0), (1.0, 0.0), (0.2, 0.0)])
async def test_lambda_gives_up_in_time(left_s, most_s):
    """An answer is kept back for ten seconds at most, and never longer than its invocation; the log has it then."""
    world = World(None)
    await world.inline(left_s).put(unsettled(), AWAY)
    waited_s = (world.clock.now_ms() - NOON) / 1000
    assert most_s / 2 <= waited_s <= most_s
    assert world.log == ["usage not settled"]


async def test_an_invocation_that_ends_in_the_middle_is_logged():
    """As when Lambda cancels what is late."""
    world = World(None)
    began = asyncio.Event()

    async def sleep(_seconds):
        began.set()
        await asyncio.Event().wait()

    world.clock.sleep = sleep
    task = asyncio.create_task(world.inline().put(unsettled(), AWAY))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert world.log == ["usage not settled"]


async def test_a_process_that_lives_on_tries_in_the_background():
    """It is in the log at once, as the process may be killed; who answered does not wait."""
    world = World(Full(), away=3)
    background = BackgroundBacklog(world.retrier)
    await background.put(unsettled(), AWAY)
    assert (world.log, world.store.calls) == (["usage not settled"], 0)
    await background.put(unsettled("r2"), AWAY)
    await background._task
    assert world.log == ["usage not settled", "usage not settled", "usage replayed", "usage replayed"]
    assert (background._waiting, background._bytes) == ({}, 0)
    await background.put(unsettled("r3"), AWAY)
    await background._task
    assert world.log[-1] == "usage replayed"


async def test_the_pauses_grow_and_the_memory_is_bounded(monkeypatch):
    """So many requests, so many bytes: what is more is in the log alone."""
    monkeypatch.setattr(insistence, "MOST_KEPT", 2)
    world = World(None, away=20)
    background = BackgroundBacklog(world.retrier)
    for number in range(3):
        await background.put(unsettled(f"r{number}"), AWAY)
    assert len(background._waiting) == 2
    await background._task
    assert world.clock.now_ms() - NOON >= 60_000
    monkeypatch.setattr(insistence, "MOST_KEPT_BYTES", 10)
    await background.put(unsettled(), AWAY)
    assert background._waiting == {}


@pytest.mark.parametrize("back", [True, False])
async def test_a_process_that_is_told_to_stop_tries_once_more(back):
    """And stops, whatever comes of it."""
    world = World(None)
    began = asyncio.Event()

    async def sleep(_seconds):
        began.set()
        await asyncio.Event().wait()

    world.clock.sleep = sleep
    background = BackgroundBacklog(world.retrier)
    await background.put(unsettled(), AWAY)
    await began.wait()
    world.store.away = 0 if back else 10**9
    background._task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await background._task
    assert world.log == ["usage not settled", *(["usage replayed"] if back else [])]
    assert world.store.calls == 1


async def test_a_real_store_takes_it_once():
    """What is tried on and was settled in the meantime is no second record."""
    store = MemoryStore()
    desk = await Desk(store).open()
    last = settled(await desk.admitted("r1"), candidate(), charge_nano=7)
    assert await desk.settle("r1", last)
    world = World(None)
    world.retrier = Retrier(store, world.clock, world.retrier.telemetry)
    await world.inline().put(unsettled("r1"), AWAY)
    assert "usage replayed" in world.log
    assert len(await desk.records()) == 1


def test_what_the_environment_names():
    """A queue by its URL, else a folder; neither is looked for before it is needed."""
    assert isinstance(open_backlog("https://sqs.eu-central-1.amazonaws.com/1/q"), SqsBacklog)
    assert isinstance(open_backlog("/data/backlog"), FileBacklog)
    assert open_backlog(None) is None
    telemetry = Telemetry(stream=io.StringIO(), service=uuid.uuid4().hex)
    for on_lambda, kind in ((True, InlineBacklog), (False, BackgroundBacklog)):
        assert isinstance(backlog_of(None, Store(), ManualClock(), telemetry, on_lambda=on_lambda), kind)


async def test_a_task_knows_when_its_invocation_ends():
    """And those that it starts; outside of one there is no end."""

    class Context:
        def get_remaining_time_in_millis(self):
            return 4500

    async def within(context):
        note_end(context)
        return await asyncio.create_task(left())

    async def left():
        return time_left_s()

    assert await asyncio.create_task(within(Context())) == 4.5
    assert await asyncio.create_task(within(None)) == float("inf")
    assert time_left_s() == float("inf")
