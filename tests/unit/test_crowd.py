"""Slots: who works, who waits, in which order, and who is refused."""

import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.crowd.limiter import REPORT_S, CrowdLimits
from gateway_core.crowd.line import FairLine
from gateway_core.domain.errors import Overloaded
from tests.unit.crowd import ALPHA, BETA, STRANGER, Crowd, settled
from tests.virtual_time import run


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
