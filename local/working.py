"""Works on jobs while the stack runs, as Lambda's durable functions do on AWS."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

from anyio.from_thread import start_blocking_portal

from gateway_core.triggers.job_loop import JobLoop


@contextlib.contextmanager
def working(loop: JobLoop) -> Iterator[None]:
    """In a thread of its own; leaving the block ends it, and what is known of each job is written."""
    with start_blocking_portal() as portal:
        stop = portal.call(asyncio.Event)
        ended = portal.start_task_soon(_until, stop, loop)
        try:
            yield
        finally:
            portal.call(stop.set)
            ended.result()


async def _until(stop: asyncio.Event, loop: JobLoop) -> None:
    """Cancelled once, by asyncio: the portal's own cancelling would cut short each step of what has to be written."""
    running = asyncio.create_task(loop.run())
    await stop.wait()
    running.cancel()
    await asyncio.wait([running])
