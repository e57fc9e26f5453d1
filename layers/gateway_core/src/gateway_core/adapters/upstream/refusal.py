"""A provider's refusal as an error of ours: by status first, by its words next, see `wires.reasons`.

Prose is looked at for statuses that say "bad request", where providers leave no other way to tell a prompt that is too
long from a malformed one, and for 429, which some also send when there is no credit left.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gateway_core.adapters.upstream.about import About
from gateway_core.adapters.upstream.exchange import ProviderExchange
from gateway_core.adapters.upstream.retry_after import retry_after_s
from gateway_core.domain.answer import Usage
from gateway_core.domain.provider_errors import (
    BadCredentials,
    ContentFilterError,
    ContextLengthError,
    DeploymentUnusable,
    ProviderError,
    ProviderRejected,
    ProviderUnavailable,
    RateLimitError,
)
from gateway_core.wires.errors import WireError
from gateway_core.wires.reasons import has_label, reason_of, speaks_of
from gateway_core.wires.wire import Reason

_BAD_REQUEST = frozenset({400, 413, 422})
_LEFT_ALONE_S = 60.0
"""Without credit every call is refused: one a minute is enough to see when that changes."""
_PASSING = frozenset({408, 409, 424, 425, *range(500, 600)}) - {501, 505}
"""Statuses after which the same request may well succeed. 529 is Anthropic's overload, 424 a failure of a model at
Bedrock."""


@dataclass(frozen=True, slots=True)
class Bill:
    """What the provider is known to charge for the attempt, and whether it may charge more than is known."""

    usage: Usage | None = None
    unconfirmed: bool = False


FREE = Bill()


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
    if found is _REJECTED_KIND and error.field:
        refused.param = _callers_field(error.field)
        refused.message = f"{refused.message[:-1]}; it finds fault with {error.field}{_why(error)}."
    if found is _NO_CREDIT_KIND:
        refused.effect, refused.retry_after_s = "limit", max(wait or 0.0, _LEFT_ALONE_S)
    return refused


_CALLERS_WORDS = {
    "contents": "messages",
    "system_instruction": "messages",
    "tool_config": "tool_choice",
    "input": "messages",
    "max_output_tokens": "max_tokens",
    "output_config": "response_format",
    "reasoning": "reasoning_effort",
    "system": "messages",
    "text": "response_format",
}
"""What callers call the members of requests that other wires have."""
_SAYS_LITTLE = frozenset({"400", "error", "invalid_argument", "invalid_request_error"})
_WORD = re.compile(r"[a-z_]{3,60}")


def _callers_field(path: str) -> str:
    """The field in the caller's words: as a path where both have the same, else its first member."""
    dotted = re.sub(r"\[(\w+)\]", r".\1", path)
    head = dotted.partition(".")[0]
    return _CALLERS_WORDS.get(head, dotted)


def _why(error: WireError) -> str:
    """The provider's machine word, if it says more than that the request is wrong."""
    word = next((label for label in sorted(error.labels - _SAYS_LITTLE) if _WORD.fullmatch(label)), "")
    return f" ({word})" if word else ""


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
    if has_label(error, "gone") or status in (404, 410):
        return _GONE_KIND
    if status == 402 or (status == 429 and speaks_of(error, "no_credit")):  # noqa: PLR2004 - HTTP statuses
        return _NO_CREDIT_KIND
    otherwise = _DOWN_KIND if status in _PASSING else _UNUSABLE_KIND
    return {401: _BAD_KEY_KIND, 403: _BAD_KEY_KIND, 429: _RATE_KIND}.get(status, otherwise)


_KINDS: Mapping[Reason | None, _Kind] = {
    "too_long": _TOO_LONG_KIND,
    "filtered": _FILTERED_KIND,
    "bad_key": _BAD_KEY_KIND,
    "no_credit": _NO_CREDIT_KIND,
    "gone": _GONE_KIND,
    "unusable": _UNUSABLE_KIND,
}


def _bad_request(status: int, error: WireError) -> _Kind:
    fallback = _TOO_LONG_KIND if status == 413 else _REJECTED_KIND  # noqa: PLR2004 - Content Too Large
    return _KINDS.get(reason_of(error), fallback)
