"""What a request does with its slot: who gives it back, and what goes on without one."""

import asyncio

import pytest

from gateway_core.crowd.limiter import CrowdLimits, Limiter
from gateway_core.crowd.slot import Slot, back, outside, own_slot, seated, waited
from tests.unit.crowd import ALPHA, BETA, TWO, Crowd, settled
from tests.virtual_time import run


def test_who_waits_for_others_gives_its_slot_back():
    """For as long as that takes; before newcomers it has one again."""

    async def scenario():
        limiter, log = Limiter(lambda _report: None, CrowdLimits(working=1)), []
        answer = asyncio.get_running_loop().create_future()

        async def request(name, work):
            with seated(limiter) as slot:
                await slot.take(ALPHA, CrowdLimits(working=1))
                log.append(name)
                said = await waited(work) if work else None
                log.append((name, said, slot.is_held))
                await asyncio.sleep(1)

        first = asyncio.create_task(request("first", answer))
        await settled()
        others = [asyncio.create_task(request(number, None)) for number in range(2)]
        await settled()
        assert log == ["first", 0, (0, None, True)]
        answer.set_result("said")
        await asyncio.gather(first, *others)
        assert log[3:] == [("first", "said", True), 1, (1, None, True)]
        assert limiter.working == 0

    run(scenario())


def test_what_is_there_at_once_costs_no_turn():
    """A body that has arrived, an answer that needs no waiting."""

    async def scenario():
        limiter = Limiter(lambda _report: None)

        async def there():
            return "there"

        with seated(limiter) as slot:
            await slot.take(ALPHA, TWO)
            assert await outside(there()) == "there"
            assert slot.is_held
            await back()
        assert limiter.working == 0
        assert await waited(there()) == "there"

    run(scenario())


@pytest.mark.parametrize("error", [ValueError, asyncio.CancelledError])
def test_errors_pass(error):
    """Whichever way they come: the slot is out then, and given back for good in the end."""

    async def scenario():
        limiter = Limiter(lambda _report: None)
        broken = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(1, broken.set_exception, error())
        with seated(limiter) as slot:
            await slot.take(ALPHA, TWO)
            with pytest.raises(error):
                await outside(broken)
            assert not slot.is_held
            assert limiter.working == 0
        assert limiter.working == 0

    run(scenario())


def test_work_that_goes_on_in_spite_of_a_cancellation_is_waited_for():
    """What is cancelled may have something to bring to an end."""

    async def scenario():
        async def stubborn():
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                await asyncio.sleep(1)
                return "ended"

        with seated(Limiter(lambda _report: None)) as slot:
            await slot.take(ALPHA, TWO)
            task = asyncio.create_task(outside(stubborn()))
            await settled()
            task.cancel()
            assert await task == "ended"

    run(scenario())


def test_who_is_past_working_needs_no_slot():
    """It goes on when its answer has begun, also if it waits for its slot at that moment."""

    async def scenario():
        limiter = Limiter(lambda _report: None, CrowdLimits(working=1))
        first, second = Slot(limiter), Slot(limiter)
        await first.take(ALPHA, CrowdLimits(working=1))
        first.step_out()
        await second.take(BETA, CrowdLimits(working=1))
        returning = asyncio.create_task(first.back())
        await settled()
        assert not returning.done()
        await first.back()  # another part of the same request: one waits for all
        first.leave()
        await returning
        assert not first.is_held
        await first.back()
        await first.take(ALPHA, TWO)
        assert not first.is_held
        second.leave()
        second.leave()
        assert limiter.working == 0

    run(scenario())


def test_who_leaves_while_it_returns_frees_its_place():
    """The next in line has it."""

    async def scenario():
        crowd = Crowd(CrowdLimits(working=1, waiting=5))
        slot = Slot(crowd.limiter)
        await slot.take(ALPHA, crowd.limits)
        slot.step_out()
        await crowd.all_come(1, 2)
        returning = asyncio.create_task(slot.back())
        await settled()
        returning.cancel()
        await settled()
        assert returning.cancelled()
        await crowd.freed()
        assert crowd.entered == [1, 2]
        slot.leave()
        assert crowd.limiter.working == 1

    run(scenario())


def test_a_request_within_a_request_shares_its_slot():
    """As long as the outer one has it; else it has one of its own from the same limiter."""

    async def scenario():
        limiter, other = Limiter(lambda _report: None, CrowdLimits(working=1)), Limiter(lambda _report: None)
        with seated(limiter) as outer:
            await outer.take(ALPHA, CrowdLimits(working=1))
            with seated(other) as inner:
                await inner.take(ALPHA, TWO)
                assert (inner is outer, limiter.working, other.working) == (True, 1, 0)
            assert limiter.working == 0
            with seated(other) as inner:
                await inner.take(ALPHA, TWO)
                assert (inner is outer, limiter.working, other.working) == (False, 1, 0)
        assert limiter.working == 0

    run(scenario())


def test_parts_of_a_request_have_slots_of_their_own():
    """They wait in their project's line for as long as it takes, whatever else waits."""

    async def scenario():
        limits = CrowdLimits(working=1, waiting=1, patience_s=5)
        limiter, log = Limiter(lambda _report: None, limits), []

        async def part(number):
            async with own_slot():
                log.append(number)
                await asyncio.sleep(4)

        async def request():
            with seated(limiter) as slot:
                await slot.take(ALPHA, limits)
                await outside(asyncio.gather(*map(part, range(5))))

        await request()
        assert log == [0, 1, 2, 3, 4]
        assert limiter.working == 0
        await asyncio.gather(part(5), part(6))  # where there is no request there are no slots

    run(scenario())


def test_a_part_that_is_given_up_leaves_nothing():
    """Cancelled before its turn came."""

    async def scenario():
        limits = CrowdLimits(working=1)
        limiter = Limiter(lambda _report: None, limits)

        async def part():
            async with own_slot():
                raise AssertionError("it was not its turn")

        with seated(limiter) as slot:
            await slot.take(ALPHA, limits)
            task = asyncio.create_task(part())
            await settled()
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()
        assert (limiter.working, limiter.waiting) == (0, 0)

    run(scenario())
