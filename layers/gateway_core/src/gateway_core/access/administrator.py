"""What all that an operator does has in common: one store, the time, and the names that there are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile

from gateway_core.access.known_names import KnownNames
from gateway_core.domain.errors import StoreUnavailable
from gateway_core.domain.times import day_key, utc_date
from gateway_core.ports import Clock, OperatorStore

type Line = dict[str, object]
"""An answer, ready to print as JSON."""
SCOPES_AT_ONCE = 1000
MOST_TRIES = 32
"""Of a change that somebody else was faster than. Each time one of theirs was made: of so many at once all are."""
_LONGEST_MS = 10_000
"""Where the store is slow: a function has 29 seconds, and one that it ends cannot say what was done."""
_ASKED_AGAIN = 2


@dataclass(frozen=True, slots=True)
class Administrator:
    """Works on one store. Every method raises StoreUnavailable. Without `names` no right is checked for being there."""

    store: OperatorStore
    clock: Clock
    names: KnownNames | None = None

    def today(self) -> str:
        """The UTC day, `20261120`."""
        return day_key(utc_date(self.clock.now_ms()))

    def tries(self) -> Iterator[int]:
        """One for each time that a change may be tried which somebody else was faster than."""
        ends_ms = self.clock.now_ms() + _LONGEST_MS
        return takewhile(lambda number: not number or self.clock.now_ms() < ends_ms, range(MOST_TRIES))


async def insisted[T](ask: Callable[[], Awaitable[T]]) -> T:
    """What may be asked again is, where the store gave no answer: it may have done it, and nobody else would know."""
    for _ in range(_ASKED_AGAIN):
        with suppress(StoreUnavailable):
            return await ask()
    return await ask()
