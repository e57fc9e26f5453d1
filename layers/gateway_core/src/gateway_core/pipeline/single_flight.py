"""Equal questions at once, within one process: one asks, the others wait for what comes of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from gateway_core.domain.errors import DeadlineExceeded
from gateway_core.store.kept_answers import KeptAnswer

_LATE = "An equal request did not answer before this one's deadline. Raise timeout_s or try again."


@dataclass(slots=True)
class _Flight:
    """One question that is being asked. Whoever holds `lock` asks; `landed` once the others need not wait any more."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    travellers: int = 0
    landed: bool = False
    answer: KeptAnswer | None = None


class Turn:
    """What one of several equal requests is to do now. End it in any case.

    It `leads`: it asks, and hands over to the next one if it ends without having landed. Else it has the `answer` of
    the one that led, or None where that answer is nobody else's: then it asks for itself alone.
    """

    def __init__(self, flights: SingleFlight, key: str, flight: _Flight, *, leads: bool) -> None:
        self._flights = flights
        self._key = key
        self._flight = flight
        self._holds = self.leads = leads
        self._ended = False
        self.answer = None if leads else flight.answer

    def land(self, answer: KeptAnswer | None) -> None:
        """Let all that wait go on: with this answer, or each for itself. Without effect on who does not lead."""
        if self._holds:
            self._flight.landed, self._flight.answer = True, answer
            self._flights.forget(self._key, self._flight)
            self._release()

    def end(self) -> None:
        """Nothing more comes of it."""
        if not self._ended:
            self._ended = True
            self._release()
            self._flights.leave(self._key, self._flight)

    def _release(self) -> None:
        if self._holds:
            self._holds = False
            self._flight.lock.release()


class SingleFlight:
    """The questions that are being asked. One that fails is no answer: those that wait then try, one at a time."""

    def __init__(self) -> None:
        self._flights: dict[str, _Flight] = {}

    async def join(self, key: str, left_s: float) -> Turn:
        """The turn of one more request with this key, after those before it. Raises DeadlineExceeded."""
        flight = self._flights.setdefault(key, _Flight())
        flight.travellers += 1
        try:
            async with asyncio.timeout(max(0.0, left_s)):
                await flight.lock.acquire()
        except BaseException as error:
            self.leave(key, flight)
            if isinstance(error, TimeoutError):
                raise DeadlineExceeded(_LATE) from None
            raise
        if flight.landed:
            flight.lock.release()
        return Turn(self, key, flight, leads=not flight.landed)

    def leave(self, key: str, flight: _Flight) -> None:
        """One request less."""
        flight.travellers -= 1
        if not flight.travellers:
            self.forget(key, flight)

    def forget(self, key: str, flight: _Flight) -> None:
        """Who comes from here on asks anew."""
        if self._flights.get(key) is flight:
            del self._flights[key]

    def __len__(self) -> int:
        return len(self._flights)
