"""Answers of `/v1/messages`, whole and in events, with errors in the wire's own form."""

from __future__ import annotations

import re
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from gateway_core.api.anthropic.form import ANTHROPIC_FORM
from gateway_core.api.complete import gateway_headers
from gateway_core.api.errors import status_of
from gateway_core.api.schemas import DROPPED_HEADER, cost_body
from gateway_core.api.sse import Events, event
from gateway_core.api.stream_answer import StreamParts, stream_error_body
from gateway_core.domain.answer import Chunk, ProviderAnswer
from gateway_core.domain.errors import LLMError
from gateway_core.domain.provider_errors import ProviderRejected
from gateway_core.domain.result import Completion
from gateway_core.wires.anthropic.inbound.answer import message_body
from gateway_core.wires.anthropic.inbound.events import MessagesWriter
from gateway_core.wires.anthropic.inbound.request import Inbound
from gateway_core.wires.anthropic.inbound.words import callers_names, callers_path, callers_text
from gateway_core.wires.table import traits_of

_FAULT = re.compile(r"finds fault with ([\w.]+\w)")


def whole_answer(done: Completion[ProviderAnswer], asked: Inbound) -> tuple[dict[str, Any], dict[str, str]]:
    """The body and the headers."""
    named = replace(done.answer, dropped_params=callers_names(done.answer.dropped_params))
    body = message_body(done.answer, done.usage, done.model.key, done.id, asked.names)
    return body, gateway_headers(replace(done, answer=named))


def in_callers_words(error: LLMError, asked: Inbound) -> LLMError:
    """The error with the fields that it names as the caller knows them."""
    error.message = callers_text(error.message, asked)
    error.param = _own_path(error, asked) or (error.param and callers_path(error.param, asked))
    return error


def _own_path(error: LLMError, asked: Inbound) -> str:
    """What a provider finds fault with that was sent the caller's own body: it names fields, and counts, as he does."""
    last = error.attempts[-1].provider if isinstance(error, ProviderRejected) and error.attempts else ""
    found = _FAULT.search(error.message) if last and traits_of(last).chat.name == asked.spoken.wire else None
    return found[1] if found else ""


def stream_headers(headers: dict[str, str]) -> dict[str, str]:
    """Those of a stream that begins, with the caller's own names of what was left out."""
    if DROPPED_HEADER not in headers:
        return headers
    return {**headers, DROPPED_HEADER: ", ".join(callers_names(headers[DROPPED_HEADER].split(", ")))}


async def message_events(parts: StreamParts, model: str, request_id: str, asked: Inbound) -> Events:
    """The events of an answer. One that broke ends with the event `error`, never with `message_stop`."""
    writer = MessagesWriter(request_id, model, asked.names)
    try:
        async with aclosing(parts):
            async for part in parts:
                if isinstance(part, Completion):
                    cost = cost_body(part.cost)["total_usd"]
                    for made in writer.end(part.answer.finish_reason, part.usage, cost_usd=cost):
                        yield event(made, made["type"])
                elif isinstance(part, Chunk) and (part.forwarded or part.is_content):
                    for made in writer.chunk(part):
                        yield event(made, made["type"])
    except LLMError as error:
        told = stream_error_body(in_callers_words(error, asked), request_id)["error"]
        yield event(ANTHROPIC_FORM.body(ANTHROPIC_FORM.status(status_of(error)), told), "error")
