"""One attempt's stream without a gateway around it."""

from __future__ import annotations

from collections.abc import AsyncIterator

from gateway_core.adapters.echo import EchoProvider
from gateway_core.domain.answer import Chunk, Usage
from gateway_core.domain.caller import Attribution
from gateway_core.domain.chat import ChatRequest, ProviderCall
from gateway_core.pipeline.attempt_stream import AttemptStream
from gateway_core.pipeline.stream_meter import StreamMeter
from gateway_core.routing.bounds import PromptSize, bound_chat
from gateway_core.routing.unknown_end import StoppedStream, charged_usage
from tests.conftest import catalog_of, model
from tests.manual_clock import ManualClock


class _AtOnce(StreamMeter):
    """Without a thread, which takes time where no other does."""

    async def charged(self, stream: StoppedStream) -> Usage:
        return charged_usage(stream, self.counter.count_tokens, self.call, self.bounded, self.provider)


_CATALOG = catalog_of(model("m"))
_REQUEST = ChatRequest(({"role": "user", "content": "hi"},), Attribution("alpha"), model="m")


def attempt_stream(chunks: AsyncIterator[Chunk], *, first_s: float, stall_s: float) -> AttemptStream:
    """Of a provider that says these chunks."""
    bounded = bound_chat(_REQUEST, PromptSize.of(_REQUEST), _CATALOG.models["m"], _CATALOG)
    call = ProviderCall(bounded.model.deployment, _REQUEST.messages, {}, bounded.output_cap, 60.0, "req_1")
    meter = _AtOnce(EchoProvider(), call, bounded, _CATALOG.provider(bounded.model.provider))
    return AttemptStream(chunks, meter, ManualClock(), first_s=first_s, stall_s=stall_s)
