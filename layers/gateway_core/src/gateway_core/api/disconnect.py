"""What becomes of the work for a caller who has left."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from starlette.requests import Request
from starlette.types import Receive

from gateway_core.domain.errors import CallerGone
from gateway_core.waiting import Aside, leave, outlive


async def while_listening[T](request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`. Raises CallerGone once the client has disconnected and the work has ended.

    A provider's call that is under way then is read to its end, as it is billed whether or not somebody waits; nothing
    further is begun. The request counts as open until then. The body must have been read. Where the platform does not
    tell (Lambda), the work simply runs to its end.
    """
    aside = Aside(work)
    working = aside.task
    if working.done():
        return working.result()
    leaving = asyncio.ensure_future(left(request.receive))
    leaving.add_done_callback(lambda _: aside.wake())
    try:
        await aside.ended()
        if working.done():
            return working.result()
        leave(working)
        await outlive(working)
        raise CallerGone("The caller left before the answer was there.")
    except asyncio.CancelledError as cancelled:
        working.cancel(*cancelled.args)
        await outlive(working)
        raise
    finally:
        leaving.cancel()


async def left(receive: Receive) -> None:
    """Returns when the client has disconnected."""
    while (await receive())["type"] != "http.disconnect":
        pass
