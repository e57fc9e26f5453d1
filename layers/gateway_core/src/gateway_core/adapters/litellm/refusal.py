"""A provider's refusal as an error of ours: by status first, by machine words next, by its prose last.

Prose is only looked at for statuses that say "bad request", where providers leave no other way to tell a prompt that
is too long from a malformed one. Providers repeat parts of the request in their prose, so patterns that would count
against the deployment only match at its start. Sources: the error pages of the four providers' API references.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway_core.adapters.litellm.about import About
from gateway_core.adapters.litellm.exchange import Exchange
from gateway_core.adapters.litellm.retry_after import retry_after_s
from gateway_core.adapters.litellm.wire import WireError
from gateway_core.domain import Usage
from gateway_core.errors import (
    BadCredentials,
    ContentFilterError,
    ContextLengthError,
    ProviderError,
    ProviderRejected,
    ProviderUnavailable,
    RateLimitError,
)

_BAD_REQUEST = frozenset({400, 413, 422})
_TOO_LONG = re.compile(
    r"prompt is too long|maximum (?:context|input) length|context (?:window|limit|length)"
    r"|exceeds the maximum number of tokens|input token count|too many input tokens",
    re.IGNORECASE,
)
_TOO_LONG_LABELS = frozenset(
    {"context_length_exceeded", "max_tokens_per_request", "request_too_large", "string_above_max_length"}
)
_FILTERED = re.compile(
    r"content filter|content exists risk|usage polic(?:y|ies)|safety system|content management policy", re.IGNORECASE
)
_FILTERED_LABELS = frozenset({"content_filter", "content_policy_violation", "moderation_blocked"})
_BAD_KEY = re.compile(r"\Aapi key (?:not valid|expired|not found)", re.IGNORECASE)
_BAD_KEY_LABELS = frozenset({"api_key_invalid", "invalid_api_key", "authentication_error", "unauthenticated"})
_NO_CREDIT = re.compile(r"\A(?:your credit balance is too low|insufficient balance)", re.IGNORECASE)
_NO_CREDIT_LABELS = frozenset({"insufficient_quota", "billing_error", "billing_hard_limit_reached"})
_GONE = re.compile(r"\Amodel not exist", re.IGNORECASE)
_GONE_LABELS = frozenset({"model_not_found"})

_STATUS_OF_LABEL = (
    ("rate_limit_error", 429),
    ("rate_limit_exceeded", 429),
    ("resource_exhausted", 429),
    ("insufficient_quota", 429),
    ("overloaded_error", 529),
    ("authentication_error", 401),
    ("invalid_api_key", 401),
    ("permission_error", 403),
    ("billing_error", 402),
    ("not_found_error", 404),
    ("model_not_found", 404),
    ("request_too_large", 413),
    ("context_length_exceeded", 400),
    ("content_filter", 400),
    ("invalid_prompt", 400),
    ("invalid_request_error", 400),
)
_DEFAULT_STATUS = 500


@dataclass(frozen=True, slots=True)
class Bill:
    """What the provider is known to charge for the attempt, and whether it may charge more than is known."""

    usage: Usage | None = None
    unconfirmed: bool = False


FREE = Bill()


def status_within(error: WireError) -> int:
    """The HTTP status that an error inside a 200 body stands for; 500 if it does not say."""
    if error.status is not None and 400 <= error.status <= 599:  # noqa: PLR2004 - HTTP's error classes
        return error.status
    return next((status for label, status in _STATUS_OF_LABEL if label in error.labels), _DEFAULT_STATUS)


def refusal(status: int, error: WireError, seen: Exchange, about: About, bill: Bill = FREE) -> ProviderError:
    """The error for a provider's refusal with this status (400 to 599)."""
    kind, message = _kind(status, error)
    wait = retry_after_s(seen.headers, error.retry_delay, now_ms=about.now_ms)
    return kind(
        message.format(provider=about.provider, model=about.model),
        detail=about.detail(seen, error),
        retry_after_s=wait if issubclass(kind, RateLimitError | ProviderUnavailable) else None,
        usage=bill.usage,
        unconfirmed=bill.unconfirmed,
    )


type _Kind = tuple[type[ProviderError], str]
_GONE_KIND: _Kind = (
    ProviderUnavailable,
    "{provider} does not serve the model {model}: it is retired or unknown there.",
)
_NO_CREDIT_KIND: _Kind = (ProviderUnavailable, "The gateway's account at {provider} has no credit left.")
_BAD_KEY_KIND: _Kind = (BadCredentials, "{provider} refused the gateway's credentials.")
_RATE_KIND: _Kind = (RateLimitError, "{provider} is limiting the rate of requests to {model}.")
_TOO_LONG_KIND: _Kind = (ContextLengthError, "The request is longer than {model} can read.")
_FILTERED_KIND: _Kind = (ContentFilterError, "{provider}'s content filter refused the request.")
_REJECTED_KIND: _Kind = (ProviderRejected, "{provider} rejected the request as invalid for {model}.")
_DOWN_KIND: _Kind = (ProviderUnavailable, "{provider} failed to serve {model}.")


def _kind(status: int, error: WireError) -> _Kind:
    if status in _BAD_REQUEST:
        return _bad_request(status, error)
    if error.labels & _GONE_LABELS or status in (404, 410):
        return _GONE_KIND
    if status == 402 or (status == 429 and error.labels & _NO_CREDIT_LABELS):  # noqa: PLR2004 - HTTP statuses
        return _NO_CREDIT_KIND
    return {401: _BAD_KEY_KIND, 403: _BAD_KEY_KIND, 429: _RATE_KIND}.get(status, _DOWN_KIND)


_BY_LABEL = (
    (_TOO_LONG_LABELS, _TOO_LONG_KIND),
    (_FILTERED_LABELS, _FILTERED_KIND),
    (_BAD_KEY_LABELS, _BAD_KEY_KIND),
    (_NO_CREDIT_LABELS, _NO_CREDIT_KIND),
    (_GONE_LABELS, _GONE_KIND),
    (frozenset({"failed_precondition"}), _DOWN_KIND),
)
_BY_PROSE = (
    (_TOO_LONG, _TOO_LONG_KIND),
    (_FILTERED, _FILTERED_KIND),
    (_BAD_KEY, _BAD_KEY_KIND),
    (_NO_CREDIT, _NO_CREDIT_KIND),
    (_GONE, _GONE_KIND),
)


def _bad_request(status: int, error: WireError) -> _Kind:
    by_label = (kind for labels, kind in _BY_LABEL if error.labels & labels)
    by_prose = (kind for prose, kind in _BY_PROSE if prose.search(error.message))
    fallback = _TOO_LONG_KIND if status == 413 else _REJECTED_KIND  # noqa: PLR2004 - Content Too Large
    return next(by_label, None) or next(by_prose, None) or fallback
