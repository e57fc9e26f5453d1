"""The error that a caller gets when no candidate answered. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gateway_core.domain.cost import usd
from gateway_core.domain.errors import BudgetExceeded, DeadlineExceeded, LLMError, NoDeploymentAvailable, RateLimited
from gateway_core.domain.provider_errors import (
    BadCredentials,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimitError,
)
from gateway_core.routing.bounds import BoundedCandidate
from gateway_core.store.messages import Candidate, Refusal, Shortage

_REMEDIES = {
    "p": "raise it: gateway budgets set --project ID",
    "k": "raise it: gateway keys update KEY_ID",
    "u": "raise it: gateway budgets set --project ID --user USER",
}
_SCOPES = {"p": "project", "k": "key", "u": "user"}
_OWNERS = {
    "k": "of this key",
    "provider": "that is configured for the provider",
    "deployment": "that the provider reported",
}
_PERIODS = {"day": "daily", "month": "monthly"}
_RATES = {
    "rpm": "limit of requests a minute (rpm)",
    "tpm": "limit of tokens a minute (tpm)",
    "reset": "rate limit",
}


def refusal_error(refusal: Refusal, candidates: Sequence[BoundedCandidate]) -> LLMError:
    """The error for the store's refusal of one of the candidates; its detail names the limit for the operator."""
    if refusal.reason == "budget" and refusal.shortage:
        refused = candidates[refusal.index].candidate
        return _over_budget(refusal.scope, refusal.shortage, refused, candidates)
    wait_s = refusal.retry_after_ms / 1000 or None
    detail = f"scope={refusal.scope}" if refusal.scope else ""
    if refusal.reason == "rate":
        message = f"The {_limit_of(refusal.scope)} is reached.{_again(wait_s)}"
        return RateLimited(message, detail=detail, retry_after_s=wait_s)
    message = f"Every candidate is resting after failures or a rate limit.{_again(wait_s)}"
    return NoDeploymentAvailable(message, detail=detail, retry_after_s=wait_s)


def _over_budget(
    scope: str, shortage: Shortage, candidate: Candidate, candidates: Sequence[BoundedCandidate]
) -> BudgetExceeded:
    owner, _, name = scope.rpartition(":")
    period, _, currency = name.partition("_")
    kind, is_money = owner.partition(":")[0], currency == "nano"
    wanted = candidate.hold_nano if is_money else candidate.hold_tokens
    limit, left, held, most = (
        f"{usd(amount)} USD" if is_money else f"{amount} tokens"
        for amount in (shortage.limit, shortage.left, shortage.held, wanted)
    )
    return BudgetExceeded(
        f"The {_PERIODS[period]} budget of this {_SCOPES[kind]} is {limit}, of which {left} are left and {held} are "
        f"held, and the request may {'cost' if is_money else 'take'} up to {most}. "
        f"{_what_fits(shortage, candidates)}, or {_REMEDIES[kind]}.",
        detail=f"scope={scope} limit={shortage.limit} left={shortage.left} held={shortage.held} wanted={wanted}",
    )


def _what_fits(shortage: Shortage, candidates: Sequence[BoundedCandidate]) -> str:
    if not any(candidate.output_cap for candidate in candidates):
        return "Send less"
    fits = max(candidate.largest_output(shortage.room_nano, shortage.room_tokens) for candidate in candidates)
    return f"Set max_tokens to {fits}, which would fit" if fits else "Shorten the messages: no max_tokens would fit"


def _limit_of(scope: str) -> str:
    """`k:{key_id}:rpm` as "limit of requests a minute (rpm) of this key"."""
    owner, _, name = scope.rpartition(":")
    return f"{_RATES[name]} {_OWNERS[owner.partition(':')[0]]}"


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


def _again(wait_s: float | None) -> str:
    return f" Try again in {math.ceil(wait_s)} s." if wait_s else " Try again later."
