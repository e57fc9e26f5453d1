"""OpenAI Chat Completions, whole and streamed; also the ground on which DeepSeek's dialect stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, override

from local.providers.content import last_text, read_content
from local.providers.generation import call_tokens
from local.providers.model import Frame, Generation, Json, Prompt, Request, Stamp, Tokens, Tool, ToolCall
from local.providers.openai import chat_rules as rules
from local.providers.openai.base import OpenAIWire
from local.providers.tokens import MESSAGE_TOKENS, count_json, pieces
from local.providers.wire import dumps

DONE = Frame(b"data: [DONE]\n\n")
_FINISH = {"blocked": "content_filter", "empty": "stop"}


class OpenAIChat(OpenAIWire):
    """POST /v1/chat/completions."""

    call_prefix = "call_"

    @override
    def read(self, request: Request) -> Prompt:
        body = request.body
        self.check(body)
        messages = body["messages"]
        contents = [(message["role"], read_content(message.get("content"))) for message in messages]
        calls = sum(count_json(message.get("tool_calls")) for message in messages)
        tokens = sum(content.tokens + MESSAGE_TOKENS for _, content in contents)
        return Prompt(
            model=body["model"],
            user_text=last_text(content.text for role, content in contents if role == "user"),
            input_tokens=tokens + calls + count_json(body.get("tools")),
            max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
            stop=_stops(body.get("stop")),
            tools=_tools(body),
            forced=_forced(body.get("tool_choice")),
            schema=_schema(body.get("response_format")),
            stream=body.get("stream") is True,
            include_usage=bool((body.get("stream_options") or {}).get("include_usage")),
            thinking=self.thinks(body),
            answered=messages[-1]["role"] == "tool",
            body=body,
        )

    def check(self, body: Json) -> None:
        """Raises Refused."""
        rules.check_chat(body)

    def thinks(self, body: Json) -> bool:
        """Whether the model reasons without being told how much."""
        return rules.reasons(body.get("reasoning_effort"))

    @override
    def whole(self, prompt: Prompt, generation: Generation, stamp: Stamp) -> Json:
        choice = {
            "index": 0,
            "message": self.message(generation, stamp),
            "logprobs": _logprobs(generation) if prompt.body.get("logprobs") else None,
            "finish_reason": finish_reason(generation),
        }
        body = self.envelope("chat.completion", prompt, stamp)
        body["choices"] = [] if generation.finish == "empty" else [choice]
        return body | {"usage": self.usage(generation.tokens)}

    def message(self, generation: Generation, stamp: Stamp) -> Json:
        """The assistant's message; content is null next to tool calls."""
        message: Json = {"role": "assistant", "content": generation.said, "refusal": None, "annotations": []}
        if generation.calls:
            message["content"] = None
            message["tool_calls"] = [
                {"id": self.call_id(stamp, index)} | _function(call) for index, call in enumerate(generation.calls)
            ]
        return message

    def envelope(self, kind: str, prompt: Prompt, stamp: Stamp) -> Json:
        """What every object of one answer begins with."""
        return {
            "id": f"chatcmpl-{stamp.hex(29, 'chat')}",
            "object": kind,
            "created": stamp.created,
            "model": prompt.model,
            "service_tier": "default",
            "system_fingerprint": None,
        }

    def usage(self, tokens: Tokens) -> Json:
        return {
            "prompt_tokens": tokens.input,
            "completion_tokens": tokens.output,
            "total_tokens": tokens.total,
            "prompt_tokens_details": {"cached_tokens": tokens.cached, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": tokens.reasoning,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }

    def call_id(self, stamp: Stamp, index: int) -> str:
        return f"{self.call_prefix}{stamp.hex(24, f'call{index}')}"

    @override
    def frames(self, prompt: Prompt, generation: Generation, stamp: Stamp) -> Iterator[Frame]:
        envelope = self.envelope("chat.completion.chunk", prompt, stamp)
        if generation.finish == "empty":
            yield _frame(envelope | {"choices": []})
        else:
            for delta, tokens in self.deltas(generation, stamp):
                yield self.chunk(prompt, envelope, delta, tokens)
            yield self.last_chunk(prompt, envelope, generation)
        if prompt.include_usage:
            yield _frame(envelope | {"choices": [], "usage": self.usage(generation.tokens)})
        yield DONE

    def chunk(self, prompt: Prompt, envelope: Json, delta: Json, tokens: int = 0, finish: str | None = None) -> Frame:
        """With usage asked for, every chunk but the last one says that it has none."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        usage = {"usage": None} if prompt.include_usage else {}
        return _frame(envelope | {"choices": [choice]} | usage, tokens)

    def last_chunk(self, prompt: Prompt, envelope: Json, generation: Generation) -> Frame:
        """The chunk with the finish reason."""
        return self.chunk(prompt, envelope, {}, finish=finish_reason(generation))

    def deltas(self, generation: Generation, stamp: Stamp) -> Iterator[tuple[Json, int]]:
        """The deltas and their tokens. Reasoning is not shown here: it counts with the first thing that is."""
        hidden = len(generation.reasoning)
        yield {"role": "assistant", "content": None if generation.calls else "", "refusal": None}, 0
        for piece in generation.text:
            yield {"content": piece}, 1 + hidden
            hidden = 0
        yield from self.call_deltas(generation, stamp, hidden)

    def call_deltas(self, generation: Generation, stamp: Stamp, hidden: int) -> Iterator[tuple[Json, int]]:
        """Each call opens with its name, which counts with the `hidden` tokens before it."""
        for index, call in enumerate(generation.calls):
            opening = {"index": index, "id": self.call_id(stamp, index)} | _function(ToolCall(call.name, ""))
            arguments = pieces(call.arguments)
            yield {"tool_calls": [opening]}, call_tokens(call) - len(arguments) + hidden
            for piece in arguments:
                yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}, 1
            hidden = 0


def finish_reason(generation: Generation) -> str:
    return _FINISH.get(generation.finish, generation.finish)


def _logprobs(generation: Generation) -> Json:
    """Each token of the text, as likely as every other: a half."""
    token: Json = {"logprob": -0.6931471805599453, "bytes": None, "top_logprobs": []}
    return {"content": [{"token": piece, **token} for piece in generation.text], "refusal": None}


def _frame(chunk: Json, tokens: int = 0) -> Frame:
    return Frame(b"data: " + dumps(chunk) + b"\n\n", tokens)


def _function(call: ToolCall) -> Json:
    return {"type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _stops(stop: Any) -> tuple[str, ...]:
    return (stop,) if isinstance(stop, str) else tuple(stop or ())


def _tools(body: Json) -> tuple[Tool, ...]:
    if body.get("tool_choice") == "none":
        return ()
    functions = [tool["function"] for tool in body.get("tools") or ()]
    return tuple(Tool(function["name"], function.get("parameters") or {}) for function in functions)


def _forced(choice: Any) -> str | None:
    if isinstance(choice, dict):
        return str(choice["function"]["name"])
    return "*" if choice == "required" else None


def _schema(response_format: Json | None) -> Json | None:
    wanted = response_format or {}
    if wanted.get("type") == "json_schema":
        return dict(wanted["json_schema"].get("schema", {}))
    return {} if wanted.get("type") == "json_object" else None
