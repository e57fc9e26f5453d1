"""A deadline around a call of a function, as the error that the port `Invoker` promises."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway_core.domain.errors import DeadlineExceeded


@asynccontextmanager
async def within(seconds: float, function: str) -> AsyncIterator[None]:
    """Raises DeadlineExceeded when the block takes longer; a TimeoutError of the block's own stays what it is."""
    deadline = asyncio.timeout(seconds)
    try:
        async with deadline:
            yield
    except TimeoutError:
        if not deadline.expired():
            raise
        raise DeadlineExceeded(f"There was no answer within {seconds:g} s.", detail=function) from None
