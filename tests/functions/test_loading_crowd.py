"""Forty at once who need what is not loaded yet: none fails of it, and nobody else waits for it."""

import asyncio

from tests.functions.test_loading import ROUTES, Served

CROWD = 40


@ROUTES
async def test_a_crowd_waits_for_one_loading(world, part, path):
    """Half a minute of loading, and a second each: all have an answer, and whoever needs none of it has it before."""
    go, all_wait, loads = asyncio.Event(), asyncio.Event(), []

    async def load():
        loads.append(1)
        if len(loads) == CROWD:
            all_wait.set()
        await go.wait()

    served = Served(world, part, path, load)
    waiting = [asyncio.create_task(served.ask("first", timeout_s=1)) for _ in range(CROWD)]
    await all_wait.wait()
    others = await asyncio.gather(*(served.ask("second", timeout_s=1) for _ in range(CROWD)))
    assert [answer.status for answer in others] == [200] * CROWD
    assert not any(task.done() for task in waiting)
    world.clock.advance(30)
    go.set()
    answers = await asyncio.gather(*waiting)
    assert [answer.status for answer in answers] == [200] * CROWD
    assert all(b"three" in answer.body and b"deadline_exceeded" not in answer.body for answer in answers)
    assert await world.spent() == (2 * CROWD * 9000, 0)
