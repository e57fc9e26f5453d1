"""What a provider did not do: the branch of failed attempts, see `errors` for the whole tree."""

from __future__ import annotations

from gateway_core.domain.answer import Usage
from gateway_core.domain.chat import BreakerEffect
from gateway_core.domain.errors import LLMError
from gateway_core.domain.rates import RateView


class ProviderError(LLMError):
    """A failed attempt.

    `effect` is what the attempt says of the deployment's health. `usage` is what the provider is known to bill for
    it; `unconfirmed` is true when it may bill and nobody knows how much; `estimated`, when `usage` is what it probably
    bills at most, as of a stream that ended early. `rates` is what it says of its limits.
    `transient` is true when the same deployment may well answer if it is asked again.
    """

    status = 502
    code = "provider_error"
    type = "provider_error"
    retryable = True
    effect: BreakerEffect = "fail"
    transient: bool = False

    def __init__(
        self,
        message: str,
        *,
        detail: str = "",
        retry_after_s: float | None = None,
        usage: Usage | None = None,
        unconfirmed: bool = False,
    ) -> None:
        super().__init__(message, detail=detail, retry_after_s=retry_after_s)
        self.usage = usage
        self.unconfirmed = unconfirmed
        self.estimated = False
        self.rates: RateView | None = None


class RateLimitError(ProviderError):
    """The provider answered 429. With `retry_after_s` the deployment is left alone until then.

    Without, it counts as a failure, and `wait_s` is how long its limit takes to reset, if the provider says that.
    """

    status = 429
    code = "rate_limited"
    type = "rate_limit_error"
    effect: BreakerEffect = "limit"

    @property
    def wait_s(self) -> float | None:
        """Seconds until the provider may serve again, None if it did not say."""
        if self.retry_after_s or not self.rates or not self.rates.until_ms:
            return self.retry_after_s
        return (self.rates.until_ms - self.rates.seen_ms) / 1000


class ProviderTimeout(ProviderError):
    """The attempt's deadline passed. `effect` is `skip` where the caller's own short deadline was the cause."""

    status = 504
    code = "timeout"

    def __init__(self, message: str, *, detail: str = "", effect: BreakerEffect = "fail") -> None:
        super().__init__(message, detail=detail, unconfirmed=True)
        self.effect = effect


class ProviderUnavailable(ProviderError):
    """The provider failed, could not be reached, or sent something that is not an answer."""

    transient = True


class DeploymentUnusable(ProviderUnavailable):
    """The provider cannot serve this, now or in a second: no such model, no credit. Another model may.

    With `retry_after_s` and the effect `limit` the deployment is left alone until then.
    """

    transient = False


class ContextLengthError(ProviderError):
    """Too long for this model; a model with a longer context may still take it."""

    status = 400
    code = "context_length_exceeded"
    type = "invalid_request_error"
    retryable = False
    effect: BreakerEffect = "skip"


class ContentFilterError(ProviderError):
    """The provider's content filter refused the prompt or the answer."""

    status = 400
    code = "content_filtered"
    type = "invalid_request_error"
    retryable = False
    effect: BreakerEffect = "skip"


class BadCredentials(ProviderError):
    """The provider refused the gateway's own key: an operator's fault, never the caller's."""

    code = "bad_credentials"


class ProviderRejected(ProviderError):
    """The provider answered that the request is malformed; another provider would say the same."""

    status = 400
    code = "invalid_request"
    type = "invalid_request_error"
    retryable = False
    effect: BreakerEffect = "skip"


class AddressRefused(ProviderError):
    """The base URL that the caller named leads to an address that it may not; nothing was sent."""

    status = 403
    code = "forbidden"
    type = "permission_error"
    retryable = False
    effect: BreakerEffect = "skip"

    def __init__(self, message: str, *, detail: str = "") -> None:
        super().__init__(message, detail=detail)
        self.param = "api_base"
