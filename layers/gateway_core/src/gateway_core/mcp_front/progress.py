"""What a client with a progress token hears while a tool works: something every few seconds, and ever more of it.

Clients give up a call of which they hear nothing, many after a minute, and the comments that keep a connection open do
not count. So signs of life go out wherever nothing else does; a client that gave no token hears of nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import anyio
from fastmcp.server.dependencies import get_context

LONGEST_SILENCE_S = 3.0
"""Clients with limits of seconds are rare, but a message costs 150 bytes."""
SHORTEST_SILENCE_S = 1.0
"""Between signs of something that comes in many pieces."""

type Send = Callable[[float, float | None, str | None], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Signs:
    """How a tool says that it goes on: `words` makes a message of the seconds since it began.

    `total` is of what it counts. What counts nothing (`counts` false) tells the seconds.
    """

    words: Callable[[int], str | None] = lambda seconds: f"{seconds} s"
    total: float | None = None
    counts: bool = False


class Progress:
    """Of one call. It grows with each message, so that a sign between two counts adds less than one to the first."""

    def __init__(self, send: Send | None) -> None:
        self.signs = Signs()
        self._send = send
        self._counted: float = 0
        self._between = 0
        self._began_s = self._told_s = asyncio.get_running_loop().time()

    async def tell(self, more: int, message: str) -> None:
        """Of so many more that are done."""
        self._counted += more
        self._between = 0
        await self._out(self._counted, message)

    async def go_on(self) -> None:
        """Tell that something came of which there is nothing to be told, unless something was told just now."""
        if self._between == 0 or self.silent_s() >= SHORTEST_SILENCE_S:
            await self.sign()

    async def sign(self) -> None:
        """Say that the call goes on."""
        seconds = round(asyncio.get_running_loop().time() - self._began_s)
        self._between += 1
        reached = self._counted + self._between / (self._between + 1)
        await self._out(reached if self.signs.counts else seconds, self.signs.words(seconds))

    def silent_s(self) -> float:
        """How long nothing was told."""
        return asyncio.get_running_loop().time() - self._told_s

    async def _out(self, reached: float, message: str | None) -> None:
        self._told_s = asyncio.get_running_loop().time()
        if self._send:
            await self._send(reached, self.signs.total, message)


@asynccontextmanager
async def progress_of_call() -> AsyncIterator[Progress]:
    """The progress of the call that FastMCP runs now, with signs of life until the block ends."""
    context = get_context()
    request = context.request_context
    asked = request is not None and (request.meta or {}).get("progressToken") is not None
    progress = Progress(context.report_progress if asked else None)
    signing = asyncio.create_task(_sign_on(progress)) if asked else None
    try:
        yield progress
    finally:
        if signing:
            signing.cancel()


async def _sign_on(progress: Progress) -> None:
    # Of a client that is gone the call itself will hear.
    with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
        while True:
            wait_s = LONGEST_SILENCE_S - progress.silent_s()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            else:
                await progress.sign()
