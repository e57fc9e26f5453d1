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
from gateway_core.store.records import BudgetLine

MAX_AMOUNT = 2**53 - 1
"""The largest integer that Lua counts exactly; in nano-USD about nine million dollars. Also the limit of no limit."""


@dataclass(frozen=True, slots=True)
class Amount:
    """Nano-USD and tokens, that is one request's weight in both currencies; negative where it takes something back."""

    nano: int = 0
    tokens: int = 0

    def less(self, other: Amount) -> Amount:
        """What is left of this, never below nothing."""
        return Amount(max(0, self.nano - other.nano), max(0, self.tokens - other.tokens))

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.nano + other.nano, self.tokens + other.tokens)

    def __sub__(self, other: Amount) -> Amount:
        return Amount(self.nano - other.nano, self.tokens - other.tokens)

    def __neg__(self) -> Amount:
        return Amount(-self.nano, -self.tokens)

    def at_least(self, other: Amount) -> Amount:
        """The larger of both, in each currency."""
        return Amount(max(self.nano, other.nano), max(self.tokens, other.tokens))


NOTHING = Amount()
_CURRENCIES = ("nano", "tokens")


@dataclass(frozen=True, slots=True)
class Account:
    """One scope in one period. `estimated` is how much of what is spent is an estimate."""

    spent: Amount = NOTHING
    held: Amount = NOTHING
    estimated: Amount = NOTHING


@dataclass(frozen=True, slots=True)
class Hold:
    """What is held for one attempt. `paid` was charged to it while the rest stayed unconfirmed, `estimated` of that."""

    amount: Amount
    paid: Amount = NOTHING
    estimated: Amount = NOTHING


@dataclass(frozen=True, slots=True)
class Movement:
    """What one step adds to the accounts of an attempt; negative amounts take back."""

    spent: Amount = NOTHING
    held: Amount = NOTHING
    estimated: Amount = NOTHING

    def __neg__(self) -> Movement:
        return Movement(-self.spent, -self.held, -self.estimated)


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


def budget_line(scope: str, period: str, account: Account, nano: int | None, tokens: int | None) -> BudgetLine:
    """The account with its limits as it is shown."""
    spent, held, estimated = account.spent, account.held, account.estimated
    return BudgetLine(
        scope, period, spent.nano, held.nano, spent.tokens, held.tokens, nano, tokens, estimated.nano, estimated.tokens
    )


def move(account: Account, by: Movement) -> Account:
    """The account after a movement. Nothing gets below zero, whatever the store has forgotten."""
    spent, held, estimated = account.spent + by.spent, account.held + by.held, account.estimated + by.estimated
    return Account(spent.at_least(NOTHING), held.at_least(NOTHING), estimated.at_least(NOTHING))


def settled(held: Hold, charge: Amount, *, is_estimate: bool = False) -> Movement:
    """What ends a hold by its charge. What was paid stays paid but for what of it was an estimate: that is replaced."""
    known = held.paid - held.estimated
    total = charge.at_least(known)
    return Movement(total - held.paid, -held.amount, (total - known if is_estimate else NOTHING) - held.estimated)


def unconfirmed(held: Hold, charge: Amount, kept: tuple[int | None, int | None], *, is_estimate: bool = False) -> Hold:
    """The hold of an attempt that cost at least `charge`: together they never pass the bound.

    `kept` is how much stays held in nano-USD and tokens, None for all of the rest.
    """
    rest = held.amount.less(charge)
    nano, tokens = (most if asked is None else min(asked, most) for asked, most in zip(kept, _parts(rest), strict=True))
    return Hold(Amount(nano, tokens), held.paid + charge, held.estimated + (charge if is_estimate else NOTHING))


def booked(held: Hold) -> Movement:
    """What books a hold as an estimate. Spent and held together stay what they are."""
    return Movement(held.amount, -held.amount, held.amount)


def resolved(held: Hold, charge: Amount) -> Movement:
    """What ends a hold by an operator's decision: `charge` is spent beside what was paid, and nothing is a guess."""
    return Movement(charge, -held.amount, -held.estimated)


def _parts(amount: Amount) -> tuple[int, int]:
    return amount.nano, amount.tokens
