"""What becomes of a request: whom it is tried at, what happened there, and the answer with its story."""

from __future__ import annotations

from dataclasses import dataclass

from gateway_core.domain.answer import Cost, Usage
from gateway_core.domain.chat import Model, Outcome, Routing


@dataclass(frozen=True, slots=True)
class Drop:
    """A candidate that routing removed, with a machine reason and a sentence for people.

    `param` is the field of the request that is at fault, where it is a single one.
    """

    model: str
    provider: str
    reason: str
    detail: str
    param: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to try, in order; what was left out and why; and what is `spare`, because the request wants no fallback."""

    candidates: tuple[Model, ...]
    dropped: tuple[Drop, ...] = ()
    spare: tuple[Model, ...] = ()


@dataclass(frozen=True, slots=True)
class Explained:
    """One candidate as routing saw it. `position` counts from 1; `latency_ms` is None where nothing is measured yet.

    `estimated_cost_nano` is for an answer as long as allowed; `retry_after_ms` is how long the breaker lets nobody by.
    """

    model: str
    provider: str
    position: int
    tier: int
    estimated_cost_nano: int
    latency_ms: int | None
    breaker: str
    retry_after_ms: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why the candidates stand in their order, and why others are not among them. `input_tokens` may be a guess."""

    routing: Routing
    input_tokens: int
    candidates: tuple[Explained, ...]
    dropped: tuple[Drop, ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One line of the answer's `attempts`: a call that was made, or a candidate that was passed over."""

    model: str
    provider: str
    outcome: Outcome
    error_code: str | None = None
    latency_ms: int = 0


@dataclass(frozen=True, slots=True)
class Completion[A]:
    """An answer with its story; `usage` and `cost` include what failed attempts were billed.

    One that was kept (`cached`) costs nothing; `saved_nano` is what it would have cost. `downgraded` names the group
    that was asked for and the one that served, `reasoning->fast`, where a budget made them differ.
    """

    id: str
    answer: A
    model: Model
    model_group: str | None
    usage: Usage
    cost: Cost
    latency_ms: int
    attempts: tuple[Attempt, ...]
    cached: bool = False
    saved_nano: int = 0
    degraded: bool = False
    explanation: Explanation | None = None
    downgraded: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """The first thing that a stream tells: which model answers, after how many attempts, this one included.

    `degraded`: it goes on without the store. `cached`: it was kept, and nobody is asked. `dropped_params` as in the
    answer, `downgraded` as in the completion.
    """

    model: Model
    attempts: int
    degraded: bool = False
    cached: bool = False
    dropped_params: tuple[str, ...] = ()
    downgraded: str = ""
