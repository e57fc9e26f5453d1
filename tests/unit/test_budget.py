"""The budget's model: what fits, and that no money is lost or invented."""

from hypothesis import given
from hypothesis import strategies as st

from gateway_core.domain.caller import Limits
from gateway_core.store.budget import (
    MAX_AMOUNT,
    NOTHING,
    Account,
    Amount,
    Exceeded,
    Hold,
    exceeded,
    hold,
    settle,
    unconfirmed,
)

amounts = st.builds(Amount, st.integers(0, 50), st.integers(0, 50))
accounts = st.builds(Account, amounts, amounts)
numbers = st.none() | st.integers(0, 120)
limits = st.builds(Limits, day_nano=numbers, month_nano=numbers, day_tokens=numbers, month_tokens=numbers)


def total(account):
    return account.spent + account.held


def test_each_limit_is_named():
    """The first that breaks, in the order day and month of money, day and month of tokens."""
    empty, ten = Account(), Amount(10, 10)
    assert exceeded(Limits(day_nano=9, month_nano=9), empty, empty, ten) == Exceeded("day_nano", 9)
    assert exceeded(Limits(month_nano=9, day_tokens=9), empty, empty, ten) == Exceeded("month_nano", 9)
    assert exceeded(Limits(day_tokens=9, month_tokens=9), empty, empty, ten) == Exceeded("day_tokens", 9)
    assert exceeded(Limits(month_tokens=9), empty, empty, ten) == Exceeded("month_tokens", 9)
    assert exceeded(Limits(10, 10, 10, 10), empty, empty, ten) is None


def test_what_is_left_is_neither_spent_nor_held():
    """Nothing, and not less, where a limit was lowered below what is used."""
    used = Account(spent=Amount(3, 30), held=Amount(4, 40))
    assert exceeded(Limits(day_nano=16), used, Account(), Amount(10)) == Exceeded("day_nano", 9)
    assert exceeded(Limits(month_tokens=75), Account(), used, Amount(0, 6)) == Exceeded("month_tokens", 5)
    assert exceeded(Limits(day_nano=5), used, used, Amount(1)) == Exceeded("day_nano", 0)


def test_no_limit_ends_where_lua_stops_counting():
    """2^53 - 1 of anything."""
    full = Account(spent=Amount(MAX_AMOUNT, 0))
    assert exceeded(Limits(), full, full, NOTHING) is None
    assert exceeded(Limits(), full, full, Amount(1)) == Exceeded("day_nano", 0)


@given(limits, accounts, accounts, amounts)
def test_what_fits_every_limit_is_admitted_and_nothing_else(limits, day, month, amount):
    """Spent and held with the new hold, in both periods and both currencies."""
    sums = [total(hold(day, amount)), total(hold(month, amount))]
    found = [sums[0].nano, sums[1].nano, sums[0].tokens, sums[1].tokens]
    bounds = [limits.day_nano, limits.month_nano, limits.day_tokens, limits.month_tokens]
    fits = all(bound is None or value <= bound for value, bound in zip(found, bounds, strict=True))
    assert (exceeded(limits, day, month, amount) is None) == fits


@given(accounts, amounts, amounts)
def test_a_settled_hold_leaves_only_its_charge(account, amount, charge):
    """Held before is held after; spent grows by the charge."""
    assert settle(hold(account, amount), amount, charge) == Account(account.spent + charge, account.held)


@given(accounts, amounts)
def test_a_release_never_makes_a_debt(account, amount):
    """Held money does not go below nothing, whatever is released."""
    after = settle(account, amount, NOTHING)
    assert after.held.nano >= 0
    assert after.held.tokens >= 0


@given(amounts, amounts)
def test_an_unconfirmed_hold_and_its_charge_stay_at_the_bound(amount, charge):
    """They add up to the bound, or to the charge where that is larger."""
    rest = unconfirmed(Hold(amount), charge)
    assert rest.paid == charge
    assert (rest.amount + charge).nano == max(amount.nano, charge.nano)
    assert (rest.amount + charge).tokens == max(amount.tokens, charge.tokens)
