"""stdin and stdout for a protocol alone: whatever else is printed goes to stderr, and a signal ends the input."""

from __future__ import annotations

import io
import os
import select
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, TextIO, cast, override

_PART = 65_536


class _Stream(io.TextIOBase):
    """A standard stream whose bytes (`buffer`) are the protocol's; text that is written goes to stderr."""

    def __init__(self, buffer: BinaryIO) -> None:
        super().__init__()
        self.buffer = buffer

    @override
    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    @override
    def flush(self) -> None:
        sys.stderr.flush()


@contextmanager
def protocol_streams() -> Iterator[None]:
    """Within the block, `sys.stdin.buffer` and `sys.stdout.buffer` are the client's, and nothing else is.

    Children inherit stderr as their stdout. SIGINT and SIGTERM end the input, as a client does that goes: a read that
    waits for it could not be interrupted otherwise.
    """
    told, tell = os.pipe()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _signal, _frame: _wake(tell))
    source, copy = os.dup(0), os.pipe()
    threading.Thread(target=_pump, args=(source, copy[1], told), daemon=True, name="stdin").start()
    own_in, own_out = sys.stdin, sys.stdout
    own_out.flush()
    with os.fdopen(copy[0], "rb") as incoming, os.fdopen(os.dup(1), "wb") as outgoing:
        os.dup2(2, 1)
        sys.stdin, sys.stdout = cast("TextIO", _Stream(incoming)), cast("TextIO", _Stream(outgoing))
        try:
            yield
        finally:
            sys.stdin, sys.stdout = own_in, own_out


def _wake(tell: int) -> None:
    os.write(tell, b"!")


def _pump(source: int, sink: int, told: int) -> None:
    """Copy until the source ends or somebody tells us to stop."""
    with os.fdopen(sink, "wb", buffering=0) as copy:
        while told not in (ready := select.select([source, told], [], [])[0]):
            if ready and not (part := os.read(source, _PART)):
                return
            try:
                copy.write(part)
            except BrokenPipeError:  # nobody reads any more
                return
