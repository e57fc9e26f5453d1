"""The budget's model: what fits, and that no money is lost or invented."""

from hypothesis import given
from hypothesis import strategies as st

from gateway_core.domain.caller import Limits
from gateway_core.store.budget import (
    MAX_AMOUNT,
    NOTHING,
    Account,
    Amount,
    Hold,
    ScopeAccounts,
    hold,
    settle,
    shortage,
    unconfirmed,
)
from gateway_core.store.messages import Shortage

amounts = st.builds(Amount, st.integers(0, 50), st.integers(0, 50))
accounts = st.builds(Account, amounts, amounts)
numbers = st.none() | st.integers(0, 120)
limits = st.builds(Limits, day_nano=numbers, month_nano=numbers, day_tokens=numbers, month_tokens=numbers)


def total(account):
    return account.spent + account.held


def short(limits, day, month, amount):
    """The limit's name, and the shortage."""
    return shortage([ScopeAccounts("p", limits, day, month)], amount) or (None, None)


def test_each_limit_is_named():
    """The first that breaks, in the order day and month of money, day and month of tokens."""
    empty, ten = Account(), Amount(10, 10)
    assert short(Limits(day_nano=9, month_nano=9), empty, empty, ten)[0] == "p:day_nano"
    assert short(Limits(month_nano=9, day_tokens=9), empty, empty, ten)[0] == "p:month_nano"
    assert short(Limits(day_tokens=9, month_tokens=9), empty, empty, ten)[0] == "p:day_tokens"
    assert short(Limits(month_tokens=9), empty, empty, ten)[0] == "p:month_tokens"
    assert short(Limits(10, 10, 10, 10), empty, empty, ten) == (None, None)


def test_the_first_scope_that_is_short_is_named():
    """The room is that of all scopes together."""
    rich = ScopeAccounts("p", Limits(day_nano=100, day_tokens=7), Account(), Account())
    poor = ScopeAccounts("k:1", Limits(month_nano=30), Account(), Account(Amount(5), Amount(20)))
    assert shortage([rich, poor], Amount(6)) == ("k:1:month_nano", Shortage(30, 5, 20, 5, 7))
    assert shortage([rich, poor], Amount(5, 7)) is None


def test_what_is_left_is_neither_spent_nor_held():
    """Nothing, and not less, where a limit was lowered below what is used."""
    used = Account(spent=Amount(3, 30), held=Amount(4, 40))
    assert short(Limits(day_nano=16), used, Account(), Amount(10))[1] == Shortage(16, 9, 4, 9, MAX_AMOUNT - 70)
    assert short(Limits(month_tokens=75), Account(), used, Amount(0, 6))[1] == Shortage(75, 5, 40, MAX_AMOUNT - 7, 5)
    assert short(Limits(day_nano=5), used, used, Amount(1))[1] == Shortage(5, 0, 4, 0, MAX_AMOUNT - 70)


def test_no_limit_ends_where_lua_stops_counting():
    """2^53 - 1 of anything."""
    full = Account(spent=Amount(MAX_AMOUNT, 0))
    assert short(Limits(), full, full, NOTHING) == (None, None)
    assert short(Limits(), full, full, Amount(1))[0] == "p:day_nano"


@given(limits, accounts, accounts, amounts)
def test_what_fits_every_limit_is_admitted_and_nothing_else(limits, day, month, amount):
    """Spent and held with the new hold, in both periods and both currencies."""
    sums = [total(hold(day, amount)), total(hold(month, amount))]
    found = [sums[0].nano, sums[1].nano, sums[0].tokens, sums[1].tokens]
    bounds = [limits.day_nano, limits.month_nano, limits.day_tokens, limits.month_tokens]
    fits = all(bound is None or value <= bound for value, bound in zip(found, bounds, strict=True))
    assert (short(limits, day, month, amount)[0] is None) == fits


@given(limits, accounts, accounts, amounts)
def test_what_the_room_holds_would_fit(limits, day, month, amount):
    """The room is the largest hold that breaks no limit, unless one is broken as it is."""
    _, found = short(limits, day, month, amount)
    if found and short(limits, day, month, NOTHING)[0] is None:
        assert short(limits, day, month, Amount(found.room_nano, found.room_tokens))[0] is None
        assert short(limits, day, month, Amount(found.room_nano + 1, found.room_tokens))[0] is not None
        assert short(limits, day, month, Amount(found.room_nano, found.room_tokens + 1))[0] is not None


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
