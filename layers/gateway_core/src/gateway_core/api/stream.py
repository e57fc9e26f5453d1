"""POST /v1/stream: an answer in pieces, as server-sent events `chunk`, then `done` or `error`."""

from __future__ import annotations

from contextlib import aclosing
from typing import Annotated, Any, Literal

from pydantic import Field
from starlette.requests import Request

from gateway_core.access.rights import check_tool
from gateway_core.api.attribution import attribution_in
from gateway_core.api.auth import identify
from gateway_core.api.body import read_json, validate
from gateway_core.api.deadline import time_left_s
from gateway_core.api.routes import Routes
from gateway_core.api.schemas import CompleteBody, completion_body
from gateway_core.api.sse import Events, EventStream, event
from gateway_core.api.stream_answer import StreamParts, in_words, start, stream_error_body
from gateway_core.domain.answer import Chunk, ToolCallDelta
from gateway_core.domain.errors import LLMError
from gateway_core.domain.result import Completion
from gateway_core.services import Current, ModelServices

TOOL = "stream_complete"


class StreamBody(CompleteBody):
    """The body of `/v1/complete`, for longer, in pieces of tokens or of whole words."""

    timeout_s: Annotated[float, Field(gt=0, le=840)] | None = None
    buffer: Literal["token", "word"] = "token"


def router(source: Current[ModelServices]) -> Routes:
    """The route, closed over where its services come from."""
    routes = Routes()

    @routes.post("/v1/stream")
    async def stream(request: Request) -> EventStream:
        services = source.now()
        settings = services.settings
        caller = await identify(request, services)
        check_tool(caller, TOOL)
        value = await read_json(request, settings.body_limit)
        body = validate(StreamBody, value)
        chat = body.to_request(attribution_in(body, request, caller), settings.default_timeout_s, value)
        request_id = request.state.request_id
        timeout_s = min(chat.timeout_s, time_left_s(request.scope))
        parts = services.gateway.stream(chat, caller, request_id, timeout_s=timeout_s)
        begun = await start(parts, request_id, services.telemetry)
        shown = in_words(begun.parts) if body.buffer == "word" else begun.parts
        return EventStream(_events(shown, request_id), begun.headers, longest_s=timeout_s)

    return routes


async def _events(parts: StreamParts, request_id: str) -> Events:
    index = 0
    try:
        async with aclosing(parts):
            async for part in parts:
                if isinstance(part, Completion):
                    yield event(completion_body(part), "done")
                elif isinstance(part, Chunk) and part.is_content:
                    yield event(chunk_body(part, index), "chunk")
                    index += 1
    except LLMError as error:
        yield event(stream_error_body(error, request_id), "error")


def chunk_body(chunk: Chunk, index: int) -> dict[str, Any]:
    """`{delta, index}` with tool calls and reasoning where there are any."""
    body: dict[str, Any] = {"delta": chunk.text + chunk.refusal, "index": index}
    if chunk.tool_calls:
        body["tool_calls"] = [tool_call_body(delta) for delta in chunk.tool_calls]
    if chunk.reasoning:
        body["reasoning"] = chunk.reasoning
    return body


def tool_call_body(delta: ToolCallDelta) -> dict[str, Any]:
    """A tool call's piece on OpenAI's wire."""
    if delta.custom:
        custom = {"input": delta.arguments} | ({"name": delta.name} if delta.name else {})
        return {"index": delta.index, **({"id": delta.id, "type": "custom"} if delta.id else {}), "custom": custom}
    function = {"arguments": delta.arguments} | ({"name": delta.name} if delta.name else {})
    head = {"id": delta.id, "type": "function"} if delta.id else {}
    return {"index": delta.index, **head, "function": function}
