"""What this process has yet to tell of deployments that answered as expected.

Most attempts succeed, and teach only averages, counts of failures in a row (none) and what is left of limits. To write
that down where it happens took two billed commands of each settlement. So it waits for the process's next call that
reads and writes what is known of deployments anyway; for readers in this process it is told at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway_core.store.messages import DEGRADED, Settlement, Terms

MOST = 16
"""So many wait at most; what comes then is told with its settlement, and they are before it."""
FRESH_MS = 600_000
"""A process that was silent of a deployment for so long tells with its settlement: others may wait for it."""
_MOST_DEPLOYMENTS = 256

type _Timed = tuple[str, str, bool]


@dataclass(frozen=True, slots=True)
class News:
    """A success at `at_ms`, and what its hold had of tokens, and of sequences of requests and tokens."""

    settlement: Settlement
    at_ms: int
    held_tokens: int
    sequence: int
    token_sequence: int


@dataclass(slots=True)
class NewsDesk:
    """News of one process, the oldest first."""

    _waiting: list[News] = field(default_factory=list)
    _told_ms: dict[_Timed, int] = field(default_factory=dict)

    def may_wait(self, settlement: Settlement, terms: Terms) -> bool:
        """Whether nobody else has to hear of it now."""
        name = (settlement.provider, settlement.deployment_id, settlement.streamed)
        is_plain = settlement.effect == "ok" and not (settlement.probe or settlement.unconfirmed)
        is_bad = settlement.rates is not None and settlement.rates.until_ms > terms.now_ms
        silent_ms = terms.now_ms - self._told_ms.get(name, terms.now_ms - FRESH_MS)
        may_wait = is_plain and not is_bad and settlement.generation != DEGRADED and 0 <= silent_ms < FRESH_MS
        if may_wait and len(self._waiting) < MOST:
            return True
        if len(self._told_ms) >= _MOST_DEPLOYMENTS:
            self._told_ms.clear()
        self._told_ms[name] = terms.now_ms
        return False

    def put(self, news: News) -> None:
        self._waiting.append(news)

    def take(self) -> Sequence[News]:
        """All of them: they are told at most once."""
        taken, self._waiting = self._waiting, []
        return taken

    def put_back(self, taken: Sequence[News]) -> None:
        """What was taken and surely not told."""
        self._waiting = [*taken, *self._waiting]
