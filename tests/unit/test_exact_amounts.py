"""What the store cannot count is refused before it is asked."""

from dataclasses import replace

import pytest

from gateway_core.domain.caller import Limits
from gateway_core.domain.errors import ConfigError, InvalidRequest
from gateway_core.store.budget import MAX_AMOUNT
from gateway_core.store.exact_amounts import check_candidates, check_limits
from gateway_core.store.messages import Candidate

CANDIDATE = Candidate("p", "m", hold_nano=1, hold_tokens=1)


@pytest.mark.parametrize("name", ["hold_nano", "hold_tokens", "rpm", "tpm", "likely_tokens"])
def test_every_amount_of_a_candidate_is_checked(name):
    """The largest passes, one more does not."""
    check_candidates([CANDIDATE, replace(CANDIDATE, **{name: MAX_AMOUNT})])
    for amount in (-1, MAX_AMOUNT + 1):
        with pytest.raises(InvalidRequest) as caught:
            check_candidates([CANDIDATE, replace(CANDIDATE, **{name: amount})])
        assert caught.value.message == f"An amount of this request is not between 0 and {MAX_AMOUNT}."


def test_a_rate_of_nothing_is_no_limit_but_a_mistake():
    """It would never let anything pass."""
    for limits in (Limits(rpm=0), Limits(tpm=0)):
        with pytest.raises(ConfigError) as caught:
            check_limits(limits)
        assert caught.value.message == "A rate limit must be at least 1 per minute; leave it out for no limit."
    check_limits(Limits(rpm=1, tpm=1))
    with pytest.raises(ConfigError) as caught:
        check_limits(Limits(rpm=MAX_AMOUNT + 1))
    assert caught.value.message == f"A limit must be between 0 and {MAX_AMOUNT}."
