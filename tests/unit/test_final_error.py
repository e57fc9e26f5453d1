"""What the caller is told in the end."""

from decimal import Decimal

import pytest

from gateway_core.domain.errors import BudgetExceeded, DeadlineExceeded, NoDeploymentAvailable, RateLimited
from gateway_core.domain.prices import Price
from gateway_core.domain.provider_errors import (
    BadCredentials,
    ContentFilterError,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimitError,
)
from gateway_core.pipeline.final_error import final_error, refusal_error
from gateway_core.routing.bounds import BoundedCandidate
from gateway_core.store.messages import Candidate, Refusal, Refused, Shortage
from tests.conftest import model

CANDIDATE = BoundedCandidate(model("m1"), Candidate("one", "m1", hold_nano=50_000_000, hold_tokens=900), 800)
DOWN = ProviderUnavailable("down")
BUSY = RateLimitError("busy", retry_after_s=7)


@pytest.mark.parametrize(
    ("refusal", "expected", "text"),
    [
        (
            Refusal(0, "budget", "p:month_tokens", 0, Shortage(500, 120, 30, 10**9, 120)),
            BudgetExceeded,
            (
                "The monthly budget of this project is 500 tokens, of which 120 tokens are left and 30 tokens are "
                "held, and the request may take up to 900 tokens. Set max_tokens to 20, which would fit, or raise it: "
                "gateway budgets set --project ID."
            ),
        ),
        (
            Refusal(0, "budget", "u:ada:day_nano", 0, Shortage(2_000_000, 300_000, 0, 300_000, 2**53 - 1)),
            BudgetExceeded,
            (
                "The daily budget of this user is 0.002 USD, of which 0.0003 USD are left and 0 USD are held, and the "
                "request may cost up to 0.05 USD. Set max_tokens to 87, which would fit, or raise it: "
                "gateway budgets set --project ID --user USER."
            ),
        ),
        (
            Refusal(0, "budget", "k:key_a_1:day_tokens", 0, Shortage(10, 0, 10, 10**9, 0)),
            BudgetExceeded,
            (
                "The daily budget of this key is 10 tokens, of which 0 tokens are left and 10 tokens are held, and the "
                "request may take up to 900 tokens. Shorten the messages: no max_tokens would fit, or raise it: "
                "gateway keys update KEY_ID."
            ),
        ),
        (
            Refusal(0, "rate", "k:key_a_1:rpm", 1500),
            RateLimited,
            "The limit of requests a minute (rpm) of this key is reached. Try again in 2 s.",
        ),
        (
            Refusal(0, "rate", "provider:tpm"),
            RateLimited,
            "The limit of tokens a minute (tpm) that is configured for the provider is reached. Try again later.",
        ),
        (
            Refusal(0, "rate", "deployment:reset", 9000),
            RateLimited,
            "The rate limit that the provider reported is reached. Try again in 9 s.",
        ),
        (
            Refusal(0, "breaker_open", "", 30_000),
            NoDeploymentAvailable,
            "Every candidate is resting after failures or a rate limit. Try again in 30 s.",
        ),
    ],
)
def test_refusals(refusal, expected, text):
    """A refusal becomes the error of its reason, and names the limit, whose it is, and what is left of a budget."""
    error = refusal_error(refusal, [CANDIDATE])
    assert type(error) is expected
    assert error.message == text


def test_retry_after_is_exact():
    """The store's wait reaches the error."""
    assert refusal_error(Refusal(0, "rate", "provider:rpm", 1500), [CANDIDATE]).retry_after_s == 1.5
    assert refusal_error(Refusal(0, "breaker_open"), [CANDIDATE]).retry_after_s is None


def test_the_operator_is_told_the_limit_by_its_name():
    """With what is left and what was wanted, in whole units."""
    short = Shortage(100, 7, 3, 7, 2**53 - 1)
    over = refusal_error(Refusal(0, "budget", "u:ada:day_nano", 0, short), [CANDIDATE])
    assert over.detail == "scope=u:ada:day_nano limit=100 left=7 held=3 wanted=50000000"
    assert refusal_error(Refusal(0, "rate", "k:key_a_1:tpm"), [CANDIDATE]).detail == "scope=k:key_a_1:tpm"
    assert refusal_error(Refusal(0, "breaker_open", "probe"), [CANDIDATE]).detail == "scope=probe"


def test_what_would_fit_is_the_most_that_any_candidate_may_write():
    """Lowered to that, the request is served by the model that it fits; an embedding has no such limit."""
    short = Refusal(0, "budget", "p:day_nano", 0, Shortage(10**6, 10**6, 0, 10**6, 2**53 - 1))
    cheap = BoundedCandidate(model("cheap", price=Price(*[Decimal(10)] * 4, "t")), CANDIDATE.candidate, 800)
    assert "max_tokens to 437," in refusal_error(short, [CANDIDATE]).message
    assert "max_tokens to 800," in refusal_error(short, [CANDIDATE, cheap]).message
    embedding = BoundedCandidate(CANDIDATE.model, CANDIDATE.candidate, 0)
    assert "Send less, or raise it" in refusal_error(short, [embedding]).message


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
def test_failures_become_one_error(errors, late, expected):
    """A request's failures become one error: the caller's own fault first, then time, then who failed."""
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


@pytest.mark.parametrize(
    ("errors", "late", "text"),
    [
        ([DOWN], True, "No model answered before the request's deadline. Raise timeout_s or try again."),
        ([DOWN, DOWN], False, "Every model that could serve this failed; see attempts. Try again later."),
        ([BUSY, BUSY], False, "Every provider that could serve this is limiting us."),
        ([ProviderTimeout("x")], False, "The model did not answer in time. Raise timeout_s or try again."),
        (
            [BadCredentials("x")],
            False,
            "The provider did not accept the gateway's credentials. Tell its operator.",
        ),
    ],
)
def test_the_last_word_has_a_remedy(errors, late, text):
    """What to do now, in the same words each time."""
    assert final_error(errors, deadline_passed=late, alone=len(errors) == 1).message == text
