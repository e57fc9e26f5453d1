"""Equal requests at once: one asks, the others have its answer by rights of their own."""

import asyncio

import pytest

from gateway_core.domain.answer import Chunk, ProviderAnswer, Usage
from gateway_core.domain.caller import Limits
from gateway_core.domain.errors import BudgetExceeded, DeadlineExceeded, RateLimited, Unauthenticated
from gateway_core.domain.provider_errors import ProviderRejected
from tests.caching import COST_NANO, Gate, Outage, request, settled


async def test_equal_requests_at_once_share_one_call(world, callers):
    """One pays, the others are hits, with rights and places of their own."""
    rich, poor = await callers.caller(), await callers.caller(limits=Limits(day_nano=1))
    gate = Gate(world)
    tasks = [asyncio.create_task(callers.ask(who)) for who in (rich, poor, rich, poor)]
    await settled(tasks)
    assert gate.waiting == 1
    gate.open.set()
    answers = await asyncio.gather(*tasks)
    assert [done.cached for done in answers] == [False, True, True, True]
    assert len({done.answer for done in answers}) == 1
    assert await world.spent() == (COST_NANO, 0)
    assert [record.cache_hit for record in await world.records()].count(True) == 3
    assert len(world.services.gateway._flights) == 0


async def test_a_follower_is_held_to_its_own_rights_and_places(world, callers):
    """Revoked while it waited, or out of its requests a minute: the answer is not for it."""
    leader, revoked, busy = await callers.caller(), await callers.caller(), await callers.caller(limits=Limits(rpm=1))
    await callers.ask(busy, request(max_output_tokens=5))
    gate = Gate(world)
    tasks = [asyncio.create_task(callers.ask(who)) for who in (leader, revoked, busy)]
    await settled(tasks)
    await world.store.revoke_key(revoked.key_id, now_ms=world.clock.now_ms())
    gate.open.set()
    done, refused, limited = await asyncio.gather(*tasks, return_exceptions=True)
    assert not done.cached
    assert isinstance(refused, Unauthenticated)
    assert isinstance(limited, RateLimited)


async def test_a_leaders_failure_is_its_own(world, callers, caller):
    """Its followers try themselves, one at a time."""
    gate = Gate(world)
    gate.errors = [ProviderRejected("no")]
    tasks = [asyncio.create_task(callers.ask(caller)) for _ in range(3)]
    await settled(tasks)
    assert gate.waiting == 1
    gate.open.set()
    failed, second, third = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(failed, ProviderRejected)
    assert [second.cached, third.cached] == [False, True]
    assert gate.waiting == 2


async def test_a_leader_without_money_hands_over(world, callers):
    """Who can pay asks."""
    poor, rich = await callers.caller(limits=Limits(day_nano=1)), await callers.caller()
    refused, done = await asyncio.gather(callers.ask(poor), callers.ask(rich), return_exceptions=True)
    assert isinstance(refused, BudgetExceeded)
    assert not done.cached
    assert (await callers.ask(poor)).cached


async def test_a_leader_who_leaves_hands_over(world, callers, caller):
    """The next one asks, with what is left of its own time."""
    gate = Gate(world)
    tasks = [asyncio.create_task(callers.ask(caller, timeout_s=90)) for _ in range(3)]
    await settled(tasks)
    world.clock.advance(30)
    tasks[0].cancel()
    await settled(tasks)
    assert gate.waiting == 2
    gate.open.set()
    _left, second, third = await asyncio.gather(*tasks, return_exceptions=True)
    assert [second.cached, third.cached] == [False, True]
    assert world.provider.calls[-1].timeout_s <= 60


async def test_a_follower_waits_within_its_own_deadline(world, callers, caller):
    """However long the leader has."""
    gate = Gate(world)
    leader = asyncio.create_task(callers.ask(caller))
    await settled([leader])
    with pytest.raises(DeadlineExceeded):
        await callers.ask(caller, timeout_s=0)
    gate.open.set()
    assert not (await leader).cached


async def test_an_answer_that_is_not_shared_lets_all_ask_at_once(world, callers, caller):
    """One that is not whole: its followers do not queue up for each other."""
    world.behave["first"] = lambda _call: ProviderAnswer("hi", (), "length", Usage(3, 1))
    gate = Gate(world)
    tasks = [asyncio.create_task(callers.ask(caller)) for _ in range(4)]
    await settled(tasks)
    assert gate.waiting == 1
    gate.open.set()
    await tasks[0]
    gate.open.clear()
    await settled(tasks)
    assert gate.waiting == 4
    gate.open.set()
    assert not any(done.cached for done in await asyncio.gather(*tasks))


async def test_what_cannot_be_kept_is_shared_all_the_same(world, callers, caller):
    """The followers have it from the leader, not from the store."""
    Outage(world.store, "keep")
    gate = Gate(world)
    tasks = [asyncio.create_task(callers.ask(caller)) for _ in range(3)]
    await settled(tasks)
    gate.open.set()
    assert [done.cached for done in await asyncio.gather(*tasks)] == [False, True, True]
    assert gate.waiting == 1


async def test_a_follower_that_does_not_accept_asks_for_itself(world, callers, caller):
    """Its validator decides, not the leader's."""
    gate = Gate(world)
    leader = asyncio.create_task(callers.ask(caller))
    await settled([leader])
    follower = asyncio.create_task(callers.ask(caller, accept=lambda _answer: False))
    await settled([follower])
    gate.open.set()
    assert not (await follower).cached
    assert not (await leader).cached
    assert gate.waiting == 2


async def test_without_the_store_equal_requests_do_not_wait_for_each_other(world, callers, caller):
    """Nobody could tell whether they may have each other's answer."""
    await callers.ask(caller, request(cache=False))
    Outage(world.store, "look_up", "keep", "admit", "settle")
    gate = Gate(world)
    tasks = [asyncio.create_task(callers.ask(caller)) for _ in range(3)]
    await settled(tasks)
    assert gate.waiting == 3
    gate.open.set()
    assert {done.degraded for done in await asyncio.gather(*tasks)} == {True}


async def test_a_stream_that_is_left_is_not_kept_and_hands_over(world, callers, caller):
    """Half an answer is nobody's."""
    stream = world.services.gateway.stream(request(), caller, "req_s", timeout_s=60)
    await anext(stream)
    assert isinstance(await anext(stream), Chunk)
    follower = asyncio.create_task(callers.ask(caller))
    assert await settled([follower]) == [False]
    await stream.aclose()
    assert not (await follower).cached
