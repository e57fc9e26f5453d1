"""What an attempt at a stream has cost where its provider does not say, as counted here."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from gateway_core.domain.answer import Usage
from gateway_core.domain.catalog import Provider
from gateway_core.domain.chat import ProviderCall
from gateway_core.ports import TokenCounter
from gateway_core.routing.bounds import BoundedCandidate
from gateway_core.routing.estimate import estimated_usage
from gateway_core.routing.unknown_end import StoppedStream, charged_usage
from gateway_core.wires.hidden import hides_output


@dataclass(frozen=True, slots=True)
class StreamMeter:
    """Of one attempt. Counts in a thread: a long prompt takes the tokeniser a while."""

    counter: TokenCounter
    call: ProviderCall
    bounded: BoundedCandidate
    provider: Provider

    @property
    def hides_output(self) -> bool:
        """Whether the provider may write what no event of the stream shows."""
        return hides_output(self.call, self.bounded.model)

    async def counted(self, said: str) -> Usage:
        """What a stream that ended well cost at least: its input, and that text as output."""
        return await asyncio.to_thread(estimated_usage, self.counter.count_tokens, self.call, said)

    async def charged(self, stream: StoppedStream) -> Usage:
        """What a stream is charged that ended early, see `routing.unknown_end`."""
        return await asyncio.to_thread(
            charged_usage, stream, self.counter.count_tokens, self.call, self.bounded, self.provider
        )
