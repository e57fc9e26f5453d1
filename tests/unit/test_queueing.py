"""Waiting for a turn: who leaves gives it back."""

import asyncio
from contextlib import suppress

import pytest

from gateway_core.adapters.echo import echo
from gateway_core.domain.caller import Attribution, Limits
from gateway_core.domain.chat import ChatRequest
from gateway_core.domain.errors import DeadlineExceeded, NoDeploymentAvailable, RateLimited, StoreUnavailable
from gateway_core.domain.provider_errors import ProviderUnavailable
from tests.patience import patience
from tests.unit.turns import asked, world_of_two
from tests.unit.walks import HELLO


@pytest.fixture
def world():
    return world_of_two()


def held_up(world):
    """From now on whoever waits waits for ever, and tells it here."""
    waiting = asyncio.Queue()

    async def sleep(seconds):
        waiting.put_nowait(seconds)
        await asyncio.Event().wait()

    world.clock.sleep = sleep
    return waiting


async def leave(task):
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_who_leaves_while_waiting_gives_back_place_and_money(world):
    """The next one waits no longer than the one who left would have."""
    caller = await world.services.authenticator.authenticate(await world.key(limits=Limits(rpm=20, tpm=1_000_000)))
    for number in range(20):
        await asked(world, caller, f"r{number}")
    paid = await world.spent()
    waiting = held_up(world)
    for number in range(3):
        task = asyncio.create_task(asked(world, caller, f"left{number}"))
        assert await asyncio.wait_for(waiting.get(), patience(10)) == 3
        await leave(task)
    assert await world.spent() == paid
    assert [(r.error_code, r.attempts) for r in await world.records()][-1] == ("cancelled", 0)


async def test_a_turn_that_comes_with_the_deadline_is_not_waited_for(world):
    """There would be no time left to make use of it: refused at once, with the moment of the turn."""
    caller = await world.services.authenticator.authenticate(await world.key(limits=Limits(rpm=20)))
    for number in range(20):
        await asked(world, caller, f"r{number}")
    started = world.clock.now_ms()
    with pytest.raises(RateLimited) as caught:
        await asked(world, caller, "late", timeout_s=3)
    assert (caught.value.retry_after_s, world.clock.now_ms()) == (3, started)
    assert (await asked(world, caller, "in time", timeout_s=3.1)).model.key == "first"


@pytest.mark.parametrize("call", ["admit", "next"])
async def test_a_store_that_takes_all_the_time_lets_nobody_be_called(world, call):
    """What is sent after the deadline is paid for nothing: the hold and the place are given back instead."""

    def down(given):
        raise ProviderUnavailable("down")

    world.behave["first"] = down
    caller = await world.services.authenticator.authenticate(await world.key(limits=Limits(rpm=2)))
    step = getattr(world.store, call)

    async def dawdling(*args, **kwargs):
        world.clock.advance(1)
        return await step(*args, **kwargs)

    setattr(world.store, call, dawdling)
    with pytest.raises(DeadlineExceeded):
        await asked(world, caller, "late", group="both", timeout_s=1)
    made = 0 if call == "admit" else 1
    assert len(world.provider.calls) == made
    assert await world.spent() == (0, 0)
    assert [(r.error_code, r.attempts) for r in await world.records()] == [("deadline_exceeded", made)]
    setattr(world.store, call, step)
    world.behave["first"] = echo
    waiting = held_up(world)
    for number in range(2 - made):
        await asked(world, caller, f"r{number}", group="both")
    assert waiting.empty()


async def slow(world, name):
    """A store that takes a while over this call, until it is told to go on."""
    reached, go_on, call = asyncio.Event(), asyncio.Event(), getattr(world.store, name)

    async def delayed(*args, **kwargs):
        answer = await call(*args, **kwargs)
        reached.set()
        await go_on.wait()
        return answer

    setattr(world.store, name, delayed)
    return reached, go_on


@pytest.mark.parametrize("call", ["admit", "next"])
async def test_who_leaves_while_the_store_admits_leaves_nothing_behind(world, call):
    """What was admitted for nobody is settled, and its place is free again."""

    def down(given):
        raise ProviderUnavailable("down")

    world.behave["first"] = down
    caller = await world.services.authenticator.authenticate(await world.key(limits=Limits(rpm=2)))
    reached, go_on = await slow(world, call)
    task = asyncio.create_task(asked(world, caller, "left", group="both"))
    await reached.wait()
    task.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()
    assert await world.spent() == (0, 0)
    assert await world.store.open_holds("alpha", month="202611") == []
    made = 0 if call == "admit" else 1
    assert [(r.error_code, r.attempts) for r in await world.records()] == [("cancelled", made)]
    setattr(world.store, call, getattr(type(world.store), call).__get__(world.store))
    world.behave["first"] = echo
    waiting = held_up(world)
    for number in range(2 - made):
        await asked(world, caller, f"r{number}")
    assert waiting.empty()


async def test_a_store_that_fails_while_the_caller_leaves_is_told(world):
    """The log line explains a hold that nobody will settle."""
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def lost(*args, **kwargs):
        reached.set()
        await go_on.wait()
        raise StoreUnavailable("away")

    world.store.admit = lost
    caller = await world.services.authenticator.authenticate(await world.key())
    task = asyncio.create_task(asked(world, caller, "left"))
    await reached.wait()
    task.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()
    assert "admission lost" in [line["message"] for line in world.lines()]


async def test_a_probe_that_is_not_made_leaves_its_place_to_the_next(world):
    """Somebody who waited for a slot held the only probe of the fleet."""

    def down(given):
        raise ProviderUnavailable("down")

    world.behave["first"] = down
    caller = await world.services.authenticator.authenticate(await world.key())
    for number in range(5):
        with suppress(ProviderUnavailable, NoDeploymentAvailable):
            await asked(world, caller, f"r{number}")
    world.clock.advance(30)
    slowly = await world.services.authenticator.authenticate(await world.key(limits=Limits(rpm=20)))
    world.behave["second"] = echo
    for number in range(20):
        await world.services.gateway.complete(
            ChatRequest(HELLO, Attribution("alpha"), model="second"), slowly, f"s{number}", timeout_s=60
        )
    waiting = held_up(world)
    task = asyncio.create_task(asked(world, slowly, "probe"))
    assert await asyncio.wait_for(waiting.get(), patience(10)) == 3
    await leave(task)
    world.behave["first"] = echo
    assert (await asked(world, caller, "next")).model.key == "first"
