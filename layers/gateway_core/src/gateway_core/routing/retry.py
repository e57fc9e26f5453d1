"""Whether, and after how long, a deployment that failed is asked again by the same request. Pure.

Fail over first, wait later: as long as another candidate can start, nobody waits for the one that failed.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway_core.domain.provider_errors import ProviderError, RateLimitError
from gateway_core.store.messages import Refused


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """`retries` of a candidate when no other can start; `same_model_retries` of each before moving on to the next."""

    retries: int = 1
    same_model_retries: int = 0
    backoff_base_ms: int = 250
    backoff_max_ms: int = 2000

    def backoff_ms(self, failed: int, draw: float) -> int:
        """The pause after the `failed`-th failure, from 1; `draw` is uniform in [0, 1).

        Full jitter: random between 0 and min(cap, base * 2^n) with n from 0, so that clients that failed together do
        not come back together (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
        """
        return int(draw * min(self.backoff_max_ms, self.backoff_base_ms << min(failed - 1, 32)))


def comeback_ms(
    policy: RetryPolicy, error: ProviderError, failed: int, *, last: bool, patience_ms: int, draw: float
) -> int | None:
    """After how many milliseconds to ask again where `error` came from; None = not in this request.

    Args:
        policy: How often, and how long to pause.
        error: How it failed just now.
        failed: How often it has failed in this request, this time included.
        last: Whether no other candidate can start.
        patience_ms: The longest wait that a provider may ask for.
        draw: Uniform in [0, 1).
    """
    if failed > (max(policy.retries, policy.same_model_retries) if last else policy.same_model_retries):
        return None
    named_ms = round((_named_s(error) or 0) * 1000)
    if named_ms > patience_ms:
        return None
    if isinstance(error, RateLimitError):
        return named_ms if last and named_ms else None
    return max(named_ms, policy.backoff_ms(failed, draw)) if error.transient else None


def soonest_ms(refused: Refused) -> int | None:
    """When the first of the refused candidates stops resting after failures; None if none of them does."""
    waits = (refusal.ask_again_ms for refusal in refused.refusals if refusal.reason == "breaker_open")
    return min((wait for wait in waits if wait > 0), default=None)


def _named_s(error: ProviderError) -> float | None:
    return error.wait_s if isinstance(error, RateLimitError) else error.retry_after_s
