"""One of several workers does what only one may do, until it ends; then another one does."""

from __future__ import annotations

import contextlib
import fcntl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import IO, Any


@contextlib.contextmanager
def elected(lock: IO[Any], begin: Callable[[ExitStack], None]) -> Iterator[None]:
    """Within the block, `begin` is called in a thread once the lock is this process's; what it enters ends with it.

    The lock is of the file and the process: it must have been opened before the processes parted, or by each.
    """
    closing = threading.Event()
    turn = threading.Lock()
    with ExitStack() as entered:

        def wait() -> None:
            fcntl.lockf(lock, fcntl.LOCK_EX)
            with turn:
                if not closing.is_set():
                    begin(entered)

        threading.Thread(target=wait, daemon=True, name="election").start()
        try:
            yield
        finally:
            closing.set()
            turn.acquire()  # who has begun to begin comes to its end
            turn.release()
