"""`waiting`: one timer for all that is waited for in turn; what is heard out for a caller who left."""

from __future__ import annotations

import asyncio

import pytest

from gateway_core.waiting import Patience, heard_out, leave, outlive, stop, stopped_within, was_left, was_stopped


async def wait(patience: Patience, for_s: float, step: asyncio.Future[None] | None = None) -> None:
    with patience.until(patience.now_s() + for_s):
        await (step or asyncio.Event().wait())


async def test_what_takes_too_long_is_ended() -> None:
    """By a TimeoutError, as often as it happens; the task itself goes on."""
    patience = Patience()
    for _ in range(2):
        with pytest.raises(TimeoutError):
            await wait(patience, 0.01)
        assert patience.expired
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_what_is_there_in_time_is_not() -> None:
    """Nor is anything ended that nobody waits for when the timer is due."""
    patience = Patience()
    await wait(patience, 0.01, asyncio.ensure_future(asyncio.sleep(0)))
    await asyncio.sleep(0.03)
    assert not patience.expired


async def test_each_wait_has_its_own_limit() -> None:
    """The timer of an earlier wait is set anew for a later one, and an earlier limit is kept."""
    patience = Patience()
    await wait(patience, 0.02, asyncio.ensure_future(asyncio.sleep(0)))
    await wait(patience, 10, asyncio.ensure_future(asyncio.sleep(0.04)))
    with pytest.raises(TimeoutError):
        await wait(patience, 0.01)


async def test_what_is_overdue_gets_no_time() -> None:
    """Not even that of one turn of the event loop."""
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    patience = Patience()
    with pytest.raises(TimeoutError), patience.until(patience.now_s() - 1):
        await turn()
    assert turns <= 1


async def test_two_that_are_overdue_end_one_wait_once() -> None:
    """The first had what it waited for at once, so that its end comes when the second waits."""
    patience = Patience()
    with patience.until(patience.now_s() - 1):
        pass
    with pytest.raises(TimeoutError):
        await wait(patience, -1)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_who_is_cancelled_from_outside_has_not_run_out_of_time() -> None:
    """A caller who leaves is no timeout."""
    patience = Patience()
    waiting = asyncio.ensure_future(wait(patience, 10))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not patience.expired


async def test_an_error_of_its_own_stays_one() -> None:
    """Also one that is raised as time runs out."""

    async def fails() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise ValueError("its own") from None

    patience = Patience()
    with pytest.raises(ValueError, match="its own"), patience.until(patience.now_s() + 0.01):
        await fails()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_only_a_task_can_wait() -> None:
    """A callback cannot be ended."""
    patience = Patience()
    raised: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def call() -> None:
        try:
            patience.until(0).__enter__()
        except RuntimeError:
            raised.set_result(True)

    asyncio.get_running_loop().call_soon(call)
    assert await raised


async def test_one_that_is_closed_leaves_no_timer() -> None:
    """What it refers to may be large."""
    patience = Patience()
    await wait(patience, 3600, asyncio.ensure_future(asyncio.sleep(0)))
    patience.close()
    patience.close()
    assert patience._timer is None


class Work:
    """Something with a price: it takes until it is let go, and notes whether it came to its end."""

    def __init__(self) -> None:
        self.go, self.ends, self.notes = asyncio.Event(), list[str](), list[str]()

    async def run(self) -> str:
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.ends.append("cut")
            raise
        self.ends.append("whole")
        return "bill"

    async def fail(self) -> str:
        await self.go.wait()
        raise ValueError("broken")

    def note(self) -> None:
        self.notes.append("left")


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_work_is_heard_out_when_its_caller_leaves() -> None:
    """However often that is told; the result is there for who settles it."""
    work = Work()
    task = asyncio.create_task(heard_out(work.run(), work.note))
    for _ in range(2):
        await turns()
        leave(task)
    await turns()
    assert not task.done()
    work.go.set()
    assert await task == "bill"
    assert (work.ends, work.notes) == (["whole"], ["left", "left"])


async def test_any_other_cancelling_ends_it() -> None:
    """Before and after its caller has left."""
    for has_left in (False, True):
        work = Work()
        task = asyncio.create_task(heard_out(work.run(), work.note))
        await turns()
        if has_left:
            leave(task)
            await turns()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert work.ends == ["cut"]


async def test_a_result_that_is_there_already_is_not_lost() -> None:
    """Whatever cancels at that very moment."""
    work = Work()
    task = asyncio.create_task(heard_out(work.run(), work.note))
    await asyncio.sleep(0)
    work.go.set()
    await asyncio.sleep(0)
    task.cancel()
    assert await task == "bill"
    assert work.notes == ["left"]


async def test_its_error_is_its_result() -> None:
    """Left or not."""
    work = Work()
    task = asyncio.create_task(heard_out(work.fail(), work.note))
    await turns()
    leave(task)
    work.go.set()
    with pytest.raises(ValueError, match="broken"):
        await task


async def test_who_outlives_a_task_hands_on_what_cancels_it() -> None:
    """With its reason."""
    reasons = list[bool]()

    async def inner() -> None:
        for _ in range(2):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError as cancelled:
                reasons.append(was_left(cancelled))

    task = asyncio.create_task(inner())
    outer = asyncio.create_task(outlive(task))
    await turns()
    leave(outer)
    await turns()
    outer.cancel()
    await outer
    assert (reasons, task.done()) == ([True, False], True)


@pytest.mark.parametrize("has_begun", [True, False])
async def test_whoever_is_stopped_hands_it_on(has_begun: bool) -> None:
    """To what was begun within, whose end is waited for; where there is nothing, the work itself is stopped."""
    told: list[str] = []

    async def told_of_it(name: str) -> None:
        nonlocal told
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as cancelled:
            told += [name] * was_stopped(cancelled)

    begun = [asyncio.create_task(told_of_it("begun"))] if has_begun else []
    work = asyncio.wait(begun) if has_begun else told_of_it("work")
    task = asyncio.create_task(stopped_within(work, begun))
    await asyncio.sleep(0.01)
    stop(task)
    await task
    assert told == (["begun"] if has_begun else ["work"])
