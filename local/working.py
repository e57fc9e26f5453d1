"""Works on jobs while the stack runs, as Lambda's durable functions do on AWS."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from anyio.from_thread import start_blocking_portal

from gateway_core.triggers.job_loop import JobLoop


@contextlib.contextmanager
def working(loop: JobLoop) -> Iterator[None]:
    """In a thread of its own; leaving the block ends it, and what is known of each job is written."""
    with start_blocking_portal() as portal:
        task = portal.start_task_soon(loop.run)
        try:
            yield
        finally:
            task.cancel()
