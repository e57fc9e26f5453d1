"""What all that an operator does has in common: one store, the time, and the names that there are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from gateway_core.access.known_names import KnownNames
from gateway_core.domain.errors import StoreUnavailable
from gateway_core.domain.times import day_key, utc_date
from gateway_core.ports import Clock, OperatorStore

type Line = dict[str, object]
"""An answer, ready to print as JSON."""
SCOPES_AT_ONCE = 1000
MOST_TRIES = 8
"""Of a change that somebody else was faster than, each time."""


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


async def insisted[T](ask: Callable[[], Awaitable[T]]) -> T:
    """What may be asked again is, where the store gave no answer: it may have done it, and nobody else would know."""
    for _ in range(_ASKED_AGAIN):
        with suppress(StoreUnavailable):
            return await ask()
    return await ask()
