"""What the caller is told in the end."""

import pytest

from gateway_core.domain.errors import (
    BadCredentials,
    BudgetExceeded,
    ContentFilterError,
    DeadlineExceeded,
    NoDeploymentAvailable,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimited,
    RateLimitError,
)
from gateway_core.pipeline.final_error import final_error, refusal_error
from gateway_core.store.messages import Refusal, Refused

DOWN = ProviderUnavailable("down")
BUSY = RateLimitError("busy", retry_after_s=7)


@pytest.mark.parametrize(
    ("refusal", "expected", "text"),
    [
        (Refusal(0, "budget", "p"), BudgetExceeded, "this project"),
        (Refusal(0, "budget", "u:ada"), BudgetExceeded, "this user"),
        (Refusal(0, "rate", "k:key_a_1:rpm", 1500), RateLimited, "this key"),
        (Refusal(0, "rate", "provider:rpm"), RateLimited, "this provider"),
        (
            Refusal(0, "breaker_open", "", 30_000),
            NoDeploymentAvailable,
            "after failures or a rate limit. Try again in 30 s.",
        ),
    ],
)
def test_refusals(refusal, expected, text):
    """A refusal becomes the error of its reason and names whose limit it is."""
    error = refusal_error(refusal)
    assert type(error) is expected
    assert text in error.message


def test_retry_after_is_exact():
    """The store's wait reaches the error."""
    assert refusal_error(Refusal(0, "rate", "p", 1500)).retry_after_s == 1.5
    assert refusal_error(Refusal(0, "breaker_open")).retry_after_s is None


def test_mixed_refusals_report_money_first():
    """Budget before rate before open; among equals the soonest."""
    mixed = (
        Refusal(0, "breaker_open", "", 5),
        Refusal(1, "rate", "p", 9),
        Refusal(2, "rate", "p", 3),
        Refusal(3, "budget"),
    )
    assert Refused(mixed).main.index == 3
    assert Refused(mixed[:3]).main.index == 2
    assert Refused(mixed[:1]).main.index == 0


@pytest.mark.parametrize(
    ("errors", "late", "expected"),
    [
        ([DOWN, DOWN], False, NoDeploymentAvailable),
        ([DOWN, BUSY], False, NoDeploymentAvailable),
        ([BUSY, BUSY], False, RateLimited),
        ([DOWN, DOWN], True, DeadlineExceeded),
        ([DOWN], False, ProviderUnavailable),
        ([ProviderTimeout("slow")], False, DeadlineExceeded),
        ([BadCredentials("who")], False, ProviderUnavailable),
        ([DOWN, ContentFilterError("no")], False, ContentFilterError),
        ([DOWN, ContentFilterError("no")], True, ContentFilterError),
        ([], True, DeadlineExceeded),
    ],
)
def test_verdicts(errors, late, expected):
    """A walk's failures become one error: the caller's own fault first, then time, then who failed."""
    assert type(final_error(errors, deadline_passed=late, alone=len(errors) == 1)) is expected


@pytest.mark.parametrize(
    ("errors", "expected"),
    [([DOWN, DOWN], ProviderUnavailable), ([DOWN, BUSY], RateLimitError), ([BUSY, DOWN], ProviderUnavailable)],
)
def test_a_model_that_failed_twice_failed_alone(errors, expected):
    """Attempts at one model end in its own last error, not in a lack of models."""
    assert type(final_error(errors, deadline_passed=False, alone=True)) is expected


def test_the_soonest_retry_after_wins():
    """When everybody limits us, the first to recover sets the time."""
    sooner = RateLimitError("busy", retry_after_s=2)
    assert final_error([BUSY, sooner], deadline_passed=False, alone=False).retry_after_s == 2
    assert final_error([RateLimitError("busy")], deadline_passed=False, alone=False).retry_after_s is None
