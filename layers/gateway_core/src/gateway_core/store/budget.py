"""Hard budgets as pure functions: what the scripts do to one scope's account in one period.

Money is spent, or held for an attempt whose cost is not known yet. A hold is a bound: what is spent plus what is held
never passes the limit at an admission, so that no number of concurrent requests can overspend.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway_core.domain.caller import Limits
from gateway_core.store.changes import THRESHOLDS, BudgetCrossed, BudgetLimit, Percent

MAX_AMOUNT = 2**53 - 1
"""The largest integer that Lua counts exactly; in nano-USD about nine million dollars. Also the limit of no limit."""


@dataclass(frozen=True, slots=True)
class Amount:
    """Nano-USD and tokens, that is one request's weight in both currencies."""

    nano: int = 0
    tokens: int = 0

    def less(self, other: Amount) -> Amount:
        """What is left of this, never below nothing."""
        return Amount(max(0, self.nano - other.nano), max(0, self.tokens - other.tokens))

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.nano + other.nano, self.tokens + other.tokens)


NOTHING = Amount()


@dataclass(frozen=True, slots=True)
class Account:
    """One scope in one period."""

    spent: Amount = NOTHING
    held: Amount = NOTHING


@dataclass(frozen=True, slots=True)
class Hold:
    """What is held for one attempt. `paid` was charged to it while the rest stayed unconfirmed."""

    amount: Amount
    paid: Amount = NOTHING


@dataclass(frozen=True, slots=True)
class Exceeded:
    """A limit that a hold does not fit under, and how much of it is left: nano-USD or tokens, as its name says."""

    limit: BudgetLimit
    left: int


def exceeded(limits: Limits, day: Account, month: Account, hold: Amount) -> Exceeded | None:
    """The first limit that `hold` would break, or None if it fits."""
    day_used, month_used = day.spent + day.held, month.spent + month.held
    checks: tuple[tuple[BudgetLimit, int | None, int, int], ...] = (
        ("day_nano", limits.day_nano, day_used.nano, hold.nano),
        ("month_nano", limits.month_nano, month_used.nano, hold.nano),
        ("day_tokens", limits.day_tokens, day_used.tokens, hold.tokens),
        ("month_tokens", limits.month_tokens, month_used.tokens, hold.tokens),
    )
    lefts = ((name, (MAX_AMOUNT if limit is None else limit) - used, wanted) for name, limit, used, wanted in checks)
    return next((Exceeded(name, max(0, left)) for name, left, wanted in lefts if wanted > left), None)


def crossed(scope: str, limits: Limits, day: Account, month: Account, charge: Amount) -> tuple[BudgetCrossed, ...]:
    """The thresholds that what is spent reaches when `charge` is added to both accounts of a scope."""
    spent: tuple[tuple[BudgetLimit, int, int, int | None], ...] = (
        ("day_nano", day.spent.nano, charge.nano, limits.day_nano),
        ("month_nano", month.spent.nano, charge.nano, limits.month_nano),
        ("day_tokens", day.spent.tokens, charge.tokens, limits.day_tokens),
        ("month_tokens", month.spent.tokens, charge.tokens, limits.month_tokens),
    )
    return tuple(
        BudgetCrossed(scope, name, percent, before + added, limit)
        for name, before, added, limit in spent
        if limit is not None
        for percent in THRESHOLDS
        if before < _threshold(limit, percent) <= before + added
    )


def _threshold(limit: int, percent: Percent) -> int:
    """The least whole amount that is `percent` of the limit."""
    return -(-limit * percent // 100)


def hold(account: Account, amount: Amount) -> Account:
    """The account with `amount` held."""
    return Account(account.spent, account.held + amount)


def settle(account: Account, released: Amount, charge: Amount) -> Account:
    """The account with `released` no longer held and `charge` spent."""
    return Account(account.spent + charge, account.held.less(released))


def unconfirmed(held: Hold, charge: Amount) -> Hold:
    """The hold of an attempt that cost at least `charge`: together they stay at the bound."""
    return Hold(held.amount.less(charge), held.paid + charge)
