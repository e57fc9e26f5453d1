"""POST /v1/chat/completions, on OpenAI's wire, streamed or not."""

from __future__ import annotations

from contextlib import aclosing
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field, ValidationInfo, field_validator

from gateway_core.access.rights import check_tool
from gateway_core.api.auth import identify
from gateway_core.api.body import Id, Strict, read_json, validate
from gateway_core.api.complete import gateway_headers
from gateway_core.api.deadline import time_left_s
from gateway_core.api.disconnect import while_listening
from gateway_core.api.messages import Message
from gateway_core.api.openai_wire import ModelName, attribution_of, group_or_model
from gateway_core.api.schemas import Options, Tokens, cost_body
from gateway_core.api.sse import Events, EventStream, event
from gateway_core.api.stream import TOOL as STREAM_TOOL
from gateway_core.api.stream import tool_call_body
from gateway_core.api.stream_answer import StreamParts, start, stream_error_body
from gateway_core.domain.caller import Attribution
from gateway_core.domain.chat import ChatRequest, Chunk, ProviderAnswer, Usage
from gateway_core.domain.cost import usd
from gateway_core.domain.errors import LLMError
from gateway_core.domain.result import Completion
from gateway_core.services import Current, ModelServices

COMPLETE_TOOL = "complete"


class StreamOptions(Strict):
    include_usage: bool = False
    include_obfuscation: bool = False


class ChatBody(Options):
    """OpenAI's documented fields, as far as all providers have them."""

    messages: Annotated[list[Message], Field(min_length=1)]
    model: ModelName
    max_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Annotated[int, Field(ge=1, le=1)] | None = None
    user: Id | None = None
    metadata: Annotated[dict[str, str], Field(max_length=16)] | None = None
    cache: bool = False
    # What SDKs send by default, with the one value that all providers can honour.
    logprobs: Literal[False] | None = None
    store: Literal[False] | None = None
    service_tier: Literal["auto", "default"] | None = None
    modalities: Annotated[list[Literal["text"]], Field(max_length=1)] | None = None
    safety_identifier: Id | None = None
    prompt_cache_key: Id | None = None

    @field_validator("max_completion_tokens")
    @classmethod
    def _one_limit(cls, limit: int | None, info: ValidationInfo) -> int | None:
        if limit and info.data.get("max_tokens"):
            raise ValueError("send max_completion_tokens or max_tokens, not both")
        return limit

    @property
    def wants_usage(self) -> bool:
        """Whether the stream is to end with its usage."""
        return bool(self.stream_options and self.stream_options.include_usage)

    def to_request(
        self, attribution: Attribution, group: str | None, model: str | None, timeout_s: float
    ) -> ChatRequest:
        """The request inside."""
        return ChatRequest(
            messages=tuple(message.model_dump(exclude_none=True) for message in self.messages),
            attribution=attribution,
            model_group=group,
            model=model,
            max_output_tokens=self.max_completion_tokens or self.max_tokens,
            params=self.params(),
            timeout_s=timeout_s,
            cache=self.cache,
        )


def router(source: Current[ModelServices]) -> APIRouter:
    """The route, closed over where its services come from."""
    routes = APIRouter()

    @routes.post("/v1/chat/completions")
    async def chat(request: Request) -> Response:
        services = source.now()
        settings = services.settings
        caller = await identify(request, services)
        body = validate(ChatBody, await read_json(request, settings.body_limit))
        check_tool(caller, STREAM_TOOL if body.stream else COMPLETE_TOOL)
        origin = attribution_of(request, caller, user=body.user, metadata=body.metadata)
        group, model = group_or_model(settings.catalog, body.model)
        longest_s = settings.max_stream_timeout_s if body.stream else settings.default_timeout_s
        asked = body.to_request(origin, group, model, longest_s)
        request_id, timeout_s = request.state.request_id, min(longest_s, time_left_s(request.scope))
        created = services.clock.now_ms() // 1000
        if not body.stream:
            answer = services.gateway.complete(asked, caller, request_id, timeout_s=timeout_s)
            done = await while_listening(request, answer)
            return JSONResponse(chat_body(done, created), headers=gateway_headers(done))
        parts = services.gateway.stream(asked, caller, request_id, timeout_s=timeout_s)
        begun = await start(parts, request_id, services.telemetry)
        name = begun.opened.model.key if begun.opened else body.model
        wire = ChatStream(request_id, name, created, with_usage=body.wants_usage)
        return EventStream(wire.events(begun.parts), begun.headers)

    return routes


class ChatStream:
    """OpenAI's chunks. A stream that broke ends with an error object, never with `[DONE]` or a finish reason."""

    def __init__(self, request_id: str, model: str, created: int, *, with_usage: bool) -> None:
        self._request_id = request_id
        self._frame = {
            "id": f"chatcmpl-{request_id}",
            "object": "chat.completion.chunk",
            "created": created,
            "model": model,
        }
        self._with_usage = with_usage

    async def events(self, parts: StreamParts) -> Events:
        first = True
        try:
            async with aclosing(parts):
                async for part in parts:
                    if isinstance(part, Completion):
                        for made in self._end(part):
                            yield made
                    elif isinstance(part, Chunk) and part.is_content:
                        yield self._chunk(_delta(part, first=first), None)
                        first = False
        except LLMError as error:
            yield event(stream_error_body(error, self._request_id))

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        usage = {"usage": None} if self._with_usage else {}
        return event({**self._frame, "choices": [choice], **usage})

    def _end(self, done: Completion[ProviderAnswer]) -> list[bytes]:
        events = [self._chunk({}, done.answer.finish_reason)]
        if self._with_usage:
            saved = {"saved_usd": usd(done.saved_nano)} if done.cached else {}
            usage = {**chat_usage(done.usage), "cost_usd": cost_body(done.cost)["total_usd"], **saved}
            events.append(event({**self._frame, "choices": [], "usage": usage}))
        return [*events, event("[DONE]")]


def chat_body(done: Completion[ProviderAnswer], created: int) -> dict[str, Any]:
    """OpenAI's whole answer."""
    message: dict[str, Any] = {"role": "assistant", "content": done.answer.content or None, "refusal": None}
    if done.answer.tool_calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in done.answer.tool_calls
        ]
    if done.answer.reasoning:
        message["reasoning_content"] = done.answer.reasoning
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": done.answer.finish_reason}
    return {
        "id": f"chatcmpl-{done.id}",
        "object": "chat.completion",
        "created": created,
        "model": done.model.key,
        "choices": [choice],
        "usage": chat_usage(done.usage),
    }


def chat_usage(usage: Usage) -> dict[str, Any]:
    """Usage by OpenAI's names, and what was written to a provider's cache, as others name it."""
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_input_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
            "audio_tokens": usage.audio_input_tokens,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": usage.audio_output_tokens,
        },
    }


def _delta(chunk: Chunk, *, first: bool) -> dict[str, Any]:
    # As OpenAI does: an answer that begins with a tool call has no text, which is not the same as an empty one.
    delta: dict[str, Any] = {"role": "assistant", "content": None if chunk.tool_calls else ""} if first else {}
    if chunk.text:
        delta["content"] = chunk.text
    if chunk.tool_calls:
        delta["tool_calls"] = [tool_call_body(call) for call in chunk.tool_calls]
    if chunk.reasoning:
        delta["reasoning_content"] = chunk.reasoning
    return delta
