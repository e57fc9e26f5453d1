"""What an attempt cost at least, where its provider does not say."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway_core.domain.chat import Deployment, Json, ProviderCall, TokenCount, Usage

type Count = Callable[[Deployment, Sequence[Json], Json], TokenCount]
"""Counts the tokens of messages and options for a deployment."""


def estimated_usage(count: Count, call: ProviderCall, said: str) -> Usage:
    """The input as sent, and what was said as output. May take a while for a long prompt."""
    sent = count(call.deployment, call.messages, call.params).input_tokens
    # What frames a message in a prompt is no output.
    return Usage(sent, _written(count, call.deployment, said) - _written(count, call.deployment, ""))


def _written(count: Count, deployment: Deployment, text: str) -> int:
    return count(deployment, [{"role": "assistant", "content": text}], {}).input_tokens
