"""The engine of our own: a wire's codec, and the attempt's line."""

from __future__ import annotations

from dataclasses import replace

from gateway_core.adapters.upstream.attempts import Line
from gateway_core.adapters.upstream.sending import post, post_and_read
from gateway_core.adapters.upstream.streams import Opened
from gateway_core.domain.answer import ProviderAnswer
from gateway_core.domain.chat import Deployment, ProviderCall
from gateway_core.wires.codec import Codec
from gateway_core.wires.codecs import codec_of


class NativeEngine:
    """A `TranslationEngine` for deployments on wires that have a codec."""

    async def complete(self, call: ProviderCall, line: Line) -> ProviderAnswer:
        """A whole answer; finish, usage and rates are the attempt's to read. Raises LookupError without a codec."""
        codec = _codec(call.deployment)
        request = codec.request(call, False)  # noqa: FBT003 - as every codec's
        await post_and_read(call.deployment, request, line)
        answer = codec.answer(call, line.seen.json)
        return replace(answer, dropped_params=request.dropped) if request.dropped else answer

    async def open(self, call: ProviderCall, line: Line) -> Opened:
        """A stream; what is no event stream is read whole, for its error."""
        codec = _codec(call.deployment)
        request = codec.request(call, True)  # noqa: FBT003 - as above
        await post(call.deployment, request, line)
        if line.seen.watch is None:
            await line.transport.read_all()
        return Opened(codec.reader(call), request.dropped)


def _codec(deployment: Deployment) -> Codec:
    codec = codec_of(deployment)
    if codec is None:
        raise LookupError(f"no wire of ours speaks to {deployment.provider}")
    return codec
