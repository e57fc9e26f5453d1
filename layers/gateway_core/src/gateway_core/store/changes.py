"""What a step of the store changed that people want to hear of: breakers, and budgets that are filling up.

Only the atomic step itself can tell, so it reports them with its answer, each once. A step whose answer got lost
reports the same again when it is repeated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

type BreakerState = Literal["closed", "open", "half_open"]
type BudgetLimit = Literal["day_nano", "month_nano", "day_tokens", "month_tokens"]
type BreakerReason = Literal["", "failures", "rate_limit"]
type Percent = Literal[50, 80, 100]

THRESHOLDS: tuple[Percent, ...] = (50, 80, 100)
"""Percentages of a budget that are told when they are reached."""


@dataclass(frozen=True, slots=True)
class BreakerChange:
    """A deployment's breaker is in `state` now: open until, or leased to its probe until, `until_ms`; 0 if closed.

    The generation grows with every change, so that it tells the order of changes and a repeated report from a new one.
    `reason` tells why it opened: too many failures, or a rate limit with a known end. Empty otherwise.
    """

    provider: str
    deployment_id: str
    state: BreakerState
    generation: int
    until_ms: int
    reason: BreakerReason = ""


@dataclass(frozen=True, slots=True)
class BudgetCrossed:
    """What is spent reached `percent` of a limit. `scope` is `p`, `k:{key_id}` or `u:{user_id}`.

    `spent` and `of`, the limit, are nano-USD or tokens, as the name of the limit says.
    """

    scope: str
    limit: BudgetLimit
    percent: Percent
    spent: int
    of: int


type Change = BreakerChange | BudgetCrossed
