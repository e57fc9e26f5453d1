"""The way of the chat form to Gemini's generateContent and back."""

from __future__ import annotations

from gateway_core.wires.codec import Codec
from gateway_core.wires.gemini.answer import answer
from gateway_core.wires.gemini.events import GeminiReader
from gateway_core.wires.gemini.objections import objection
from gateway_core.wires.gemini.request import request

GEMINI_CODEC = Codec(
    request=request,
    answer=answer,
    reader=GeminiReader,
    # The wire has `candidateCount` and `responseLogprobs`, but not every model takes them.
    cannot=frozenset({"audio", "custom_tools", "functions", "logit_bias", "logprobs", "n"}),
    objection=objection,
)
