"""Time of an event loop that is the test's own: a deadline passes when the test says so, however busy the machine is.

`tests/virtual_time.py` has a loop for those who reach nobody outside of it. Here time stands still meanwhile, and what
comes over real connections is waited for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

_ROUNDS = 50
"""Of the loop, for what is due to have its effect: a cancellation goes through many hands."""


class LoopTime:
    """Stands still until somebody lets it pass."""

    def __init__(self, now_s: float) -> None:
        self.now_s = now_s

    async def passes(self, seconds: float, steps: int = 1) -> None:
        """What is due by then, and at the end of each step on the way, has begun when this returns."""
        for _ in range(steps):
            self.now_s += seconds / steps
            for _ in range(_ROUNDS):
                await asyncio.sleep(0)


@contextmanager
def loop_time() -> Iterator[LoopTime]:
    """The running loop's time within the block."""
    loop = asyncio.get_running_loop()
    time = LoopTime(loop.time())
    loop.time = lambda: time.now_s
    try:
        yield time
    finally:
        loop.__dict__.pop("time", None)


async def ends_after[T](
    seconds: float, work: Coroutine[Any, Any, T], is_waiting: Coroutine[Any, Any, object], steps: int = 1
) -> T:
    """What comes of `work` that waits for nothing but the end of `seconds`: it is over then, and not sooner.

    `is_waiting` returns once that is all it waits for. The time passes in so many `steps`.
    """
    with loop_time() as time:
        task = asyncio.ensure_future(work)
        try:
            await is_waiting
            await time.passes(seconds - 0.01, steps)
            assert not task.done(), "it did not wait so long"
            await time.passes(0.02)
            return await task
        finally:
            task.cancel()
