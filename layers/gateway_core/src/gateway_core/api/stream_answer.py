"""A stream of the gateway as an HTTP answer: errors before the first piece are plain HTTP, later ones are in-band."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from gateway_core.api.degraded import DEGRADED_HEADER
from gateway_core.api.errors import error_body
from gateway_core.api.schemas import CACHED_HEADER, DOWNGRADED_HEADER, DROPPED_HEADER, cost_body, usage_body
from gateway_core.api.sse import HEARTBEAT_S
from gateway_core.api.word_buffer import WordBuffer
from gateway_core.crowd.stopping import stopped_as_error
from gateway_core.domain.answer import Chunk
from gateway_core.domain.errors import LLMError
from gateway_core.domain.result import Opened
from gateway_core.pipeline.gateway import StreamPart
from gateway_core.telemetry.telemetry import Telemetry

type StreamParts = AsyncGenerator[StreamPart]


@dataclass(frozen=True, slots=True)
class Started:
    """A stream that begins now. `headers` tell which model answers, unless that took longer than anybody waits."""

    parts: StreamParts
    headers: dict[str, str]
    opened: Opened | None


async def start(parts: StreamParts, request_id: str, telemetry: Telemetry, patience_s: float = HEARTBEAT_S) -> Started:
    """Wait for the first piece, so that what fails before it can still be told by the HTTP status.

    For `patience_s` at most: then the answer must begin, to keep the connection alive. Raises LLMError.
    """
    first = asyncio.ensure_future(anext(parts, None))
    try:
        await asyncio.wait({first}, timeout=patience_s)
        part = first.result() if first.done() else None
    except BaseException:
        await _end(first, parts)
        raise
    opened = part if isinstance(part, Opened) else None
    return Started(_from(first, parts, request_id, telemetry), _headers(opened, request_id), opened)


async def in_words(parts: StreamParts) -> StreamParts:
    """The same stream, with text held back until its words are complete."""
    words = WordBuffer()
    try:
        async for part in parts:
            if isinstance(part, Chunk):
                for chunk in words.push(part):
                    yield chunk
                continue
            for chunk in words.flush():
                yield chunk
            yield part
    except LLMError:
        for chunk in words.flush():
            yield chunk
        raise
    finally:
        await parts.aclose()


def stream_error_body(error: LLMError, request_id: str) -> dict[str, Any]:
    """The error, with what the stream has used and cost until it broke."""
    body = error_body(error, request_id)
    if error.billed:
        usage, cost = error.billed
        body["error"] |= {"usage": usage_body(usage, cost), "cost": cost_body(cost)}
    return body


def _headers(opened: Opened | None, request_id: str) -> dict[str, str]:
    headers = {"x-gateway-request-id": request_id}
    if opened:
        headers["x-gateway-model"] = opened.model.key
        headers["x-gateway-provider"] = opened.model.provider
        headers["x-gateway-attempts"] = str(opened.attempts)
        headers |= DEGRADED_HEADER if opened.degraded else {}
        headers |= CACHED_HEADER if opened.cached else {}
        headers |= {DOWNGRADED_HEADER: opened.downgraded} if opened.downgraded else {}
        headers |= {DROPPED_HEADER: ", ".join(opened.dropped_params)} if opened.dropped_params else {}
    return headers


async def _from(
    first: asyncio.Future[StreamPart | None], parts: StreamParts, request_id: str, telemetry: Telemetry
) -> StreamParts:
    """All parts, the first of which is waited for. A crash is an error like any other, told in-band without a trace."""
    try:
        with stopped_as_error():
            if (part := await first) is not None:
                yield part
                async for part in parts:
                    yield part
    except LLMError:
        raise
    except Exception as error:
        telemetry.crashed(request_id, error, "stream")
        raise LLMError("The gateway failed. Quote the request_id to its operator.") from error
    finally:
        await _end(first, parts)


async def _end(first: asyncio.Future[StreamPart | None], parts: StreamParts) -> None:
    """Close the source, which it allows only once nobody waits for it."""
    first.cancel()
    await asyncio.wait({first})
    await parts.aclose()
