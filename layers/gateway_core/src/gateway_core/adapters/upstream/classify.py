"""How an attempt ended: judged by what the transport saw, and only then by what an engine made of it.

LiteLLM's exceptions mislead: it reports garbage from Gemini as 422 and from DeepSeek as a success, and every fault of
its own as a connection error. Callers read our own words; the provider's are for the operator, redacted.
"""

from __future__ import annotations

from gateway_core.adapters.upstream.about import About
from gateway_core.adapters.upstream.exchange import ProviderExchange
from gateway_core.adapters.upstream.refusal import FREE, Bill, refusal
from gateway_core.domain.provider_errors import (
    AddressRefused,
    ContentFilterError,
    DeploymentUnusable,
    ProviderError,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
)
from gateway_core.wires.errors import WireError
from gateway_core.wires.finish import CONTENT_FILTER, INTERRUPTED
from gateway_core.wires.reasons import status_within

_CALLERS_FAULT = frozenset({400, 422})
_FIRST_ERROR_STATUS = 400
_OF_ITS_SIZE_OR_FORM = frozenset({"encoded", "too_large"})
"""Faults of answers that would be the same a second time."""


def classify(
    seen: ProviderExchange, cause: Exception | None, about: About, *, spoke: bool = False
) -> ProviderError | None:
    """The error that an attempt ended in, or None for a whole, sound answer.

    Args:
        seen: What the transport saw of it.
        cause: What the engine raised, if it did.
        about: The attempt; its time decides how far off a `Retry-After` date is.
        spoke: Whether the answer said something: then it counts without usage, too, as some servers tell none.
    """
    if seen.fault == "deadline" and (seen.status is None or seen.status < _FIRST_ERROR_STATUS):
        return _timed_out(seen, about)
    if seen.status is None:
        return _unsent(seen, cause, about) if seen.requests == 0 else _unanswered(seen, cause, about)
    if seen.status >= _FIRST_ERROR_STATUS:
        return refusal(seen.status, seen.wire.error_of(seen.json) or _prose(seen), seen, about)
    if seen.fault == "redirect":
        text = f"{about.provider} redirected the request elsewhere."
        return _unusable(text, seen, about)
    return _answered(seen, cause, about, spoke=spoke)


def _timed_out(seen: ProviderExchange, about: About) -> ProviderError:
    """The attempt's deadline passed. What was not sent yet cannot be billed."""
    error = ProviderTimeout(f"{about.provider} did not answer for {about.model} in time.", detail=about.detail(seen))
    error.usage, error.unconfirmed = seen.usage, seen.sent
    return error


def _prose(seen: ProviderExchange) -> WireError:
    """An error body that is not the JSON it should be: a proxy's page, mostly."""
    return WireError(labels=frozenset(), message=seen.body.decode(errors="replace"))


def _unsent(seen: ProviderExchange, cause: Exception | None, about: About) -> ProviderError:
    """LiteLLM could not put the request into the provider's words: no fault of the deployment, whoever's it is."""
    detail = about.detail(seen, cause=cause)
    if type(cause).__name__ == "ImageFetchError":
        return ProviderRejected(f"{about.provider} takes images only as data: URLs here.", detail=detail)
    if getattr(cause, "status_code", None) in _CALLERS_FAULT:
        return ProviderRejected(f"The request cannot be put into a form that {about.model} takes.", detail=detail)
    error = DeploymentUnusable(f"The request could not be sent to {about.provider}.", detail=detail)
    error.effect = "skip"
    return error


def _unanswered(seen: ProviderExchange, cause: Exception | None, about: About) -> ProviderError:
    what = "could not be reached" if seen.fault == "connect" else "broke the connection"
    bill = Bill(unconfirmed=seen.sent)
    if seen.fault == "address":
        text = (
            "api_base leads to an address that is private or that nobody may call. "
            "For a host of your own, the gateway's operator can add it to api_base_private_hosts."
        )
        return AddressRefused(text, detail=about.detail(seen))
    if seen.fault == "foreign_host":
        text = f"The gateway does not send its key for {about.provider} to another host."
        return _unusable(text, seen, about, bill, cause)
    return _unavailable(f"{about.provider} {what}.", seen, about, bill, cause)


def _answered(seen: ProviderExchange, cause: Exception | None, about: About, *, spoke: bool) -> ProviderError | None:
    usage = seen.usage
    bill = Bill(usage, unconfirmed=usage is None or not seen.complete)
    if error := seen.wire.error_of(seen.json):
        return refusal(status_within(error), error, seen, about, bill)
    if seen.fault in _OF_ITS_SIZE_OR_FORM:
        return _unusable(f"{about.provider} sent an answer that the gateway does not take.", seen, about, bill, cause)
    if not seen.complete:
        return _unavailable(f"{about.provider}'s answer broke off.", seen, about, bill, cause)
    finish = seen.finish
    if finish == CONTENT_FILTER:
        return ContentFilterError(
            f"{about.provider}'s content filter stopped the answer.",
            detail=about.detail(seen),
            usage=bill.usage,
            unconfirmed=bill.unconfirmed,
        )
    ended = bool(finish) or (spoke and seen.ended_silently)
    if (usage is None and not spoke) or cause or not ended or finish == INTERRUPTED:
        return _unavailable(f"{about.provider} sent something that is not a whole answer.", seen, about, bill, cause)
    return None


def _unavailable(
    text: str, seen: ProviderExchange, about: About, bill: Bill = FREE, cause: Exception | None = None
) -> ProviderUnavailable:
    detail = about.detail(seen, cause=cause)
    return ProviderUnavailable(text, detail=detail, usage=bill.usage, unconfirmed=bill.unconfirmed)


def _unusable(
    text: str, seen: ProviderExchange, about: About, bill: Bill = FREE, cause: Exception | None = None
) -> DeploymentUnusable:
    detail = about.detail(seen, cause=cause)
    return DeploymentUnusable(text, detail=detail, usage=bill.usage, unconfirmed=bill.unconfirmed)
