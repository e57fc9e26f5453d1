"""Gathers a stream's pieces into progress messages: a client is told at most some times a second. Pure."""

from __future__ import annotations

import math

MOST_CHARACTERS = 200
LONGEST_WAIT_S = 0.15


class Deltas:
    """Holds text until there is enough of it, or until it has waited long enough."""

    def __init__(self) -> None:
        self._held: list[str] = []
        self._size = 0
        self._told_s = -math.inf

    def push(self, text: str, now_s: float) -> str:
        """The text to tell now, which is empty for most pieces. The first piece goes out at once."""
        self._held.append(text)
        self._size += len(text)
        if self._size < MOST_CHARACTERS and now_s - self._told_s < LONGEST_WAIT_S:
            return ""
        self._told_s = now_s
        return self.flush()

    def flush(self) -> str:
        """Everything that is held."""
        text, self._held, self._size = "".join(self._held), [], 0
        return text
