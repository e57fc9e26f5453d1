"""The engine of our own: a wire's codec, and the attempt's line."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway_core.adapters.upstream.attempts import Line
from gateway_core.adapters.upstream.sending import Encoded, encoded, post, post_and_read
from gateway_core.adapters.upstream.streams import Opened
from gateway_core.domain.answer import ProviderAnswer
from gateway_core.domain.chat import Deployment, ProviderCall
from gateway_core.wires.codec import Codec
from gateway_core.wires.codecs import codec_of


@dataclass(slots=True)
class _Prepared:
    """A translation for one attempt, which is let go of with it: a stream may outlast its request by minutes."""

    encoded: Encoded | None
    streams: bool

    def take(self, *, streams: bool) -> Encoded | None:
        found, self.encoded = self.encoded, None
        return found if self.streams == streams else None


class NativeEngine:
    """A `TranslationEngine` for deployments on wires that have a codec."""

    def prepare(self, call: ProviderCall, *, streams: bool) -> ProviderCall:
        """Put it into the words of its wire. Raises LookupError without a codec."""
        return replace(call, prepared=_Prepared(_translated(call, streams=streams), streams))

    async def complete(self, call: ProviderCall, line: Line) -> ProviderAnswer:
        """A whole answer; finish, usage and rates are the attempt's to read. Raises LookupError without a codec."""
        ready = _taken(call, streams=False)
        await post_and_read(call.deployment, ready, line)
        answer, dropped = _codec(call.deployment).answer(call, line.seen.json), ready.request.dropped
        return replace(answer, dropped_params=dropped) if dropped else answer

    async def open(self, call: ProviderCall, line: Line) -> Opened:
        """A stream; what is no event stream is read whole, for its error."""
        ready = _taken(call, streams=True)
        await post(call.deployment, ready, line)
        if line.seen.watch is None:
            await line.transport.read_all()
        return Opened(_codec(call.deployment).reader(call), ready.request.dropped)


def _taken(call: ProviderCall, *, streams: bool) -> Encoded:
    prepared = call.prepared.take(streams=streams) if isinstance(call.prepared, _Prepared) else None
    return prepared or _translated(call, streams=streams)


def _translated(call: ProviderCall, *, streams: bool) -> Encoded:
    return encoded(_codec(call.deployment).request(call, streams))


def _codec(deployment: Deployment) -> Codec:
    codec = codec_of(deployment)
    if codec is None:
        raise LookupError(f"no wire of ours speaks to {deployment.provider}")
    return codec
