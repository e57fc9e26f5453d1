"""Everything that can go wrong, as one tree.

* LLMError
  + ProviderError              a provider did not do its part
    - RateLimitError           429; carries Retry-After when the provider named one
    - ProviderTimeout          no answer within the attempt's deadline
    - ProviderUnavailable      5xx, connection trouble, or an answer that is not one
      . DeploymentUnusable     no such model, no credit: asking again does not help
    - ContextLengthError       the prompt is longer than the model reads
    - ContentFilterError       the provider refuses the content
    - BadCredentials           the provider refuses our key
    - ProviderRejected         the provider calls the request itself wrong
    - AddressRefused           the caller's base URL leads where nothing is sent
  + RequestError               the caller can mend it
    - InvalidRequest, UnknownModel, UnknownJob, UnknownRequest, UnknownResponse
    - UnknownKey, UnknownProject, UnknownHold, Conflict, Unauthenticated, Forbidden
      . InvalidToken           a token of OAuth that is none of ours, or is over
      . InsufficientScope      one that lacks a scope
    - BodyTooLarge, UnsupportedEncoding, UnsupportedMediaType, NoWebSocket
    - BudgetExceeded, RateLimited
  + NoDeploymentAvailable      every candidate failed or is open
  + DeadlineExceeded           the request's own deadline passed
  + CallerGone                 the caller disconnected; nobody reads this answer
  + StoreUnavailable           the shared state cannot be reached
    - StoreUnreadable          it answers, but with something that is not ours
      . ProjectMisplaced       the project's data is in another database than is configured
  + IssuerUnavailable          who signs tokens cannot be asked for its keys
  + RecordRefused              it settled the money, and has no room for the record
  + BacklogUnavailable         what waits to be settled cannot be kept
  + Overloaded                 this process has more to do than it can; nothing was begun
  + ShuttingDown               this process ends, and the time that what is under way had is over
  + ConfigError                the gateway is set up wrongly
    - ConfigUnavailable        what describes the setup cannot be read now

Each error has two texts: `message` is for the caller, `detail` for the operator's log. Neither may hold a secret.
"""

from __future__ import annotations

from typing import ClassVar

from gateway_core.domain.answer import Cost, Usage
from gateway_core.domain.result import Attempt


class LLMError(Exception):
    """Base of all. `status` is the HTTP status, `code` the wire's stable word, `retry_after_s` seconds or None.

    `attempts` and, for a stream that broke, `billed` tell what had happened before.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    type: ClassVar[str] = "server_error"
    retryable: ClassVar[bool] = False

    def __init__(
        self, message: str, *, detail: str = "", param: str | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail
        self.param = param
        self.retry_after_s = retry_after_s
        self.attempts: tuple[Attempt, ...] = ()
        self.billed: tuple[Usage, Cost] | None = None


class RequestError(LLMError):
    """The caller's to mend."""

    status = 400
    type = "invalid_request_error"


class InvalidRequest(RequestError):
    """Malformed (400) or against the schema (`schema=True`, 422)."""

    code = "invalid_request"

    def __init__(self, message: str, *, param: str | None = None, schema: bool = False, detail: str = "") -> None:
        super().__init__(message, param=param, detail=detail)
        self.schema = schema


class Unauthenticated(RequestError):
    status = 401
    code = "unauthenticated"
    type = "authentication_error"


class BudgetExceeded(RequestError):
    status = 402
    code = "budget_exceeded"
    type = "budget_error"


class Forbidden(RequestError):
    status = 403
    code = "forbidden"
    type = "permission_error"


class InvalidToken(Unauthenticated):
    """A new one from the same issuer may help."""


class InsufficientScope(Forbidden):
    """The token is good, but was not given for this."""


class UnknownModel(RequestError):
    status = 404
    code = "unknown_model"


class UnknownJob(RequestError):
    status = 404
    code = "unknown_job"


class UnknownRequest(RequestError):
    status = 404
    code = "unknown_request"


class UnknownResponse(RequestError):
    status = 404
    code = "unknown_response"


class UnknownKey(RequestError):
    status = 404
    code = "unknown_key"


class UnknownProject(RequestError):
    status = 404
    code = "unknown_project"


class UnknownHold(RequestError):
    status = 404
    code = "unknown_hold"


class Conflict(RequestError):
    """What is asked for does not go with what is there now."""

    status = 409
    code = "conflict"


class NoWebSocket(RequestError):
    """426 is what clients of OpenAI's Responses take for a word to go on over HTTP at once."""

    status = 426
    code = "no_websocket"


class BodyTooLarge(RequestError):
    status = 413
    code = "body_too_large"


class UnsupportedEncoding(RequestError):
    status = 415
    code = "unsupported_encoding"


class UnsupportedMediaType(RequestError):
    status = 415
    code = "unsupported_media_type"


class RateLimited(RequestError):
    """The gateway's own limit, of the key or of a provider; `retry_after_s` is exact."""

    status = 429
    code = "rate_limited"
    type = "rate_limit_error"
    retryable = True


class NoDeploymentAvailable(LLMError):
    status = 503
    code = "no_deployment_available"
    type = "provider_error"
    retryable = True


class DeadlineExceeded(LLMError):
    status = 504
    code = "deadline_exceeded"
    type = "timeout_error"
    retryable = True


class CallerGone(LLMError):
    status = 499
    code = "cancelled"
    type = "invalid_request_error"


class StoreUnavailable(LLMError):
    """No usable answer from the store; whether the command ran is unknown."""

    status = 503
    code = "store_unavailable"
    retryable = True


class StoreUnreadable(StoreUnavailable):
    """The store holds, or answers, what cannot be read.

    Nobody goes on without it, as some may when the store is away: what cannot be read may be a limit.
    """

    @classmethod
    def of(cls, what: str) -> StoreUnreadable:
        """The error that names `what` cannot be read to the operator, never its content."""
        message = "The gateway's store holds something that cannot be read. Quote the request_id to its operator."
        return cls(message, detail=f"unreadable: {what}", retry_after_s=5)


class ProjectMisplaced(StoreUnreadable):
    """Of several databases another one has the project than the configuration says, or nobody can tell.

    To go on with an empty one would forget budgets, and count anew.
    """


class IssuerUnavailable(LLMError):
    """The keys by which tokens are checked did not arrive: nobody can tell whether one is good."""

    status = 503
    code = "issuer_unavailable"
    retryable = True

    @classmethod
    def of(cls, detail: str, retry_after_s: float) -> IssuerUnavailable:
        """The error with why, for the operator."""
        text = "The issuer of tokens did not answer, so nobody can be let in by one now. Try again."
        return cls(text, detail=f"oauth.jwks_url: {detail}", retry_after_s=retry_after_s)


class RecordRefused(LLMError):
    """The store is there and did what it could: the money is right, the record has to be written later."""

    status = 503
    code = "store_unavailable"
    retryable = True


class BacklogUnavailable(LLMError):
    """A settlement could not be kept for later."""

    status = 503
    code = "backlog_unavailable"
    retryable = True


class Overloaded(LLMError):
    """More requests wait for this process than it can take; nothing was asked, held or sent for this one."""

    status = 503
    code = "overloaded"
    retryable = True


class ShuttingDown(LLMError):
    """The request was cut. A provider's call that was under way is charged, as it may be billed."""

    status = 503
    code = "shutting_down"
    retryable = True


class ConfigError(LLMError):
    """Found while loading settings, catalog or prices; names the file and the field."""

    code = "config_error"


class ConfigUnavailable(ConfigError):
    """A document or a secret that did not arrive; another try may succeed."""
