"""`http1.connection.Turn`: a task goes on within the callback that lets it, never inside another, and is cancelled."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar

import pytest

from gateway_core.http1.connection import Turn

WHERE: ContextVar[str] = ContextVar("WHERE", default="outside")


async def begun(turn: Turn, said: list[str]) -> asyncio.Task[None]:
    """A task that waits for the turn, and says where it goes on."""

    async def wait() -> None:
        WHERE.set("in the task")
        await turn
        said.append(WHERE.get())

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    return task


async def test_a_task_goes_on_within_the_callback() -> None:
    """In its own context; to be let go once more changes nothing."""
    loop, said = asyncio.get_running_loop(), list[str]()
    turn = Turn(loop)
    task = await begun(turn, said)

    def call() -> None:
        turn.go()
        said.append("the callback goes on")
        turn.go()

    loop.call_soon(call)
    await task
    assert said == ["in the task", "the callback goes on"]


async def test_no_task_runs_inside_another_one() -> None:
    """Let go by a running task, it goes on in the next turn of the loop."""
    said: list[str] = []
    turn = Turn(asyncio.get_running_loop())
    task = await begun(turn, said)
    turn.go()
    assert said == []
    await task
    assert said == ["in the task"]


async def test_who_comes_late_does_not_wait() -> None:
    """Neither does who is let go before it waits, and nobody has to."""
    turn = Turn(asyncio.get_running_loop())
    turn.go()
    await turn
    assert not turn.cancel()


async def test_a_cancelled_task_hears_why() -> None:
    """The word of who cancelled it comes along, and what comes after it wakes nobody."""
    said: list[str] = []
    turn = Turn(asyncio.get_running_loop())
    task = await begun(turn, said)
    task.cancel("the caller left")
    turn.go()
    with pytest.raises(asyncio.CancelledError, match="the caller left"):
        await task
    assert said == []
    again = Turn(asyncio.get_running_loop())
    task = await begun(again, said)
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as raised:
        await task
    assert raised.value.args == ()


async def test_a_limit_ends_the_wait() -> None:
    """That of asyncio, to all of which it is a future."""
    turn = Turn(asyncio.get_running_loop())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await turn
    assert asyncio.isfuture(turn)
