"""What settles the backlog: batches that SQS hands over, and the loop over files. Over the in-memory world."""

import asyncio
import json
from collections import Counter

import pytest

from gateway_core.adapters.file_backlog import FileBacklog
from gateway_core.adapters.memory.backlog import MemoryBacklog
from gateway_core.domain.caller import Limits
from gateway_core.domain.errors import NoDeploymentAvailable, RecordRefused, StoreUnavailable
from gateway_core.store.messages import Terms, Ticket
from gateway_core.store.records import Unsettled
from gateway_core.store.unsettled import REPLAY_WINDOW_MS, pack
from gateway_core.telemetry.events import BudgetReached
from gateway_core.triggers.replay import LOOK_S, MOST_PAUSE_S, Replayer, ReplayLoop, queued
from local.working import working
from tests import virtual_time
from tests.backlogs import AWAY, Plan, unsettled
from tests.contract.desk import candidate, record_of, settled
from tests.loops import running
from tests.patience import patience


class Answering:
    """Requests of one key that were admitted and answered."""

    def __init__(self, world, caller):
        self.world, self.caller = world, caller

    async def waits(self, request_id="r1", charge_nano=70, effect="ok"):
        """What waits to be settled of one."""
        now, caller = self.world.clock.now_ms(), self.caller
        ticket = Ticket(request_id, "alpha", caller.key_id, caller.digest, caller.rights_tag, now)
        admitted = await self.world.store.admit(ticket, [candidate()], Terms(now, self.world.settings.breaker))
        last = settled(admitted, candidate(), effect, charge_nano=charge_nano)
        return Unsettled(ticket, (), last, record_of(ticket, at_ms=now))


@pytest.fixture
async def answering(world):
    return Answering(world, await world.services.authenticator.authenticate(await world.key()))


def fails(world, error, times=10**9):
    """Let settling fail so often."""
    really, calls = world.store.settle, Counter()

    async def settle(*args):
        calls["settle"] += 1
        if calls["settle"] <= times:
            raise error
        return await really(*args)

    world.store.settle = settle
    return calls


async def test_a_message_is_settled_once(world, answering):
    """To the day of its admission, however late and however often it comes; the log says what was news."""
    text = pack(await answering.waits())
    world.clock.advance(3 * 86_400)
    replayer = Replayer(world.services)
    assert [await replayer.replay(text) for _ in range(2)] == ["settled", "settled"]
    page = await world.store.usage_records("alpha", day="20261120")
    assert [record.request_id for record in page.records] == ["r1"]
    told = [line["written"] for line in world.lines() if line["message"] == "usage replayed"]
    assert told == [True, False]


async def test_the_month_of_the_admission_is_charged(world, answering):
    """A replay in December of what November admitted."""
    waits = await answering.waits(charge_nano=70)
    world.clock.advance(20 * 86_400)
    await Replayer(world.services).replay(pack(waits))
    _, november = await world.store.budget_lines("alpha", day="20261120", scopes=["p"])
    _, december = await world.store.budget_lines("alpha", day="20261210", scopes=["p"])
    assert (november.spent_nano, november.held_nano, december.spent_nano) == (70, 0, 0)


async def test_a_request_that_is_too_old_is_refused(world, answering):
    """Nobody can tell any more whether it was settled."""
    text = pack(await answering.waits())
    world.clock.advance(REPLAY_WINDOW_MS / 1000 + 1)
    assert await Replayer(world.services).replay(text) == "refused"
    (line,) = [line for line in world.lines() if line["message"] == "replay refused"]
    assert line["detail"] == "r1 is too old: a request can be settled for 30 days."


async def test_an_old_outcome_says_nothing_of_a_deployment_of_now(world, answering):
    """Five failures of an hour ago do not open a breaker."""
    texts = [pack(await answering.waits(f"r{number}", effect="fail")) for number in range(5)]
    world.clock.advance(3600)
    assert {await Replayer(world.services).replay(text) for text in texts} == {"settled"}
    (state,) = await world.store.deployment_states([("one", "m1")])
    assert (state.state, state.failures) == ("closed", 0)


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (StoreUnavailable("away"), "away"),
        (RecordRefused("full"), "waits"),
        (NoDeploymentAvailable("odd"), "waits"),
        (ZeroDivisionError("the prompt was"), "waits"),
    ],
)
async def test_what_fails_is_kept(world, answering, error, verdict):
    """And is settled when it no longer does. A fault of ours is logged without its text."""
    text = pack(await answering.waits())
    fails(world, error, times=1)
    replayer = Replayer(world.services)
    assert [await replayer.replay(text) for _ in range(2)] == [verdict, "settled"]
    assert "the prompt was" not in world.log.getvalue()


@pytest.mark.parametrize("text", ["", "{}", "nonsense"])
async def test_what_is_no_message_is_refused(world, text):
    """And logged, without quoting it."""
    assert await Replayer(world.services).replay(text) == "refused"
    (line,) = [line for line in world.lines() if line["message"] == "replay refused"]
    assert line["level"] == "ERROR"


async def test_a_budget_that_a_replay_fills_is_told_once(world, answering):
    """As if it had been settled in time."""
    await world.store.set_budget("alpha", "", Limits(month_nano=100))
    told = []

    class Sink:
        async def emit(self, events):
            told.extend(events)

    world.services.events.attach(Sink())
    text = pack(await answering.waits(charge_nano=90))
    for _ in range(2):
        await Replayer(world.services).replay(text)
    assert [type(event) for event in told] == [BudgetReached, BudgetReached]
    assert {event.crossed.percent for event in told} == {50, 80}


