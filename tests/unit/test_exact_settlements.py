"""Every number of a settlement that the store counts with is one that it can count."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway_core.domain.errors import InvalidRequest
from gateway_core.domain.rates import RateView, ReportedLimit
from gateway_core.store.budget import MAX_AMOUNT
from gateway_core.store.exact_amounts import check_settlement
from gateway_core.store.messages import Settlement

ENDED = Settlement(1, "p", "m", generation=1, probe=False, effect="ok")
SEEN = RateView(1)
AMOUNTS = (
    *("charge_nano", "charge_tokens", "unconfirmed_nano", "unconfirmed_tokens"),
    *("latency_ms", "retry_after_ms", "rpm", "tpm"),
)


@pytest.mark.parametrize("name", AMOUNTS)
def test_every_amount_is_checked(name):
    """The largest passes, one more does not, nor does less than nothing."""
    check_settlement(replace(ENDED, **{name: MAX_AMOUNT}))
    for amount in (-1, MAX_AMOUNT + 1):
        with pytest.raises(InvalidRequest, match="An amount of this request"):
            check_settlement(replace(ENDED, **{name: amount}))


@pytest.mark.parametrize("kind", ["requests", "tokens"])
@pytest.mark.parametrize("name", ["limit", "remaining", "reset_at_ms"])
def test_every_number_of_a_reported_limit_is_checked(kind, name):
    """Whatever a provider says, the store adds and compares it."""
    check_settlement(replace(ENDED, rates=replace(SEEN, **{kind: ReportedLimit(**{name: MAX_AMOUNT})})))
    for amount in (-1, MAX_AMOUNT + 1):
        told = replace(SEEN, **{kind: ReportedLimit(**{name: amount})})
        with pytest.raises(InvalidRequest, match="An amount of this request"):
            check_settlement(replace(ENDED, rates=told))


@pytest.mark.parametrize("name", ["seen_ms", "until_ms"])
def test_every_time_of_a_view_is_checked(name):
    """They are counted with as well."""
    check_settlement(replace(ENDED, rates=replace(SEEN, **{name: MAX_AMOUNT})))
    for moment in (-1, MAX_AMOUNT + 1):
        with pytest.raises(InvalidRequest, match="An amount of this request"):
            check_settlement(replace(ENDED, rates=replace(SEEN, **{name: moment})))
