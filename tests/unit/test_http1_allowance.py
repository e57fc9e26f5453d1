"""`http1/allowance.py`: the time that the other side has, and none of ours."""

from __future__ import annotations

import asyncio
import time

import pytest

from gateway_core.http1.allowance import Allowance
from tests.virtual_time import VirtualLoop, run


def busy(seconds: float) -> None:
    """The event loop does something else for so long."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    loop._jumping.now_s += seconds


def now_s() -> float:
    return asyncio.get_running_loop().time()


async def forever() -> None:
    await asyncio.Event().wait()


def test_who_does_not_answer_has_the_time_that_was_said():
    """Exactly, where nothing else happens."""

    async def wait() -> float:
        with pytest.raises(TimeoutError), Allowance(8):
            await forever()
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        return now_s()

    assert run(wait()) == pytest.approx(8)


@pytest.mark.parametrize("when_s", [0.0, 0.3, 4.1, 7.99])
def test_what_takes_the_loop_is_not_counted(when_s):
    """Whenever it happens: the other side has its time all the same, but for the rest of one step."""

    async def wait() -> float:
        asyncio.get_running_loop().call_later(when_s, busy, 1000)
        with pytest.raises(TimeoutError), Allowance(8):
            await forever()
        return now_s()

    assert 1000 + 8 - 1 <= run(wait()) <= 1000 + 8 + 1


def test_what_came_while_the_loop_was_busy_counts():
    """Although far more time has passed by then than there was."""

    async def wait() -> str:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[str] = loop.create_future()
        loop.call_later(7.9, busy, 1000)
        loop.call_later(7.9, loop.call_soon, answer.set_result, "there")
        with Allowance(8):
            return await answer

    assert run(wait()) == "there"


def test_what_comes_with_the_last_moment_counts():
    """Whoever is to go on when time runs out, goes on."""

    async def wait() -> str:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[str] = loop.create_future()
        with Allowance(8) as allowance:
            allowance._loop.call_at(now_s() + 8, answer.set_result, "there")
            return await answer

    assert run(wait()) == "there"


def test_a_loop_that_is_always_busy_does_not_wait_for_ever():
    """Each turn counts as if it had been on time, and a few more are given at the end."""

    async def wait() -> int:
        turns = 0

        async def work() -> None:
            nonlocal turns
            while True:
                busy(100)
                turns += 1
                await asyncio.sleep(0)

        other = asyncio.ensure_future(work())
        with pytest.raises(TimeoutError), Allowance(8):
            await forever()
        other.cancel()
        return turns

    assert 16 < run(wait()) < 60


def test_who_is_cancelled_from_outside_has_not_run_out_of_time():
    """A caller who leaves is no timeout."""

    async def wait() -> None:
        with Allowance(8):
            await forever()

    async def leave() -> None:
        waiting = asyncio.ensure_future(wait())
        await asyncio.sleep(1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    run(leave())


def test_what_has_ended_is_not_ended_again():
    """The last step may be due while the answer is being handed on."""

    async def wait() -> None:
        with Allowance(1):
            await asyncio.sleep(0.99)
        await asyncio.sleep(5)

    run(wait())


async def test_only_a_task_can_wait():
    """A callback cannot be ended."""
    raised: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def call() -> None:
        try:
            Allowance(1).__enter__()
        except RuntimeError:
            raised.set_result(True)

    asyncio.get_running_loop().call_soon(call)
    assert await raised


async def test_a_real_loop_that_is_busy():
    """The same by the clock on the wall."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[str] = loop.create_future()

    def work() -> None:
        until_s = time.monotonic() + 0.2
        while time.monotonic() < until_s:
            pass
        loop.call_soon(answer.set_result, "there")

    loop.call_soon(work)
    with Allowance(0.05):
        assert await answer == "there"
