"""Reads what a function streams: its events one by one, or an answer that is no stream after all."""

from __future__ import annotations

from collections.abc import AsyncIterator

from gateway_core.invocation import FunctionUnavailable, HttpAnswer, HttpStream
from gateway_core.mcp_front.sse import EventReader, SseEvent

_MOST_ERROR_BYTES = 1024 * 1024


async def events_of(answer: HttpStream) -> AsyncIterator[SseEvent]:
    """The events as they come. Raises FunctionUnavailable for anything else."""
    reader = EventReader()
    try:
        async for part in answer.parts:
            for event in reader.feed(part):
                yield event
    except ValueError:
        raise FunctionUnavailable("the stream is not one of ours") from None


async def whole_of(answer: HttpStream) -> HttpAnswer:
    """An error's body, as far as anybody reads it."""
    body = bytearray()
    async for part in answer.parts:
        body += part
        if len(body) > _MOST_ERROR_BYTES:
            break
    return HttpAnswer(answer.status, answer.headers, bytes(body))
