"""Slots: who works, who waits, in which order, who is refused, and who gives back what."""

import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.crowd.limiter import REPORT_S, Claim, CrowdLimits, Limiter
from gateway_core.crowd.line import FairLine
from gateway_core.crowd.slot import Slot, back, outside, own_slot, seated, waited
from gateway_core.domain.errors import Overloaded
from tests.virtual_time import run

TWO = CrowdLimits(working=2, waiting=3, patience_s=10)
ALPHA, BETA, STRANGER = Claim("alpha"), Claim("beta"), Claim("alpha", stranger=True)


class Crowd:
    """A limiter, what it told, and who was let in, in order."""

    def __init__(self, limits=TWO):
        self.limits = limits
        self.reports = []
        self.limiter = Limiter(self.reports.append, limits)
        self.entered = []
        self.tasks = []

    def come(self, name, claim=ALPHA, *, patient=False):
        """Somebody comes, and has worked up to the point where it waits."""

        async def enter():
            await self.limiter.enter(claim, self.limits, patient=patient)
            self.entered.append(name)

        self.tasks.append(asyncio.create_task(enter()))
        return self.tasks[-1]

    async def all_come(self, *names, claim=ALPHA):
        """In this order."""
        tasks = [self.come(name, claim) for name in names]
        await settled()
        return tasks

    async def freed(self, times=1, claim=ALPHA):
        """So many slots come back, one after the other."""
        for _ in range(times):
            self.limiter.release(claim)
            await settled()


async def settled():
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.parametrize("line", [["a1", "a2", "a3", "b1", "c1"]])
def test_projects_take_turns(line):
    """One that comes with a crowd has its second turn after everybody else's first."""
    waiting = FairLine()
    for item in line:
        waiting.add(item[0], item)
    assert [waiting.pop() for _ in range(len(waiting))] == ["a1", "b1", "c1", "a2", "a3"]
    with pytest.raises(KeyError):
        waiting.pop()


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.booleans()), max_size=40))
def test_a_line_loses_nobody(coming):
    """Who stays is served once, in the order of its project, and no project twice while another waits."""
    line = FairLine()
    staying = []
    for number, (project, leaves) in enumerate(coming):
        line.add(project, (project, number))
        if leaves:
            line.discard(project, (project, number))
            line.discard(project, (project, number))
        else:
            staying.append((project, number))
    assert len(line) == len(staying)
    served = [line.pop() for _ in staying]
    assert sorted(served) == sorted(staying)
    for project in "abcd":
        assert [item for item in served if item[0] == project] == [item for item in staying if item[0] == project]
    turns = Counter()
    for project, _number in served:
        turns[project] += 1
        others = {other for other, _ in staying} - {project}
        waiting = [other for other in others if turns[other] < sum(of == other for of, _ in staying)]
        assert all(turns[project] - turns[other] <= 1 for other in waiting)


def test_so_many_work_and_the_rest_waits_in_order():
    """And somebody who is done lets in the next."""

    async def scenario():
        crowd = Crowd()
        await crowd.all_come(1, 2, 3, 4)
        assert (crowd.entered, crowd.limiter.working, crowd.limiter.waiting) == ([1, 2], 2, 2)
        await crowd.freed()
        assert crowd.entered == [1, 2, 3]
        await crowd.freed(3)
        assert (crowd.entered, crowd.limiter.working) == ([1, 2, 3, 4], 0)

    run(scenario())


def test_a_crowd_delays_another_project_by_one_turn():
    """However many of it wait."""

    async def scenario():
        crowd = Crowd(CrowdLimits(working=1, waiting=50))
        await crowd.all_come(*range(20))
        await crowd.all_come("single", claim=BETA)
        await crowd.freed(2)
        assert crowd.entered == [0, 1, "single"]

    run(scenario())


def test_too_many_are_refused_at_once():
    """With the time after which to come back, and without a change for who waits."""

    async def scenario():
        crowd = Crowd()
        *_, late = await crowd.all_come(*range(6))
        with pytest.raises(Overloaded) as refused:
            await late
        assert (refused.value.status, refused.value.code, refused.value.retryable) == (503, "overloaded", True)
        assert refused.value.retry_after_s >= 1
        assert refused.value.detail == "2 requests work, 3 wait"
        await crowd.freed(3)
        assert crowd.entered == [0, 1, 2, 3, 4]

    run(scenario())


