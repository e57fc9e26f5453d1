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
    Movement,
    ScopeAccounts,
    booked,
    move,
    resolved,
    settled,
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


def hold(account, amount):
    return move(account, Movement(held=amount))


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
    """Held before is held after; spent grows by the charge, which is no estimate."""
    after = move(hold(account, amount), settled(Hold(amount), charge))
    assert after == Account(account.spent + charge, account.held)


@given(accounts, amounts)
def test_a_movement_never_makes_a_debt(account, amount):
    """Nothing in an account goes below nothing, whatever is taken back."""
    after = move(account, Movement(-amount, -amount, -amount))
    for left in (after.spent, after.held, after.estimated):
        assert left.nano >= 0
        assert left.tokens >= 0


@given(amounts, amounts)
def test_an_unconfirmed_hold_and_its_charge_stay_at_the_bound(amount, charge):
    """They add up to the bound, or to the charge where that is larger."""
    rest = unconfirmed(Hold(amount), charge, (None, None))
    assert rest.paid == charge
    assert (rest.amount + charge).nano == max(amount.nano, charge.nano)
    assert (rest.amount + charge).tokens == max(amount.tokens, charge.tokens)


@given(amounts, amounts, numbers, numbers)
def test_no_more_stays_held_than_is_asked_for(amount, charge, nano, tokens):
    """Nor more than the rest of the bound; each currency for itself."""
    rest, all_of_it = unconfirmed(Hold(amount), charge, (nano, tokens)), unconfirmed(Hold(amount), charge, (None, None))
    assert rest.amount.nano == min(all_of_it.amount.nano, 10**9 if nano is None else nano)
    assert rest.amount.tokens == min(all_of_it.amount.tokens, 10**9 if tokens is None else tokens)


paths = st.lists(st.tuples(amounts, st.booleans()), max_size=3)


@given(accounts, amounts, paths, amounts, st.booleans())
def test_in_the_end_only_what_is_known_is_spent(account, amount, path, charge, is_estimate):
    """However often an attempt was unconfirmed: its last charge replaces each estimate, but nothing that was known."""
    held, after, known = Hold(amount), hold(account, amount), NOTHING
    for paid, guessed in path:
        rest = unconfirmed(held, paid, (None, None), is_estimate=guessed)
        after = move(after, Movement(paid, rest.amount - held.amount, paid if guessed else NOTHING))
        held, known = rest, known if guessed else known + paid
    after = move(after, settled(held, charge, is_estimate=is_estimate))
    total = charge.at_least(known)
    guess = total - known if is_estimate else NOTHING
    assert after == Account(account.spent + total, account.held, guess)


@given(accounts, amounts, amounts, amounts)
def test_a_booking_changes_nothing_of_what_is_left(account, amount, paid, charge):
    """What was held is spent, and told as an estimate; taken back, it is as if it had never been."""
    rest = unconfirmed(Hold(amount), paid, (None, None), is_estimate=True)
    before = move(hold(account, amount), Movement(paid, rest.amount - amount, paid))
    after = move(before, booked(rest))
    assert total(after) == total(before)
    assert (after.held, after.estimated) == (account.held, paid + rest.amount)
    assert move(after, -booked(rest)) == before
    assert move(before, resolved(rest, charge)) == Account(account.spent + paid + charge, account.held)
