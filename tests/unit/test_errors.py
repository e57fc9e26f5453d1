"""What each refusal is called on the wire: clients go by these words."""

import pytest

from gateway_core.domain import errors


@pytest.mark.parametrize(
    ("error", "status", "code", "kind", "retryable"),
    [
        (errors.BudgetExceeded, 402, "budget_exceeded", "budget_error", False),
        (errors.Forbidden, 403, "forbidden", "permission_error", False),
        (errors.RateLimited, 429, "rate_limited", "rate_limit_error", True),
        (errors.NoDeploymentAvailable, 503, "no_deployment_available", "provider_error", True),
        (errors.DeadlineExceeded, 504, "deadline_exceeded", "timeout_error", True),
    ],
)
def test_the_words_of_an_error(error, status, code, kind, retryable):
    """Status, code, type, and whether to try again."""
    assert (error.status, error.code, error.type, error.retryable) == (status, code, kind, retryable)
