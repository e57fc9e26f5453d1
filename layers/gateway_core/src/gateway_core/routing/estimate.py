"""What an attempt cost at least, where its provider does not say."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway_core.domain.answer import TokenCount, Usage
from gateway_core.domain.chat import Deployment, Json, ProviderCall
from gateway_core.domain.terms import billed_service_tier

type Count = Callable[[Deployment, Sequence[Json], Json], TokenCount]
"""Counts the tokens of messages and options for a deployment."""


def estimated_usage(count: Count, call: ProviderCall, said: str) -> Usage:
    """The input as sent, and what was said as output, at the service tier that was asked for.

    May take a while for a long prompt.
    """
    sent = count(call.deployment, call.messages, call.params).input_tokens
    return Usage(sent, written_tokens(count, call.deployment, said), service_tier=asked_tier(call))


def asked_tier(call: ProviderCall) -> str:
    """The service tier that bills an answer which names none: what was asked for, where the model takes the option."""
    return "" if "service_tier" in call.rules.refuses else billed_service_tier(call.params)


def written_tokens(count: Count, deployment: Deployment, said: str) -> int:
    """The tokens of a text as output."""
    # What frames a message in a prompt is no output.
    return _written(count, deployment, said) - _written(count, deployment, "")


def _written(count: Count, deployment: Deployment, text: str) -> int:
    return count(deployment, [{"role": "assistant", "content": text}], {}).input_tokens
