"""Hard budgets as pure functions: what the scripts do to one scope's account in one period.

Money is spent, or held for an attempt whose cost is not known yet. A hold is a bound: what is spent plus what is held
never passes the limit at an admission, so that no number of concurrent requests can overspend.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway_core.domain.caller import Limits
from gateway_core.store.changes import THRESHOLDS, BudgetCrossed, BudgetLimit, Percent
from gateway_core.store.messages import Shortage

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
_CURRENCIES = ("nano", "tokens")


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
class ScopeAccounts:
    """One scope of a request: its limits, and its accounts of the day and the month."""

    scope: str
    limits: Limits
    day: Account
    month: Account

    def lines(self) -> tuple[tuple[BudgetLimit, int | None, int, int], ...]:
        """Each limit by name: itself, what is spent and what is held, in its own currency."""
        day, month, limits = self.day, self.month, self.limits
        return (
            ("day_nano", limits.day_nano, day.spent.nano, day.held.nano),
            ("month_nano", limits.month_nano, month.spent.nano, month.held.nano),
            ("day_tokens", limits.day_tokens, day.spent.tokens, day.held.tokens),
            ("month_tokens", limits.month_tokens, month.spent.tokens, month.held.tokens),
        )


def shortage(scopes: Sequence[ScopeAccounts], hold: Amount) -> tuple[str, Shortage] | None:
    """The first limit that `hold` would break, as `scope:limit`, and by how much; None if it fits under all."""
    lines = [
        (f"{account.scope}:{name}", MAX_AMOUNT if limit is None else limit, spent, held)
        for account in scopes
        for name, limit, spent, held in account.lines()
    ]
    lefts = {name: limit - spent - held for name, limit, spent, held in lines}
    room = {currency: min(left for name, left in lefts.items() if name.endswith(currency)) for currency in _CURRENCIES}
    for name, limit, _spent, held in lines:
        if (hold.nano if name.endswith("nano") else hold.tokens) > lefts[name]:
            return name, Shortage(limit, max(0, lefts[name]), held, max(0, room["nano"]), max(0, room["tokens"]))
    return None


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
