"""A whole answer put together from its parts, for tests that look at no single chunk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from gateway_core.lambda_stream import prelude
from tests.lambda_runtime.emulator.runtime_api import Begin, Chunk, End, Failed, Item


@dataclass(frozen=True)
class Answer:
    """What came back for one event. `begin` is None for a function error."""

    begin: Begin | None
    payload: bytes
    last: End | Failed

    @property
    def status(self) -> int:
        """The HTTP status in the prelude."""
        return self._parts[0].status

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The headers in the prelude."""
        return self._parts[0].headers

    @property
    def body(self) -> bytes:
        """What followed the prelude."""
        return self._parts[1]

    @property
    def _parts(self) -> tuple[prelude.Head, bytes]:
        found = prelude.decode(self.payload)
        assert found is not None, self.payload
        return found


async def collect(items: AsyncIterator[Item]) -> Answer:
    """Read an answer to its end."""
    begin: Begin | None = None
    payload = bytearray()
    last: Any = None
    async for item in items:
        match item:
            case Begin():
                begin = item
            case Chunk(data):
                payload += data
            case _:
                last = item
    return Answer(begin, bytes(payload), last)
