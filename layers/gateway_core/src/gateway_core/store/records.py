"""What the store keeps of requests, holds and budgets, as reports, operators and the backlog see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gateway_core.store.messages import Settlement, Ticket

type AttemptName = tuple[str, int]
"""Request and attempt."""
type HoldState = Literal["open", "unconfirmed", "estimated"]


@dataclass(frozen=True, slots=True)
class UsageRecord:
    """One request in the books. Tokens and cost include what failed attempts were billed.

    `price_hash` begins the SHA-256 of the list prices in force, so that a bill can be checked or redone; `service_tier`
    is the last that was not the default; `estimated_nano` is how much of the cost is an estimate; `session_id` is what
    a client calls one of its conversations; `downgraded` is as in `domain.result.Completion`; `tried` is the attempts,
    see `store.trail`. New fields come last, with a default: older records lack them.
    """

    request_id: str
    at_ms: int
    project_id: str
    key_id: str
    agent_id: str
    user_id: str
    kind: str
    model: str
    provider: str
    model_group: str
    error_code: str
    attempts: int
    input_tokens: int
    output_tokens: int
    cached_input_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    input_nano: int
    output_nano: int
    latency_ms: int
    cache_hit: bool
    price_source: str
    input_includes_cached: bool
    price_hash: str = ""
    cache_write_1h_tokens: int = 0
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0
    service_tier: str = ""
    estimated_nano: int = 0
    session_id: str = ""
    downgraded: str = ""
    tried: str = ""

    @property
    def cost_nano(self) -> int:
        return self.input_nano + self.output_nano


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A request whose end the store does not know: attempts `owed`, oldest first, then what `settle` takes."""

    ticket: Ticket
    owed: tuple[Settlement, ...]
    settlement: Settlement | None
    record: UsageRecord


@dataclass(frozen=True, slots=True)
class RecordPage:
    """A page of records. `cursor` continues behind the last of them; empty when there are no more.

    `unreadable` is how many more there were that cannot be read.
    """

    records: tuple[UsageRecord, ...]
    cursor: str = ""
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class HourPlace:
    """A place among the records of one UTC hour, in the order in which they were written.

    It is behind the one that `behind` names (`1763640000000-0`), at a moment (`1763640000000`), or before all (empty).
    """

    day: str
    hour: str
    behind: str = ""


@dataclass(frozen=True, slots=True)
class HourRecords:
    """Records of an hour as they were written; `place` is behind the last of them. `has_more` of them may follow.

    `unreadable` is how many more there were that cannot be read.
    """

    place: HourPlace
    records: tuple[UsageRecord, ...] = ()
    has_more: bool = False
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """State of one scope's budget in one period, with its limits (None = unlimited).

    What is estimated is a part of what is spent.
    """

    scope: str
    period: str
    spent_nano: int
    held_nano: int
    spent_tokens: int
    held_tokens: int
    limit_nano: int | None
    limit_tokens: int | None
    estimated_nano: int = 0
    estimated_tokens: int = 0


@dataclass(frozen=True, slots=True)
class OpenHold:
    """Money that is held: by an attempt under way or dead (`unconfirmed` False), or by one nobody can price (True).

    `paid_nano` and `paid_tokens` are charged already, beside the hold. `unconfirmed_ms` is when it became unconfirmed,
    0 = not known. `booked`: it is held no more, but spent as an estimate, until somebody knows better.
    """

    request_id: str
    attempt: int
    key_id: str
    user_id: str
    day: str
    hold_nano: int
    hold_tokens: int
    held_since_ms: int
    unconfirmed: bool
    paid_nano: int = 0
    paid_tokens: int = 0
    unconfirmed_ms: int = 0
    booked: bool = False

    @property
    def state(self) -> HoldState:
        if self.booked:
            return "estimated"
        return "unconfirmed" if self.unconfirmed else "open"


@dataclass(frozen=True, slots=True)
class HoldPage:
    """Some holds of a month. `cursor` continues; empty when there are no more. One may come twice.

    `unreadable` names those that cannot be read.
    """

    holds: tuple[OpenHold, ...]
    cursor: str = ""
    unreadable: tuple[str, ...] = ()
