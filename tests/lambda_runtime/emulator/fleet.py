"""Several environments of one function. An event goes to one that is idle, or waits for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from tests.lambda_runtime.emulator.environment import TIMEOUT_S, Environment, Function, deployed
from tests.lambda_runtime.emulator.runtime_api import Item


class Fleet:
    """Implements `invoke` as one environment does, as often at once as there are environments."""

    def __init__(self, environments: list[Environment], *, in_turn: bool = False) -> None:
        self._idle: asyncio.Queue[Environment] = asyncio.Queue() if in_turn else asyncio.LifoQueue()
        for environment in environments:
            self._idle.put_nowait(environment)

    async def invoke(self, event: Any, timeout_s: float = TIMEOUT_S) -> AsyncGenerator[Item]:
        """The answer to an event, part by part."""
        environment = await self._idle.get()
        try:
            async with contextlib.aclosing(environment.invoke(event, timeout_s)) as items:
                async for item in items:
                    yield item
        finally:
            self._idle.put_nowait(environment)


@contextlib.asynccontextmanager
async def deployed_fleet(function: Function, size: int, *, in_turn: bool = False) -> AsyncIterator[Fleet]:
    """Start `size` environments at once. Of those that are idle the last one goes on, or `in_turn` the first."""
    async with contextlib.AsyncExitStack() as stack:
        starts = [stack.enter_async_context(deployed(function)) for _ in range(size)]
        yield Fleet(list(await asyncio.gather(*starts)), in_turn=in_turn)
