"""What a candidate needs to be called is done while the store decides whether it may be."""

import asyncio
from dataclasses import replace

import pytest

from gateway_core.domain.caller import Limits
from gateway_core.domain.errors import BudgetExceeded, StoreUnavailable
from gateway_core.domain.provider_errors import ProviderUnavailable
from gateway_core.waiting import leave
from tests.unit.walks import CHARGE, called, complete, failing, request


class Preparing:
    """Marks each call that it prepares; those of `odd` models it cannot prepare."""

    def __init__(self, world, *odd):
        self.prepared, self.odd, self.begun = [], odd, asyncio.Event()
        world.provider.prepare = self
        for name in ("admit", "next"):
            setattr(world.store, name, _later(getattr(world.store, name)))

    def __call__(self, call, *, streams):
        name = call.deployment.upstream_model
        self.prepared.append((name, streams))
        self.begun.set()
        if name in self.odd:
            raise ValueError(name)
        return replace(call, prepared=(name, streams))


def _later(ask):
    """As a store over a network answers."""

    async def asked(*arguments):
        await asyncio.sleep(0)
        return await ask(*arguments)

    return asked


@pytest.fixture
def preparing(world):
    return Preparing(world)


async def streamed(world):
    caller = await world.services.authenticator.authenticate(await world.key())
    return [part async for part in world.services.gateway.stream(request(), caller, "req_1", timeout_s=60)]


async def test_it_is_prepared_before_the_store_has_answered(world, preparing):
    """And called only then."""
    admit, opened = world.store.admit, asyncio.Event()

    async def slow(*arguments):
        await opened.wait()
        return await admit(*arguments)

    world.store.admit = slow
    task = asyncio.create_task(complete(world))
    await preparing.begun.wait()
    assert (preparing.prepared, called(world)) == ([("first", False)], [])
    opened.set()
    await task
    (call,) = world.provider.calls
    assert (call.prepared, call.timeout_s > 0) == (("first", False), True)


async def test_a_stream_is_prepared_as_one(world, preparing):
    """Its request is another one."""
    await streamed(world)
    (call,) = world.provider.calls
    assert (call.prepared, call.first_s is not None) == (("first", True), True)


async def test_the_next_one_is_prepared_while_a_failure_is_settled(world, preparing):
    """Each of them once."""
    world.behave["first"] = failing(ProviderUnavailable("down"))
    await complete(world)
    assert preparing.prepared == [("first", False), ("second", False)]
    assert [call.prepared[0] for call in world.provider.calls] == ["first", "second"]


async def test_one_that_the_store_passes_over_is_not_called(world, preparing):
    """What was prepared for another candidate is not sent to this one."""
    world.behave["first"] = failing(ProviderUnavailable("down"))
    for number in range(5):
        await complete(world, f"req_{number}")
    world.provider.calls.clear()
    await complete(world, "req_6")
    (call,) = world.provider.calls
    assert (call.deployment.upstream_model, call.prepared) == ("second", None)


async def test_what_cannot_be_prepared_is_called_all_the_same(world):
    """The attempt meets what is wrong, and tells."""
    Preparing(world, "first")
    done = await complete(world)
    (call,) = world.provider.calls
    assert (done.cost.total_nano, call.prepared) == (CHARGE, None)


async def test_a_refused_request_is_not_called(world, preparing):
    """There was no room for it in a budget."""
    await world.budget(month_nano=CHARGE)
    with pytest.raises(BudgetExceeded):
        await complete(world, max_output_tokens=4096)
    assert (preparing.prepared[0], called(world)) == (("first", False), [])


async def test_nothing_is_prepared_where_the_answer_is_there_at_once(world, preparing):
    """As of a store that is known to be away: there is no time to be used."""

    async def away(*arguments):
        raise StoreUnavailable("The store is away.")

    world.store.admit = away
    with pytest.raises(StoreUnavailable):
        await complete(world)
    assert preparing.prepared == []


async def test_who_rests_holds_nothing(world, preparing):
    """What it is made of may be megabytes: it is prepared once more when the store is asked again."""
    key = await world.key(limits=Limits(rpm=20))
    for number in range(20):
        await complete(world, f"req_{number}", key=key)
    preparing.prepared.clear()
    world.provider.calls.clear()
    await complete(world, "req_21", key=key)
    (call,) = world.provider.calls
    assert (preparing.prepared, call.prepared) == ([("first", False)], None)


async def test_the_longest_prompts_are_prepared_when_they_may_go_out(world, preparing):
    """They take longer than the store."""
    long = ({"role": "user", "content": "x" * 300 * 1024},)
    await complete(world, messages=long)
    assert (preparing.prepared, called(world)) == ([], ["first"])


async def test_a_caller_who_goes_twice_leaves_a_line(world):
    """The second time nobody waits for the store's answer any more: its hold may be open, and an operator is told."""
    begun = asyncio.Event()

    async def never(*arguments):
        begun.set()
        await asyncio.Event().wait()

    world.store.admit = never
    task = asyncio.create_task(complete(world))
    await begun.wait()
    leave(task)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (line,) = [line for line in world.lines() if line["message"] == "admission lost"]
    assert line["ticket"]["request_id"] == "req_1"
