"""What the store keeps of requests, holds and budgets, as reports, operators and the backlog see it."""

from __future__ import annotations

from dataclasses import dataclass

from gateway_core.store.messages import Settlement, Ticket


@dataclass(frozen=True, slots=True)
class UsageRecord:
    """One request in the books. Tokens and cost include what failed attempts were billed.

    `price_hash` begins the SHA-256 of the list prices in force, so that a bill can be checked or redone; `service_tier`
    is the last that was not the default; `estimated_nano` is how much of the cost is an estimate. New fields come last,
    with a default: older records lack them.
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
class BudgetLine:
    """State of one scope's budget in one period, with its limits (None = unlimited)."""

    scope: str
    period: str
    spent_nano: int
    held_nano: int
    spent_tokens: int
    held_tokens: int
    limit_nano: int | None
    limit_tokens: int | None


@dataclass(frozen=True, slots=True)
class OpenHold:
    """Money that is held: by an attempt under way or dead (`unconfirmed` False), or by one nobody can price (True)."""

    request_id: str
    attempt: int
    key_id: str
    user_id: str
    day: str
    hold_nano: int
    hold_tokens: int
    held_since_ms: int
    unconfirmed: bool
