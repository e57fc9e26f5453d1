"""`python -m local` by a clock that a test moves on: CLOCK names a file of eight bytes with how many seconds."""

from __future__ import annotations

import mmap
import os
import struct
import sys
from pathlib import Path
from typing import override
from unittest import mock

from gateway_core import bootstrap
from gateway_core.adapters.clock import SystemClock

_SECONDS = struct.Struct("d")


class MovedClock(SystemClock):
    """The machine's time, and what was added to it."""

    def __init__(self, path: str) -> None:
        super().__init__()
        with Path(path).open("rb") as file:
            self._added = mmap.mmap(file.fileno(), _SECONDS.size, prot=mmap.PROT_READ)

    @override
    def now_ms(self) -> int:
        return super().now_ms() + round(1000 * self._added_s)

    @override
    def monotonic_s(self) -> float:
        return super().monotonic_s() + self._added_s

    @property
    def _added_s(self) -> float:
        seconds: float = _SECONDS.unpack_from(self._added)[0]
        return seconds


class Mover:
    """The other end."""

    def __init__(self, path: Path) -> None:
        self.environ = {"CLOCK": str(path)}
        self._path = path
        self._added_s = 0.0
        self.passes(0)

    def passes(self, seconds: float) -> None:
        """So much time goes by for the stack."""
        self._added_s += seconds
        with self._path.open("r+b" if self._path.exists() else "wb") as file:  # in place: it is mapped
            file.write(_SECONDS.pack(self._added_s))


if __name__ == "__main__":
    from local.__main__ import main

    # The composition root takes the machine's clock; all else is wired as it is in production.
    with mock.patch.object(bootstrap, "SystemClock", return_value=MovedClock(os.environ["CLOCK"])):
        sys.exit(main())
