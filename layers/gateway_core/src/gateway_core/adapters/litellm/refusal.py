"""A provider's refusal as an error of ours: by status first, by machine words next, by its prose last.

Prose is looked at for statuses that say "bad request", where providers leave no other way to tell a prompt that is too
long from a malformed one, and for 429, which some also send when there is no credit left. Providers repeat parts of the
request in their prose, so patterns that would count against the deployment only match at its start. Sources: the error
pages of the four providers' API references, and for Gemini's depleted credits what clients report.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway_core.adapters.litellm.about import About
from gateway_core.adapters.litellm.exchange import ProviderExchange
from gateway_core.adapters.litellm.retry_after import retry_after_s
from gateway_core.adapters.litellm.wire import WireError
from gateway_core.domain.chat import Usage
from gateway_core.domain.errors import (
    BadCredentials,
    ContentFilterError,
    ContextLengthError,
    DeploymentUnusable,
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
_BAD_KEY = re.compile(
    r"\A(?:api key (?:not valid|expired|not found)|this organization has been disabled)", re.IGNORECASE
)
_BAD_KEY_LABELS = frozenset({"api_key_invalid", "invalid_api_key", "authentication_error", "unauthenticated"})
_NO_CREDIT = re.compile(
    r"\A(?:your credit balance is too low|insufficient balance|your prepayment credits are depleted"
    r"|you have reached your specified (?:workspace )?api usage limits)",
    re.IGNORECASE,
)
_NO_CREDIT_LABELS = frozenset(
    {
        "billing_error",
        "billing_hard_limit_reached",
        "billing_not_active",
        "credit_balance_exhausted",
        "insufficient_quota",
        "organization_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
        "project_spend_limit_exceeded",
    }
)
_LEFT_ALONE_S = 60.0
"""Without credit every call is refused: one a minute is enough to see when that changes."""
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
_PASSING = frozenset({408, 409, 425, *range(500, 600)}) - {501, 505}
"""Statuses after which the same request may well succeed. 529 is Anthropic's overload."""


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


def refusal(status: int, error: WireError, seen: ProviderExchange, about: About, bill: Bill = FREE) -> ProviderError:
    """The error for a provider's refusal with this status (400 to 599)."""
    kind, message = found = _kind(status, error)
    wait = retry_after_s(seen.headers, error.retry_delay, now_ms=about.now_ms)
    refused = kind(
        message.format(provider=about.provider, model=about.model),
        detail=about.detail(seen, error),
        retry_after_s=wait if issubclass(kind, RateLimitError | ProviderUnavailable) else None,
        usage=bill.usage,
        unconfirmed=bill.unconfirmed,
    )
    if found is _NO_CREDIT_KIND:
        refused.effect, refused.retry_after_s = "limit", max(wait or 0.0, _LEFT_ALONE_S)
    return refused


type _Kind = tuple[type[ProviderError], str]
_GONE_KIND: _Kind = (
    DeploymentUnusable,
    "{provider} does not serve the model {model}: it is retired or unknown there.",
)
_NO_CREDIT_KIND: _Kind = (DeploymentUnusable, "The gateway's account at {provider} has no credit left.")
_BAD_KEY_KIND: _Kind = (BadCredentials, "{provider} refused the gateway's credentials.")
_RATE_KIND: _Kind = (RateLimitError, "{provider} is limiting the rate of requests to {model}.")
_TOO_LONG_KIND: _Kind = (ContextLengthError, "The request is longer than {model} can read.")
_FILTERED_KIND: _Kind = (ContentFilterError, "{provider}'s content filter refused the request.")
_REJECTED_KIND: _Kind = (ProviderRejected, "{provider} rejected the request as invalid for {model}.")
_DOWN_KIND: _Kind = (ProviderUnavailable, "{provider} failed to serve {model}.")
_UNUSABLE_KIND: _Kind = (DeploymentUnusable, "{provider} cannot serve {model} as the gateway is set up there.")


def _kind(status: int, error: WireError) -> _Kind:
    if status in _BAD_REQUEST:
        return _bad_request(status, error)
    if error.labels & _GONE_LABELS or status in (404, 410):
        return _GONE_KIND
    if status == 402 or (status == 429 and _has_no_credit(error)):  # noqa: PLR2004 - HTTP statuses
        return _NO_CREDIT_KIND
    otherwise = _DOWN_KIND if status in _PASSING else _UNUSABLE_KIND
    return {401: _BAD_KEY_KIND, 403: _BAD_KEY_KIND, 429: _RATE_KIND}.get(status, otherwise)


def _has_no_credit(error: WireError) -> bool:
    return bool(error.labels & _NO_CREDIT_LABELS or _NO_CREDIT.search(error.message))


_BY_LABEL = (
    (_TOO_LONG_LABELS, _TOO_LONG_KIND),
    (_FILTERED_LABELS, _FILTERED_KIND),
    (_BAD_KEY_LABELS, _BAD_KEY_KIND),
    (_NO_CREDIT_LABELS, _NO_CREDIT_KIND),
    (_GONE_LABELS, _GONE_KIND),
    (frozenset({"failed_precondition"}), _UNUSABLE_KIND),
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
