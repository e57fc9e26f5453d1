"""The latest events of this process, for those who watch it live. Other processes have their own."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from gateway_core.events import Event

MOST_KEPT = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """An event with its number; numbers grow by one from 1."""

    number: int
    event: Event


class EventFeed:
    """Implements the port `EventSink`, and tells its readers. What is older than the last `kept` events is forgotten.

    For one event loop.
    """

    def __init__(self, kept: int = MOST_KEPT) -> None:
        self._entries: deque[Entry] = deque(maxlen=kept)
        self._last = 0
        self._waiting: set[asyncio.Event] = set()
        self._is_closed = False

    async def emit(self, events: Sequence[Event]) -> None:
        for event in events:
            self._last += 1
            self._entries.append(Entry(self._last, event))
        self._wake()

    @property
    def entries(self) -> list[Entry]:
        """All that are kept, oldest first."""
        return list(self._entries)

    async def read(self, after: int) -> AsyncGenerator[Entry]:
        """The events behind number `after` as far as they are kept, then each new one, until the feed is closed.

        A reader who is slower than the events come loses the oldest; a gap in the numbers shows it.
        """
        news = asyncio.Event()
        self._waiting.add(news)
        try:
            while not self._is_closed:
                news.clear()
                for entry in [entry for entry in self._entries if entry.number > after]:
                    after = entry.number
                    yield entry
                await news.wait()
        finally:
            self._waiting.discard(news)

    def close(self) -> None:
        """Let every reader end."""
        self._is_closed = True
        self._wake()

    def _wake(self) -> None:
        for news in self._waiting:
            news.set()
