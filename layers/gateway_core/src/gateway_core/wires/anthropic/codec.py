"""The way of the chat form to Anthropic's Messages and back."""

from __future__ import annotations

from gateway_core.domain.chat import ProviderCall
from gateway_core.wires.anthropic.answer import answer
from gateway_core.wires.anthropic.events import MessagesReader
from gateway_core.wires.anthropic.forward import forwarded
from gateway_core.wires.anthropic.objection import objection
from gateway_core.wires.anthropic.record import ANTHROPIC
from gateway_core.wires.anthropic.request import request
from gateway_core.wires.codec import Codec, UpstreamRequest


def _request(call: ProviderCall, streams: bool) -> UpstreamRequest:
    """As it came, where it came on this wire; else made of the chat form."""
    body = call.body_on(ANTHROPIC.name)
    return request(call, streams) if body is None else forwarded(call, body, streams=streams)


ANTHROPIC_CODEC = Codec(
    request=_request,
    answer=answer,
    reader=MessagesReader,
    cannot=frozenset({"audio", "custom_tools", "functions", "input_audio", "logit_bias", "logprobs", "n"}),
    objection=objection,
)
