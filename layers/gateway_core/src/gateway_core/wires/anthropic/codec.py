"""The way of the chat form to Anthropic's Messages and back."""

from __future__ import annotations

from gateway_core.wires.anthropic.answer import answer
from gateway_core.wires.anthropic.events import MessagesReader
from gateway_core.wires.anthropic.objection import objection
from gateway_core.wires.anthropic.request import request
from gateway_core.wires.codec import Codec

ANTHROPIC_CODEC = Codec(
    request=request,
    answer=answer,
    reader=MessagesReader,
    cannot=frozenset({"audio", "custom_tools", "functions", "input_audio", "logit_bias", "logprobs", "n"}),
    objection=objection,
)
