"""Loops of the product that run until they are cancelled, for tests."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Protocol


class Loop(Protocol):
    """What works until it is cancelled."""

    async def run(self) -> None: ...


@contextlib.asynccontextmanager
async def running(loop: Loop) -> AsyncIterator[None]:
    """It runs inside, and has ended afterwards."""
    task = asyncio.create_task(loop.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
