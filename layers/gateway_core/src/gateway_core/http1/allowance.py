"""Time that the other side has to do something: only what it can be blamed for is counted."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

_STEPS = 16
_ON_TIME = 1.5
"""Of a step. What a step takes beyond that, the event loop was busy with something else."""
_EXTRA_STEPS = 8


class Allowance:
    """`with Allowance(seconds):` around what is waited for, in a task. Raises TimeoutError when they are over.

    The time is looked at in steps, and one that ends late counts as if it had been on time: meanwhile the loop could
    not read what had come. Nobody is timed out by a step that was late, unless that goes on and on, and whoever is to
    go on by then, does.
    """

    __slots__ = ("_cancels", "_extra", "_last_s", "_left_s", "_loop", "_step_s", "_task", "_timer", "expired")

    def __init__(self, seconds: float) -> None:
        self._left_s = seconds
        self._step_s = seconds / _STEPS
        self._extra = _EXTRA_STEPS
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[object] | None = None
        self.expired = False

    def __enter__(self) -> Self:
        task = asyncio.current_task(self._loop)
        if task is None:
            raise RuntimeError("only a task can wait")
        self._task, self._cancels = task, task.cancelling()
        self._last_s = self._loop.time()
        self._timer = self._loop.call_at(self._last_s + self._step_s, self._tick)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        task, self._task = self._task, None
        self._timer.cancel()
        if self.expired and task and task.uncancel() <= self._cancels and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _tick(self) -> None:
        now_s = self._loop.time()
        took_s, self._last_s = now_s - self._last_s, now_s
        on_time_s = _ON_TIME * self._step_s
        self._left_s -= min(took_s, on_time_s)
        if self._left_s <= 0 and took_s > on_time_s and self._extra:
            self._extra -= 1
            self._left_s = self._step_s
        if self._left_s > 0:
            self._timer = self._loop.call_at(now_s + min(self._step_s, self._left_s), self._tick)
        else:
            self._loop.call_soon(self._expire)

    def _expire(self) -> None:
        if self._task is not None:
            self.expired = True
            self._task.cancel()
