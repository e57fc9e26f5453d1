"""An answer is put into its caller's words while the store writes what it cost."""

import asyncio

import pytest

from gateway_core.crowd.limiter import Claim, CrowdLimits, Limiter
from gateway_core.crowd.slot import seated
from tests.unit.walks import CHARGE, request


class _Gate:
    """Lets a settlement through once it is open."""

    def __init__(self, store):
        self._settle = store.settle
        self.reached, self.opened = asyncio.Event(), asyncio.Event()

    async def __call__(self, *arguments):
        self.reached.set()
        await self.opened.wait()
        return await self._settle(*arguments)


@pytest.fixture
def gate(world):
    world.store.settle = _Gate(world.store)
    return world.store.settle


async def composed(world, compose, **changes):
    """The same with and without a cache in between."""
    caller = await world.services.authenticator.authenticate(await world.key())
    return await world.services.gateway.composed(request(**changes), caller, "req_1", compose, timeout_s=60)


async def test_it_is_composed_before_the_store_has_written(world, gate):
    """And given only then: what is answered is in the books."""
    made = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(composed(world, lambda done: made.set_result(done) or "made"))
    done = await made
    assert (done.cost.total_nano, done.answer.content) == (CHARGE, "one two three")
    await gate.reached.wait()
    assert not task.done()
    gate.opened.set()
    assert await task == "made"
    assert [record.cost_nano for record in await world.records()] == [CHARGE]


async def test_one_that_cannot_be_composed_is_in_the_books_all_the_same(world, gate):
    """The fault is ours, and the answer is paid."""

    def fails(done):
        raise ValueError(done.id)

    gate.opened.set()
    with pytest.raises(ValueError, match="req_1"):
        await composed(world, fails)
    assert [record.cost_nano for record in await world.records()] == [CHARGE]
    assert await world.spent() == (CHARGE, 0)


async def test_a_kept_answer_is_composed_as_well(world):
    """It costs nothing."""
    costs = [await composed(world, lambda done: (done.cached, done.cost.total_nano), cache=True) for _ in range(2)]
    assert costs == [(False, CHARGE), (True, 0)]


async def test_what_is_settled_is_waited_for_whatever_fails_meanwhile(world, gate):
    """Telling it is a fault of ours, too, if that fails."""

    def fails(*_arguments):
        gate.opened.set()
        raise ValueError("telemetry")

    world.services.telemetry.usage = fails
    with pytest.raises(ValueError, match="telemetry"):
        await composed(world, lambda done: done)
    assert [record.cost_nano for record in await world.records()] == [CHARGE]


async def test_in_a_crowd_it_is_composed_in_its_turn(world):
    """With a slot, as all work is; and what waits for one makes the attempt seem no later than it ended."""
    limiter, limits = Limiter(lambda report: None), CrowdLimits(working=1)
    asked, answers, seen, ended = asyncio.Event(), asyncio.Event(), [], []
    complete = world.provider.complete

    async def answered(call):
        asked.set()
        await answers.wait()
        seen.append(world.clock.now_ms())
        return await complete(call)

    world.provider.complete = answered
    world.services.telemetry.attempt_ended = lambda request_id, attempt, ended_ms: ended.append(ended_ms)

    async def request_in_turn():
        with seated(limiter) as slot:
            await slot.take(Claim("alpha"), limits)
            return await composed(world, lambda done: (slot.is_held, done.latency_ms))

    task = asyncio.create_task(request_in_turn())
    await asked.wait()
    with seated(limiter) as other:
        await other.take(Claim("alpha"), limits)
        answers.set()
        for _ in range(30):  # the answer is in, and has to wait for its turn
            await asyncio.sleep(0)
        assert not task.done()
        world.clock.advance(5)
    is_held, latency_ms = await task
    (record,) = await world.records()
    assert is_held
    assert ended == seen
    assert latency_ms == record.latency_ms
