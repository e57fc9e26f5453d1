"""Limits on how long something may be waited for, and what goes on when nobody waits for it any more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Generator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Self, cast

_LEFT = "the caller left"
_STOPPED = "the process ends"
_BEHIND: ContextVar[set[asyncio.Task[Any]] | None] = ContextVar("behind", default=None)


def start_eagerly[T](work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """A task that has run up to its first wait already: what never waits is done when this returns.

    Any other task begins a turn of the event loop later, which on a request's way costs more than most of its steps.
    """
    return asyncio.Task(work, loop=asyncio.get_running_loop(), eager_start=True)


class Aside[T]:
    """Work in a task of its own, begun at once, that goes on however often who waits for it is cancelled.

    As `asyncio.shield` and `asyncio.wait` have it, but whoever waits goes on a turn of the event loop earlier: the work
    wakes him as the last thing that it does.
    """

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        self._waiter: asyncio.Future[None] | None = None
        self.task = start_eagerly(self._run(work))

    async def ended(self) -> None:
        """Returns once the work has ended, or after `wake`. For one at a time."""
        if not self.task.done():
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter

    async def result(self) -> T:
        """What the work gives. Raises what it raises."""
        await self.ended()
        return self.task.result()

    def wake(self) -> None:
        """Let go on who waits."""
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)

    async def _run(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return await work
        finally:
            self.wake()


class Begun[T]:
    """Work of the current task that has run up to its first wait already; to be awaited once, by the same task."""

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        self._work = work
        self._step: Callable[[], Any] = partial(work.send, None)
        self._first = self._next()

    def __await__(self) -> Generator[Any, Any, T]:
        signal = self._first
        while not isinstance(signal, _Ended):
            try:
                yield signal
            except BaseException as error:  # noqa: BLE001 - handed on to whom it is meant for
                self._step = partial(self._work.throw, error)
            signal = self._next()
        return cast("T", signal.result())

    def _next(self) -> Any:
        step, self._step = self._step, partial(self._work.send, None)
        try:
            return step()
        except StopIteration as done:
            return _Ended(done.value)
        except BaseException as error:  # noqa: BLE001 - raised where it is awaited
            return _Ended(None, error)


@dataclass(frozen=True, slots=True)
class _Ended:
    value: object
    error: BaseException | None = None

    def result(self) -> object:
        if self.error is not None:
            raise self.error
        return self.value


class Patience:
    """`with patience.until(when_s):` around what is waited for; used again and again, by one task at a time.

    `asyncio.timeout` sets and cancels a timer each time, which costs more than most of what a stream waits for. Here a
    timer that finds nothing overdue is set anew, or left out until somebody waits again.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_s = 0.0
        self._task: asyncio.Task[object] | None = None
        self._until_s = 0.0
        self._cancels = 0
        self.expired = False

    def now_s(self) -> float:
        """The time by which it goes: the event loop's."""
        return self._loop.time()

    def until(self, when_s: float) -> Self:
        """Enter what this returns at once. Raises TimeoutError there once it is `when_s` by the loop's clock."""
        self._until_s = when_s
        return self

    def within(self, seconds: float) -> Self:
        """As `until`, from now on."""
        self._until_s = self._loop.time() + seconds
        return self

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("only a task can wait")
        self._task, self._cancels, self.expired = task, task.cancelling(), False
        if self._timer is None or self._timer_s > self._until_s:
            self._set()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        task, self._task = self._task, None
        if self.expired and task and task.uncancel() <= self._cancels and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def close(self) -> None:
        """Forget the timer."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _set(self) -> None:
        self.close()
        if self._until_s <= self._loop.time():
            self._loop.call_soon(self._due)  # before whatever is ready by then
        else:
            self._timer, self._timer_s = self._loop.call_at(self._until_s, self._due), self._until_s

    def _due(self) -> None:
        self.close()
        if self._task is None or self.expired:  # two may be on their way, of two limits that were over when they began
            return
        if self._loop.time() < self._until_s:
            self._set()
        else:
            self.expired = True
            self._task.cancel()


def leave(task: asyncio.Task[Any]) -> None:
    """Cancel a task because its caller left: whatever `heard_out` waits for within it is waited for first."""
    task.cancel(_LEFT)


def stop(task: asyncio.Task[Any]) -> None:
    """Cancel a task because the process ends: it is to say so to whom it answers, and to end soon."""
    task.cancel(_STOPPED)


def go_behind(task: asyncio.Task[Any]) -> None:
    """A task that may go on by itself: who is around it in `with_all_behind` waits until it has ended."""
    behind = _BEHIND.get()
    if behind is not None:
        behind.add(task)
        task.add_done_callback(behind.discard)


@asynccontextmanager
async def with_all_behind() -> AsyncIterator[Collection[asyncio.Task[Any]]]:
    """Ends once all has that went behind within it, in tasks that were begun there too; gives what is under way."""
    behind: set[asyncio.Task[Any]] = set()
    token = _BEHIND.set(behind)
    try:
        yield behind
    finally:
        _BEHIND.reset(token)
        if behind:
            await asyncio.wait(behind)


def was_left(cancelled: asyncio.CancelledError) -> bool:
    """Whether a task is cancelled because its caller left, and not because the work is to end now."""
    return cancelled.args == (_LEFT,)


def was_stopped(cancelled: asyncio.CancelledError) -> bool:
    """Whether a task is cancelled because the process ends. Who then answers instead has to `calm` it."""
    return cancelled.args == (_STOPPED,)


def calm() -> None:
    """The current task was cancelled, and goes on."""
    if task := asyncio.current_task():
        task.uncancel()


async def stopped_within[T](work: Coroutine[Any, Any, T], begun: Collection[asyncio.Task[Any]]) -> T:
    """The result of `work`. Stopped, it hands that on to the tasks that it has `begun`, whose answers it waits for."""
    task = asyncio.create_task(work)
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as cancelled:
            if not was_stopped(cancelled) or not begun:
                task.cancel(*cancelled.args)
                continue
            calm()
            for one in tuple(begun):
                stop(one)
    return task.result()


async def outlive(task: asyncio.Task[Any]) -> None:
    """Wait until a task has ended, and hand on to it what cancels the one that waits."""
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as cancelled:
            task.cancel(*cancelled.args)


async def heard_out[A](work: Coroutine[Any, Any, A], on_left: Callable[[], None]) -> A:
    """The result of work that has a price: to its end, even if the caller leaves meanwhile, which is noted.

    Any other cancelling ends it.
    """
    aside = Aside(work)
    task = aside.task
    while not task.done():
        try:
            await aside.ended()
        except asyncio.CancelledError as cancelled:
            if not was_left(cancelled) and not task.done():
                task.cancel()
                await outlive(task)
                raise
            on_left()
    return task.result()
