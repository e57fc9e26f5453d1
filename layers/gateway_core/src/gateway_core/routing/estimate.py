"""What an attempt cost at least, where its provider does not say."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway_core.domain.chat import Deployment, Json, ProviderCall, TokenCount, Usage
from gateway_core.domain.terms import billed_service_tier

type Count = Callable[[Deployment, Sequence[Json], Json], TokenCount]
"""Counts the tokens of messages and options for a deployment."""


def estimated_usage(count: Count, call: ProviderCall, said: str) -> Usage:
    """The input as sent, and what was said as output, at the service tier that was asked for.

    May take a while for a long prompt.
    """
    sent = count(call.deployment, call.messages, call.params).input_tokens
    # What frames a message in a prompt is no output.
    written = _written(count, call.deployment, said) - _written(count, call.deployment, "")
    tier = "" if "service_tier" in call.rules.refuses else billed_service_tier(call.params)
    return Usage(sent, written, service_tier=tier)


def _written(count: Count, deployment: Deployment, text: str) -> int:
    return count(deployment, [{"role": "assistant", "content": text}], {}).input_tokens
