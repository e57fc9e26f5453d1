"""Which versions of a function can go, and which one is the way back. Pure: what there is comes as a value.

An alias does not tell since when it names a version, but a version tells when it was published. So nothing goes until
the one in service has been there for longer than anything can run that began before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

MARGIN = timedelta(hours=1)
"""From a version's publication until the alias names it alone: it is looked at, and has its canary."""


@dataclass(frozen=True, slots=True)
class Function:
    """What Lambda knows of one. `live` is the version that the alias names, `beside` those that it shares calls with.

    `published` has every version's time by its number, `longest` is for how long an invocation or execution may run.
    `held` are those that CloudFormation has in the stack: it goes back to them when an update fails.
    """

    name: str
    live: int
    published: Mapping[int, datetime]
    longest: timedelta
    beside: frozenset[int] = frozenset()
    held: frozenset[int] = frozenset()

    @property
    def before(self) -> tuple[int, ...]:
        """What was there before, the latest first."""
        return tuple(sorted((number for number in self._others if number < self.live), reverse=True))

    @property
    def taken_back(self) -> tuple[int, ...]:
        """What is newer than what is in service: it failed, or somebody went back."""
        return tuple(sorted(number for number in self._others if number > self.live))

    @property
    def _others(self) -> set[int]:
        return set(self.published) - self.beside - {self.live}


def stale(function: Function, now: datetime, keep: int) -> tuple[int, ...]:
    """Versions on which nothing runs any more and which are not among the `keep` that one would go back to."""
    if function.beside or not _is_over(function, function.live, now):
        return ()
    return tuple(number for number in function.before[keep:] if number not in function.held)


def left_over(function: Function, now: datetime) -> tuple[int, ...]:
    """Versions that were taken back, and on which nothing runs any more if that was soon after they were published."""
    left = (number for number in function.taken_back if number not in function.held)
    return tuple(number for number in left if _is_over(function, number, now))


def way_back(function: Function, since: datetime) -> int | None:
    """The version before the one in service, if that was published since then; None where there is nothing to do."""
    if function.published[function.live] < since or not function.before:
        return None
    return function.before[0]


def _is_over(function: Function, number: int, now: datetime) -> bool:
    return now - function.published[number] > function.longest + MARGIN
