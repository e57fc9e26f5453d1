"""So many at once, the others in the order in which they came."""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType

from gateway_core.http1.errors import LineTimeout


class Line:
    """`async with line:` around what only `places` may do at once; None is as many as want to."""

    def __init__(self, places: int | None) -> None:
        self._free = places
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __aenter__(self) -> None:
        """Raises LineTimeout, see `send_home`."""
        if self._free is None:
            return
        if self._free:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._leave()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._leave()

    def send_home(self) -> None:
        """Whoever waits now will not have their turn."""
        while self._waiting:
            if not (turn := self._waiting.popleft()).done():
                turn.set_exception(LineTimeout("no connection was free"))

    def _leave(self) -> None:
        if self._free is None:
            return
        while self._waiting:
            if not (turn := self._waiting.popleft()).done():
                turn.set_result(None)
                return
        self._free += 1