def test_nobody_waits_longer_than_that():
    """A turn that did not come in time is none; later ones are not affected."""

    async def scenario():
        crowd = Crowd()
        _, _, third = await crowd.all_come(1, 2, 3)
        await asyncio.sleep(9.9)
        (fourth,) = await crowd.all_come(4)
        await asyncio.sleep(0.2)
        with pytest.raises(Overloaded):
            await third
        assert crowd.limiter.waiting == 1
        await crowd.freed()
        await fourth
        assert crowd.entered == [1, 2, 4]

    run(scenario())


def test_without_patience_nobody_waits():
    """`queue_timeout_s: 0`."""

    async def scenario():
        crowd = Crowd(CrowdLimits(working=1, waiting=3, patience_s=0))
        first, second = await crowd.all_come(1, 2)
        await first
        with pytest.raises(Overloaded):
            await second

    run(scenario())


def test_retry_after_is_as_long_as_the_line_takes():
    """Whoever was let in last has waited so long."""

    async def scenario():
        crowd = Crowd()
        await crowd.all_come(1, 2, 3)
        await asyncio.sleep(4)
        await crowd.freed()
        *_, late = await crowd.all_come(4, 5, 6, 7)
        assert late.done()
        with pytest.raises(Overloaded) as refused:
            await late
        assert refused.value.retry_after_s == 4

    run(scenario())


@pytest.mark.parametrize("granted", [False, True])
def test_who_leaves_frees_its_place(granted):
    """While it waits, and in the very moment in which it is let in."""

    async def scenario():
        crowd = Crowd()
        _, _, third, _ = await crowd.all_come(1, 2, 3, 4)
        if granted:
            crowd.limiter.release(ALPHA)
        third.cancel()
        await settled()
        assert third.cancelled()
        await crowd.freed(2 - granted)
        assert crowd.entered == [1, 2, 4]
        assert (crowd.limiter.waiting, crowd.limiter.working) == (0, 1)

    run(scenario())


def test_strangers_have_few_slots():
    """Five in a hundred, one at least: the others are there for those whose key is known, who pass them."""

    async def scenario():
        crowd = Crowd(CrowdLimits(working=40, waiting=100))
        await crowd.all_come(*range(10), claim=STRANGER)
        assert len(crowd.entered) == 2
        crowd.limiter._limits = crowd.limits
        await crowd.all_come(*"known", claim=BETA)
        assert crowd.entered[2:] == list("known")
        await crowd.freed(claim=STRANGER)
        assert crowd.entered[-1] == 2

    run(scenario())


def test_a_stranger_gets_its_turn_beside_a_crowd():
    """And a crowd of strangers leaves every other turn to the known."""

    async def scenario():
        crowd = Crowd(CrowdLimits(working=1, waiting=100))
        await crowd.all_come("first", 1, 2, 3)
        await crowd.all_come("s1", "s2", "s3", claim=STRANGER)
        await crowd.freed()
        await crowd.freed(claim=STRANGER)
        await crowd.freed()
        await crowd.freed(claim=STRANGER)
        assert crowd.entered == ["first", "s1", 1, "s2", 2]

    run(scenario())


def test_a_stranger_that_is_recognised_lets_the_next_try():
    """It keeps its slot."""

    async def scenario():
        crowd = Crowd(CrowdLimits(working=10, waiting=100))
        await crowd.all_come("s1", "s2", claim=STRANGER)
        assert crowd.entered == ["s1"]
        crowd.limiter.recognise()
        await settled()
        assert (crowd.entered, crowd.limiter.working) == (["s1", "s2"], 2)

    run(scenario())


def test_limits_change_while_it_runs():
    """The next request brings them."""

    async def scenario():
        crowd = Crowd()
        await crowd.all_come(1, 2, 3)
        crowd.limits = CrowdLimits(working=3, waiting=3)
        await crowd.all_come(4)
        await crowd.freed()
        assert sorted(crowd.entered) == [1, 2, 3, 4]

    run(scenario())


def test_a_crowd_is_told_of_once_in_a_while():
    """How many waited, how long, and who was refused."""

    async def scenario():
        crowd = Crowd()
        *_, late = await crowd.all_come(*range(6))
        await asyncio.sleep(1.5)
        await crowd.freed(3)
        assert crowd.reports == []
        await asyncio.sleep(REPORT_S)
        (report,) = crowd.reports
        assert (report.waited, report.waited_ms, report.longest_ms, report.refused) == (3, 4500, 1500, 1)
        assert (report.working, report.waiting) == (2, 0)
        assert isinstance(late.exception(), Overloaded)
        await asyncio.sleep(3 * REPORT_S)
        assert len(crowd.reports) == 1

    run(scenario())


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
