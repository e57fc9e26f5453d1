"""The error that a caller gets when no candidate answered. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gateway_core.domain.errors import (
    BadCredentials,
    BudgetExceeded,
    DeadlineExceeded,
    LLMError,
    NoDeploymentAvailable,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimited,
    RateLimitError,
)
from gateway_core.store.messages import Refusal

_REMEDIES = {
    "p": "raise it: gateway budgets set --project ID",
    "k": "make a key with a larger one: gateway keys create --project ID",
    "u": "raise it: gateway budgets set --project ID --user USER",
}
_SCOPES = {"p": "project", "k": "key", "u": "user"}


def refusal_error(refusal: Refusal) -> LLMError:
    """The error for a refusal by the store."""
    wait_s = refusal.retry_after_ms / 1000 or None
    if refusal.reason == "budget":
        return BudgetExceeded(
            f"The budget of this {_who(refusal.scope)} cannot cover the request's possible cost. "
            f"Lower max_tokens, or {_REMEDIES.get(refusal.scope.partition(':')[0], _REMEDIES['p'])}."
        )
    if refusal.reason == "rate":
        return RateLimited(
            f"The rate limit of this {_who(refusal.scope)} is reached.{_again(wait_s)}", retry_after_s=wait_s
        )
    return NoDeploymentAvailable(
        f"Every candidate is resting after failures or a rate limit.{_again(wait_s)}", retry_after_s=wait_s
    )


def final_error(errors: Sequence[ProviderError], *, deadline_passed: bool, alone: bool) -> LLMError:
    """The error for a request that ended without an answer; `errors` has one entry a failed attempt, oldest first.

    `alone`: all of them were attempts at one model. Without any, the deadline has passed.
    """
    if errors and not errors[-1].retryable:
        return errors[-1]
    if deadline_passed:
        return DeadlineExceeded("No model answered before the request's deadline. Raise timeout_s or try again.")
    last = errors[-1]
    limits = [error for error in errors if isinstance(error, RateLimitError)]
    if len(limits) == len(errors):
        waits = [error.wait_s for error in limits if error.wait_s]
        return RateLimited(
            "Every provider that could serve this is limiting us.", retry_after_s=min(waits, default=None)
        )
    if not alone:
        return NoDeploymentAvailable("Every model that could serve this failed; see attempts. Try again later.")
    return _alone(last)


def _alone(error: ProviderError) -> LLMError:
    if isinstance(error, ProviderTimeout):
        return DeadlineExceeded("The model did not answer in time. Raise timeout_s or try again.")
    if isinstance(error, BadCredentials):
        return ProviderUnavailable("The provider did not accept the gateway's credentials. Tell its operator.")
    return error


def _who(scope: str) -> str:
    return _SCOPES.get(scope.partition(":")[0], "provider")


def _again(wait_s: float | None) -> str:
    return f" Try again in {math.ceil(wait_s)} s." if wait_s else " Try again later."
