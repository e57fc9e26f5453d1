"""Whose decimal context is in force plays no part in what is held."""

from __future__ import annotations

from decimal import ROUND_DOWN, Context, Decimal, Inexact, getcontext, localcontext

import pytest

from gateway_core.domain.answer import Usage
from gateway_core.domain.cost import bound, price
from gateway_core.domain.prices import Price

TOKENS = 10**15 + 1
RATE = Decimal("0.4999000000000000001")
"""For so many tokens 499900000000000.5 nano-USD and 1e-19: at 28 digits, which Python keeps, that is the half alone."""
FINE = Price(RATE, RATE, RATE, RATE, "test")


@pytest.mark.parametrize(("tokens", "written"), [(TOKENS, 0), (0, TOKENS)])
@pytest.mark.parametrize("prec", [3, 28])
def test_a_hold_is_exact_under_any_context(prec, tokens, written):
    """It covers the bill to the last nano-USD, and leaves no flag behind."""
    with localcontext(Context(prec, ROUND_DOWN, traps=[Inexact])):
        hold = bound(tokens, written, FINE)
        assert not any(getcontext().flags.values())
    assert hold == price(Usage(tokens, written), FINE, input_includes_cached=True).total_nano == 499_900_000_000_001
