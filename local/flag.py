"""What a signal's handler may set while its own thread waits for it.

`threading.Event` may not be. Who waits holds its lock for a moment, and a handler that runs in that moment waits for
itself; and a signal that comes just before a thread blocks is not handled before it wakes up. `queue.SimpleQueue` holds
no lock that a handler could need: https://docs.python.org/3/library/queue.html#queue.SimpleQueue.put
"""

from __future__ import annotations

import time
from contextlib import suppress
from queue import Empty, SimpleQueue

_LOOK_S = 0.5
"""How long a signal may go unheard."""


class Flag:
    """Set once, by any thread or handler; whoever waits then goes on, now or later."""

    def __init__(self) -> None:
        self._is_set = False
        self._woken = SimpleQueue[None]()

    def set(self) -> None:
        self._is_set = True
        self._woken.put(None)

    def is_set(self) -> bool:
        return self._is_set

    def wait(self, timeout_s: float = float("inf")) -> bool:
        """Whether it is set, at the latest after so many seconds."""
        end_s = time.monotonic() + timeout_s
        while not self._is_set and (left_s := end_s - time.monotonic()) > 0:
            with suppress(Empty):
                self._woken.get(timeout=min(left_s, _LOOK_S))
                self._woken.put(None)  # for who else waits
        return self._is_set
