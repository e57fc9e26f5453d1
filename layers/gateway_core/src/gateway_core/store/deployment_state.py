"""What the fleet knows of its deployments: breaker, speed, and what their providers say of their limits."""

from __future__ import annotations

from dataclasses import dataclass

from gateway_core.store.rate_limit import ProviderLimits


@dataclass(frozen=True, slots=True)
class Measured:
    """A moving average of successful calls in milliseconds, and when the last of them ended (epoch milliseconds)."""

    average_ms: float
    at_ms: int


@dataclass(frozen=True, slots=True)
class DeploymentState:
    """What the fleet knows of one deployment. The averages are None until there is a success to measure.

    `whole_answer` learns `comparable_ms` of answers that were not streamed, `first_content` how long streams took to
    begin: what a caller waits for differs, so nothing compares the one with the other. `provider_limits` is None while
    the provider has reported nothing of its rate limits.
    """

    provider: str
    deployment_id: str
    state: str
    failures: int
    until_ms: int
    whole_answer: Measured | None
    first_content: Measured | None = None
    provider_limits: ProviderLimits | None = None


_COMPARED_TOKENS = 100


def comparable_ms(latency_ms: int, output_tokens: int) -> int:
    """The time of a whole answer such that long answers compare with short ones: that of its share of 100 tokens.

    An answer of up to 100 tokens counts as it is: with so few, the time until the first one is most of it.
    """
    return latency_ms if output_tokens <= _COMPARED_TOKENS else latency_ms * _COMPARED_TOKENS // output_tokens
