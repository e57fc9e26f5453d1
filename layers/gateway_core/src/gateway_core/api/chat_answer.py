"""An answer on OpenAI's chat wire: the provider's own where it came on the same wire, else made here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import aclosing
from typing import Any

from gateway_core.api.schemas import cost_body
from gateway_core.api.sse import Events, event
from gateway_core.api.stream import tool_call_body
from gateway_core.api.stream_answer import StreamParts, stream_error_body
from gateway_core.domain.answer import Chunk, ProviderAnswer, ToolCall, Usage
from gateway_core.domain.chat import Json
from gateway_core.domain.cost import usd
from gateway_core.domain.errors import LLMError
from gateway_core.domain.result import Completion
from gateway_core.wires.shapes import mapping


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
        self._is_forwarded = False
        self._usage: Json = {}

    async def events(self, parts: StreamParts) -> Events:
        first = True
        try:
            async with aclosing(parts):
                async for part in parts:
                    if isinstance(part, Completion):
                        if first:  # an answer without content has a role all the same
                            yield self._chunk(_delta(Chunk(), first=True), None)
                        for made in self._end(part):
                            yield made
                    elif isinstance(part, Chunk) and (part.forwarded or part.is_content):
                        for made in self._pieces(part, first=first):
                            yield made
                        first = False
        except LLMError as error:
            yield event(stream_error_body(error, self._request_id))

    def _pieces(self, chunk: Chunk, *, first: bool) -> Iterator[bytes]:
        """The provider's own events under our id and the model's name, or one of ours."""
        if not chunk.forwarded:
            yield self._chunk(_delta(chunk, first=first), None)
            return
        self._is_forwarded = True
        named = {**{name: self._frame[name] for name in ("id", "model", "object")}, **self._no_usage}
        for came in chunk.forwarded:
            if came.get("usage"):
                self._usage, self._frame = came["usage"], {**self._dated(_without_content(came)), **named}
            else:
                yield event({**self._dated(came), **named})

    def _dated(self, came: Json) -> Json:
        return came if "created" in came else {**came, "created": self._frame["created"]}

    @property
    def _no_usage(self) -> dict[str, None]:
        """As OpenAI does, where usage is to come at the end."""
        return {"usage": None} if self._with_usage else {}

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return event({**self._frame, "choices": [choice], **self._no_usage})

    def _end(self, done: Completion[ProviderAnswer]) -> list[bytes]:
        events = [] if self._is_forwarded else [self._chunk({}, done.answer.finish_reason)]
        if self._with_usage:
            saved = {"saved_usd": usd(done.saved_nano)} if done.cached else {}
            usage = {**chat_usage(done.usage, self._usage), "cost_usd": cost_body(done.cost)["total_usd"], **saved}
            events.append(event({**self._frame, "choices": [], "usage": usage}))
        return [*events, event("[DONE]")]


def chat_body(done: Completion[ProviderAnswer], created: int) -> dict[str, Any]:
    """OpenAI's whole answer."""
    if (came := done.answer.forwarded) is not None:
        named = {"id": f"chatcmpl-{done.id}", "object": "chat.completion", "model": done.model.key}
        dated = came if "created" in came else {**came, "created": created}
        return {**dated, **named, "usage": chat_usage(done.usage, mapping(came.get("usage")))}
    said = done.answer.content or (None if done.answer.tool_calls or done.answer.refusal else "")
    message: dict[str, Any] = {"role": "assistant", "content": said, "refusal": done.answer.refusal or None}
    if done.answer.tool_calls:
        message["tool_calls"] = list(map(_call_body, done.answer.tool_calls))
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


def _call_body(call: ToolCall) -> dict[str, Any]:
    if call.custom:
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def chat_usage(usage: Usage, came: Json | None = None) -> dict[str, Any]:
    """Usage by OpenAI's names, and what was written to a cache: what is billed, and what else the provider says."""
    told = dict(came or {})
    counts = {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
    }
    details = {
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
    return {**told, **counts, **{name: {**mapping(told.get(name)), **ours} for name, ours in details.items()}}


def _without_content(came: Json) -> dict[str, Any]:
    return {name: value for name, value in came.items() if name not in ("choices", "usage")}


def _delta(chunk: Chunk, *, first: bool) -> dict[str, Any]:
    # As OpenAI does: an answer that begins with a tool call has no text, which is not the same as an empty one.
    delta: dict[str, Any] = (
        {"role": "assistant", "content": None if chunk.tool_calls or chunk.refusal else ""} if first else {}
    )
    if chunk.text:
        delta["content"] = chunk.text
    if chunk.refusal:
        delta["refusal"] = chunk.refusal
    if chunk.tool_calls:
        delta["tool_calls"] = [tool_call_body(call) for call in chunk.tool_calls]
    if chunk.reasoning:
        delta["reasoning_content"] = chunk.reasoning
    return delta
