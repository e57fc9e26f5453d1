"""The latest events of this process, for those who watch it live. Other processes have their own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from gateway_core.telemetry.events import Event

MOST_KEPT = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """An event with its number; numbers grow by one from 1."""

    number: int
    event: Event


class EventFeed:
    """Implements the port `EventSink`, and tells its readers. What is older than the last `kept` events is forgotten.

    Any thread may emit, and each event loop may have readers.
    """

    def __init__(self, kept: int = MOST_KEPT) -> None:
        self._entries: deque[Entry] = deque(maxlen=kept)
        self._last = 0
        self._lock = threading.Lock()
        self._readers: set[_Reader] = set()
        self._is_closed = False

    async def emit(self, events: Sequence[Event]) -> None:
        with self._lock:
            for event in events:
                self._keep(Entry(self._last + 1, event))
        self._wake()

    def add(self, entries: Sequence[Entry]) -> None:
        """What others have numbered already, in order."""
        with self._lock:
            for entry in entries:
                self._keep(entry)
        self._wake()

    def _keep(self, entry: Entry) -> None:
        self._last = entry.number
        self._entries.append(entry)

    @property
    def entries(self) -> list[Entry]:
        """All that are kept, oldest first."""
        with self._lock:
            return list(self._entries)

    @property
    def last(self) -> int:
        """The number of the newest event, 0 before the first."""
        return self._last

    async def read(self, after: int) -> AsyncGenerator[Entry]:
        """The events behind number `after` as far as they are kept, then each new one, until the feed is closed.

        A reader who is slower than the events come loses the oldest; a gap in the numbers shows it.
        """
        reader = _Reader(asyncio.get_running_loop(), asyncio.Event())
        self._readers.add(reader)
        try:
            while not self._is_closed:
                reader.news.clear()
                for entry in [entry for entry in self.entries if entry.number > after]:
                    after = entry.number
                    yield entry
                await reader.news.wait()
        finally:
            self._readers.discard(reader)

    def close(self) -> None:
        """Let every reader end."""
        self._is_closed = True
        self._wake()

    def _wake(self) -> None:
        for reader in list(self._readers):
            with contextlib.suppress(RuntimeError):  # its loop has ended
                reader.loop.call_soon_threadsafe(reader.news.set)


@dataclass(frozen=True, slots=True, eq=False)
class _Reader:
    """Who waits for news, and on which loop."""

    loop: asyncio.AbstractEventLoop
    news: asyncio.Event