async def test_a_sink_that_fails_undoes_nothing(world, answering):
    """The message is settled, and that its events are lost is told."""
    await world.store.set_budget("alpha", "", Limits(month_nano=100))
    text = pack(await answering.waits(charge_nano=90))

    async def broken(_events):
        raise ZeroDivisionError

    world.services.events.emit = broken
    assert await Replayer(world.services).replay(text) == "settled"
    assert "events failed" in world.log.getvalue()


def batch_of(*texts):
    return {"Records": [{"messageId": f"m{number}", "body": text} for number, text in enumerate(texts)]}


def handed(replayer, event):
    """What the handler answers, in a thread, as it makes a loop of its own."""
    return asyncio.to_thread(queued(replayer), event, None)


async def test_a_batch_tells_what_is_to_come_again(world, answering):
    """Message by message; what never can be settled is left to the queue, which gives it up."""
    texts = [pack(await answering.waits("r1")), "nonsense", pack(await answering.waits("r2"))]
    assert await handed(Replayer(world.services), batch_of(*texts)) == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert len(await world.records()) == 2


async def test_a_batch_asks_a_store_that_is_away_once(world, answering):
    """The whole of it comes again."""
    texts = [pack(await answering.waits(f"r{number}")) for number in range(3)]
    calls = fails(world, AWAY)
    answer = await handed(Replayer(world.services), batch_of(*texts))
    assert [failure["itemIdentifier"] for failure in answer["batchItemFailures"]] == ["m0", "m1", "m2"]
    assert calls["settle"] == 1


@pytest.mark.parametrize("event", [{}, [], None, {"Records": 7}])
async def test_what_is_no_batch_is_refused(world, event):
    """To repeat it would not help."""
    answer = await handed(Replayer(world.services), event)
    assert (answer["error"]["code"], answer["error"]["param"]) == ("invalid_request", "Records")
    assert "event refused" in world.log.getvalue()


async def test_an_event_for_somebody_else_is_left_alone(world):
    """Such as one that keeps the environment warm."""
    assert await handed(Replayer(world.services), {"source": "warmup"}) == {"ignored": True}
    assert "event refused" not in world.log.getvalue()


class Looked:
    """A backlog that says when it was drained, in the time of the loop, and what it has to tell."""

    def __init__(self, *told):
        self.told = list(told)
        self.at_s = []

    async def drain(self, replay):
        self.at_s.append(asyncio.get_running_loop().time())
        told = self.told.pop(0) if self.told else {}
        if isinstance(told, Exception):
            raise told
        return Counter(told)


def test_the_loop_looks_less_often_while_nothing_can_be_settled(world):
    """Twice as long each time, up to a bound, and often again once something is; a folder that is gone is empty."""
    backlog = Looked({"away": 1}, {"waits": 1}, {"away": 1}, OSError("gone"), {"settled": 1})

    async def watch():
        async with running(ReplayLoop(Replayer(world.services), backlog)):
            await asyncio.sleep(20)

    virtual_time.run(watch())
    pauses = [round(later - earlier, 3) for earlier, later in zip(backlog.at_s, backlog.at_s[1:], strict=False)]
    assert pauses[:5] == [2 * LOOK_S, 4 * LOOK_S, 8 * LOOK_S, LOOK_S, LOOK_S]
    assert min(2**10 * LOOK_S, MOST_PAUSE_S) == MOST_PAUSE_S


def test_the_loop_tries_once_more_at_its_end(world):
    """What was put a moment ago is settled, if the store is there; a round that takes too long is broken off."""

    class Slow(Looked):
        async def drain(self, replay):
            await super().drain(replay)
            if len(self.at_s) > 1:
                await asyncio.Event().wait()

    async def watch(backlog):
        async with running(ReplayLoop(Replayer(world.services), backlog)):
            await asyncio.sleep(0.1)
        return asyncio.get_running_loop().time()

    for kind in (Looked, Slow):
        backlog = kind()
        virtual_time.run(watch(backlog))
        assert len(backlog.at_s) == 2


async def test_a_store_that_comes_back_gets_everything(world, answering, tmp_path):
    """In a thread of its own, from the files of a process that is gone."""
    backlog, done = FileBacklog(tmp_path), asyncio.Event()
    for number in range(3):
        await backlog.put(await answering.waits(f"r{number}"), AWAY)
    fails(world, AWAY, times=2)
    loop = asyncio.get_running_loop()

    class Told(Replayer):
        async def replay(self, text):
            verdict = await super().replay(text)
            if verdict == "settled" and len(await world.records()) == 3:
                loop.call_soon_threadsafe(done.set)
            return verdict

    with working(ReplayLoop(Told(world.services), backlog, look_s=0.01)):
        await asyncio.wait_for(done.wait(), patience(20))
    assert backlog.files() == []
    assert sorted(record.request_id for record in await world.records()) == ["r0", "r1", "r2"]


async def test_the_memory_backlog_is_drained_like_the_others():
    """For who embeds the gateway."""
    backlog = MemoryBacklog()
    await backlog.put(unsettled(), AWAY)
    assert await backlog.drain(Plan()) == {"settled": 1}
    assert json.loads(pack(unsettled()))["version"] == 1
