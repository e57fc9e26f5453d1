"""The way of the chat form to Responses and back."""

from __future__ import annotations

from gateway_core.wires.codec import Codec
from gateway_core.wires.openai_responses.answer import answer
from gateway_core.wires.openai_responses.events import ResponsesReader
from gateway_core.wires.openai_responses.request import request

OPENAI_RESPONSES_CODEC = Codec(
    request=request,
    answer=answer,
    reader=ResponsesReader,
    # Input is text, images and files, output is text; there is one answer, and no bias.
    # https://platform.openai.com/docs/guides/migrate-to-responses
    cannot=frozenset({"audio", "functions", "input_audio", "logit_bias", "logprobs", "n"}),
)
