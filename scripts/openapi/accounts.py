"""The forms of what is told of keys, holds and providers' bills, also to operators."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from scripts.openapi.answers import Usd
from scripts.openapi.looks import Budget


class KeyAnswer(TypedDict):
    """What the key that asks may do; empty lists are no bounds."""

    key_id: str
    project_id: str
    user_id: str
    admin: bool
    groups: list[str]
    models: list[str]
    tools: list[str]


class HeldAttempt(TypedDict):
    """`charged_*` is what of it is charged already."""

    request_id: str
    attempt: int
    state: Literal["open", "unconfirmed", "estimated"]
    key_id: str
    user_id: str
    since: str
    hold_usd: Usd
    hold_tokens: int
    charged_usd: Usd
    charged_tokens: int


class HoldsAnswer(TypedDict):
    project_id: str
    holds: list[HeldAttempt]
    next_cursor: str | None
    unreadable: int


class Compared(TypedDict):
    """The difference is negative where less was billed than booked."""

    billed_usd: Usd
    booked_usd: Usd
    difference_usd: Usd


class ProviderTotal(Compared):
    provider: str


class InvoiceLine(Compared):
    name: str


class InvoiceDay(Compared):
    provider: str
    day: str
    partial: bool
    differs: bool
    checked_at: str
    lines: list[InvoiceLine]


class InvoicesAnswer(TypedDict):
    """Totals are of days that are over."""

    start_date: str
    end_date: str
    totals: list[ProviderTotal]
    days: list[InvoiceDay]


class NewKey(TypedDict):
    """`key` is shown this once."""

    key: str
    id: str


class RotatedKey(NewKey):
    old_secret_ends_at: str | None


class RevokedKey(TypedDict):
    id: str
    revoked: bool


class Spent(TypedDict):
    day_usd: Usd
    month_usd: Usd
    day_tokens: int
    month_tokens: int


class BudgetLimits(TypedDict):
    """Null: no limit."""

    day_usd: Usd | None
    month_usd: Usd | None
    day_tokens: int | None
    month_tokens: int | None


class AdminKey(BudgetLimits):
    id: str
    name: str
    project_id: str
    user_id: str | None
    admin: bool
    groups: list[str]
    tools: list[str]
    api_base_hosts: list[str]
    models: list[str]
    rpm: int | None
    tpm: int | None
    created: str | None
    expires_at: str | None
    rotated: str | None
    old_secret_ends_at: str | None
    revoked: str | None
    last_used: str | None
    spent: Spent
    issuer: NotRequired[str]


class AdminKeys(TypedDict):
    keys: list[AdminKey]
    next_cursor: str | None


class SetBudget(BudgetLimits):
    project_id: str
    user_id: str | None


class AdminBudget(Budget):
    project_id: str


class AdminBudgets(TypedDict):
    budgets: list[AdminBudget]
    next_cursor: str | None


class AdminHold(TypedDict):
    """What is suggested is what the attempt may have cost, null while somebody works on it."""

    hold: str
    project_id: str
    state: Literal["open", "unconfirmed", "estimated"]
    why: str
    key_id: str
    user_id: str
    day: str
    hold_usd: Usd
    hold_tokens: int
    charged_usd: Usd
    charged_tokens: int
    suggested_usd: Usd | None
    suggested_tokens: int | None
    since: str
    unconfirmed_since: str | None


class HoldSums(TypedDict):
    holds: int
    open: int
    unconfirmed: int
    estimated: int
    hold_usd: Usd
    charged_usd: Usd
    suggested_usd: Usd
    unreadable: NotRequired[int]


class AdminHolds(TypedDict):
    holds: list[AdminHold]
    left_off: int
    sums: HoldSums


class ReleasedHold(TypedDict):
    hold: str
    project_id: str
    released: bool
    charge_usd: Usd
    charge_tokens: int
    dry_run: NotRequired[bool]


class ReleasedHolds(TypedDict):
    holds: list[ReleasedHold]
    dry_run: bool


class BacklogAnswer(TypedDict):
    """Messages that wait, that are being settled just now, and that were given up."""

    waiting: int
    in_work: int
    given_up: int


class ReplayedAnswer(TypedDict):
    """How many by what became of them."""

    replayed: dict[str, int]
