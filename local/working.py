"""Runs a loop beside the stack: what works on jobs, and what settles the backlog."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Protocol

from anyio.from_thread import start_blocking_portal


class Loop(Protocol):
    """Something that runs until it is cancelled, and then ends in order."""

    async def run(self) -> None: ...


@contextlib.contextmanager
def working(loop: Loop) -> Iterator[None]:
    """In a thread of its own; leaving the block ends it, with all that it does at its end."""
    with start_blocking_portal() as portal:
        stop = portal.call(asyncio.Event)
        ended = portal.start_task_soon(_until, stop, loop)
        try:
            yield
        finally:
            portal.call(stop.set)
            ended.result()


async def _until(stop: asyncio.Event, loop: Loop) -> None:
    """Cancelled once, by asyncio: the portal's own cancelling would cut short each step of what has to be written."""
    running = asyncio.create_task(loop.run())
    await asyncio.sleep(0)  # begun, so that it ends in order even if it is stopped at once
    await stop.wait()
    running.cancel()
    await asyncio.wait([running])
