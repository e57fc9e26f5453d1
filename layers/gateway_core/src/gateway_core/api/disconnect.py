"""Ends the work for a caller who has left: nobody should pay for an answer that nobody reads."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from starlette.requests import Request
from starlette.types import Receive

from gateway_core.domain.errors import CallerGone


async def while_listening[T](request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, which is cancelled, and so settled, when the client disconnects. Raises CallerGone.

    The body must have been read. Where the platform does not tell (Lambda), the work simply runs to its end.
    """
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(left(request.receive))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise CallerGone("The caller left before the answer was there.")
    finally:
        leaving.cancel()
        if not working.done():
            working.cancel()
            await asyncio.wait({working})


async def left(receive: Receive) -> None:
    """Returns when the client has disconnected."""
    while (await receive())["type"] != "http.disconnect":
        pass
