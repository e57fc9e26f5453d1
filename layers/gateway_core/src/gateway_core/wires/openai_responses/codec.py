"""The way of the chat form to Responses and back; for a caller on this wire, the way of what it said itself."""

from __future__ import annotations

from gateway_core.domain.answer import ProviderAnswer
from gateway_core.domain.chat import ProviderCall
from gateway_core.wires.codec import Codec, EventReader, UpstreamRequest
from gateway_core.wires.openai_responses import answer as translated
from gateway_core.wires.openai_responses.events import ResponsesReader
from gateway_core.wires.openai_responses.record import OPENAI_RESPONSES
from gateway_core.wires.openai_responses.request import request as translate

# Functions that no caller asks on this wire start without what forwards: it is imported where it is needed.


def _request(call: ProviderCall, streams: bool) -> UpstreamRequest:
    body = call.body_on(OPENAI_RESPONSES.name)
    if body is None:
        return translate(call, streams)
    from gateway_core.wires.openai_responses.forwarding import forwarded_request  # noqa: PLC0415

    return forwarded_request(call, body, streams)


def _answer(call: ProviderCall, body: object) -> ProviderAnswer:
    said = translated.answer(call, body)
    if call.body_on(OPENAI_RESPONSES.name) is None:
        return said
    from gateway_core.wires.openai_responses.forwarded import with_forwarded  # noqa: PLC0415

    return with_forwarded(said, body)


def _reader(call: ProviderCall) -> EventReader:
    if call.body_on(OPENAI_RESPONSES.name) is None:
        return ResponsesReader(call)
    from gateway_core.wires.openai_responses.forwarded import ForwardedReader  # noqa: PLC0415

    return ForwardedReader(call)


OPENAI_RESPONSES_CODEC = Codec(
    request=_request,
    answer=_answer,
    reader=_reader,
    # Input is text, images and files, output is text; there is one answer, and no bias.
    # https://platform.openai.com/docs/guides/migrate-to-responses
    cannot=frozenset({"audio", "functions", "input_audio", "logit_bias", "logprobs", "n"}),
)
