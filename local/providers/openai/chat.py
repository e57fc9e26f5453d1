"""OpenAI Chat Completions, whole and streamed; also the ground on which DeepSeek's dialect stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import override

from local.providers.content import last_said, last_text, read_content
from local.providers.generation import call_tokens
from local.providers.media import SOUND_SAMPLE
from local.providers.model import Frame, Generation, Json, Prompt, Request, Stamp, Tokens, ToolCall
from local.providers.openai import chat_read as asked
from local.providers.openai.base import OpenAIWire
from local.providers.openai.chat_rules import check_chat
from local.providers.openai.likelihoods import logprobs_of
from local.providers.openai.models_rules import reasons
from local.providers.script import script_of
from local.providers.tokens import AUDIO_TOKENS, MESSAGE_TOKENS, count_json, pieces
from local.providers.wire import dumps

DONE = Frame(b"data: [DONE]\n\n")
_FINISH = {"blocked": "content_filter", "empty": "stop", "pause": "stop"}
_TIERS = ("flex", "priority")
_HOUR_S = 3600


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
            input_tokens=tokens + calls + count_json(body.get("tools")) + count_json(body.get("functions")),
            max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
            stop=asked.stops_of(body.get("stop")),
            tools=asked.tools_of(body),
            forced=asked.forced_of(body),
            schema=asked.schema_of(body.get("response_format")),
            stream=body.get("stream") is True,
            include_usage=bool((body.get("stream_options") or {}).get("include_usage")),
            thinking=self.thinks(body),
            answered=last_said(messages).get("role") in ("tool", "function"),
            script=script_of(
                (role, content.text, bool(message.get("tool_calls")))
                for message, (role, content) in zip(messages, contents, strict=True)
            ),
            body=body,
            choices=body.get("n") or 1,
            predicted=asked.predicted_of(body),
            speaks="audio" in (body.get("modalities") or ()),
            audio_tokens=asked.parts_of(messages, "input_audio") * AUDIO_TOKENS,
        )

    def check(self, body: Json) -> None:
        """Raises Refused."""
        check_chat(body)

    def thinks(self, body: Json) -> bool:
        """Whether the model reasons without being told how much."""
        return reasons(body.get("reasoning_effort"))

    @override
    def whole(self, prompt: Prompt, generation: Generation, stamp: Stamp) -> Json:
        choice = {
            "message": self.message(prompt, generation, stamp),
            "logprobs": logprobs_of(prompt.body, generation),
            "finish_reason": finish_reason(generation),
        }
        body = self.envelope("chat.completion", prompt, stamp)
        count = 0 if generation.finish == "empty" else generation.choices
        body["choices"] = [{"index": index} | choice for index in range(count)]
        return body | {"usage": self.usage(generation.tokens)}

    def message(self, prompt: Prompt, generation: Generation, stamp: Stamp) -> Json:
        """The assistant's message; content is null next to tool calls, a refusal, and what is spoken."""
        message: Json = {"role": "assistant", "content": generation.said, "refusal": None, "annotations": []}
        if generation.refused:
            message |= {"content": None, "refusal": generation.said}
        elif prompt.speaks:
            message |= {"content": None, "audio": _audio(stamp) | {"transcript": generation.said}}
        if generation.calls:
            message["content"] = None
            message |= self.calls(generation, stamp)
        return message

    def calls(self, generation: Generation, stamp: Stamp) -> Json:
        """The calls in the field that is theirs."""
        if generation.calls[0].kind == "legacy":
            return {"function_call": _called(generation.calls[0])["function"]}
        called = [{"id": self.call_id(stamp, index)} | _called(call) for index, call in enumerate(generation.calls)]
        return {"tool_calls": called}

    def envelope(self, kind: str, prompt: Prompt, stamp: Stamp) -> Json:
        """What every object of one answer begins with. A tier that was asked for is the one that is billed."""
        tier = prompt.body.get("service_tier")
        return {
            "id": f"chatcmpl-{stamp.hex(29, 'chat')}",
            "object": kind,
            "created": stamp.created,
            "model": prompt.model,
            "service_tier": tier if tier in _TIERS else "default",
            "system_fingerprint": None,
        }

    def usage(self, tokens: Tokens) -> Json:
        return {
            "prompt_tokens": tokens.input,
            "completion_tokens": tokens.output,
            "total_tokens": tokens.total,
            "prompt_tokens_details": {"cached_tokens": tokens.cached, "audio_tokens": tokens.audio_input},
            "completion_tokens_details": {
                "reasoning_tokens": tokens.reasoning,
                "audio_tokens": tokens.audio_output,
                "accepted_prediction_tokens": tokens.accepted,
                "rejected_prediction_tokens": tokens.rejected,
            },
        }

    def call_id(self, stamp: Stamp, index: int) -> str:
        return f"{self.call_prefix}{stamp.hex(24, f'call{index}')}"

    @override
    def frames(self, prompt: Prompt, generation: Generation, stamp: Stamp) -> Iterator[Frame]:
        """Several choices take turns, delta by delta."""
        envelope = self.envelope("chat.completion.chunk", prompt, stamp)
        if generation.finish == "empty":
            yield _frame(envelope | {"choices": []})
        else:
            for delta, tokens in self.deltas(prompt, generation, stamp):
                for index in range(generation.choices):
                    yield self.chunk(prompt, envelope, delta, tokens, index=index)
            for index in range(generation.choices):
                yield self.last_chunk(prompt, envelope, generation, index)
        if prompt.include_usage:
            yield _frame(envelope | {"choices": [], "usage": self.usage(generation.tokens)})
        yield DONE

    def chunk(
        self, prompt: Prompt, envelope: Json, delta: Json, tokens: int = 0, finish: str | None = None, index: int = 0
    ) -> Frame:
        """With usage asked for, every chunk but the last one says that it has none."""
        likely = logprobs_of(prompt.body, delta) if tokens else None
        choice = {"index": index, "delta": delta, "logprobs": likely, "finish_reason": finish}
        usage = {"usage": None} if prompt.include_usage else {}
        return _frame(envelope | {"choices": [choice]} | usage, tokens)

    def last_chunk(self, prompt: Prompt, envelope: Json, generation: Generation, index: int) -> Frame:
        """The chunk with the finish reason."""
        return self.chunk(prompt, envelope, {}, finish=finish_reason(generation), index=index)

    def deltas(self, prompt: Prompt, generation: Generation, stamp: Stamp) -> Iterator[tuple[Json, int]]:
        """The deltas and their tokens. Reasoning is not shown here: it counts with the first thing that is."""
        hidden = len(generation.reasoning)
        plain = not (generation.calls or generation.refused or prompt.speaks)
        yield {"role": "assistant", "content": "" if plain else None, "refusal": None}, 0
        if prompt.speaks and generation.text:
            yield {"audio": {"id": _audio(stamp)["id"]}}, 0
        for piece in generation.text:
            yield _said(prompt, generation, piece), 1 + hidden
            hidden = 0
        if prompt.speaks and generation.text:
            yield {"audio": {"data": SOUND_SAMPLE}}, 0
            yield {"audio": {"expires_at": _audio(stamp)["expires_at"]}}, 0
        yield from self.call_deltas(generation, stamp, hidden)

    def call_deltas(self, generation: Generation, stamp: Stamp, hidden: int) -> Iterator[tuple[Json, int]]:
        """Each call opens with its name, which counts with the `hidden` tokens before it."""
        for index, call in enumerate(generation.calls):
            opening = {"index": index, "id": self.call_id(stamp, index)} | _called(ToolCall(call.name, "", call.kind))
            arguments = pieces(call.arguments)
            yield _call_delta(call, opening), call_tokens(call) - len(arguments) + hidden
            for piece in arguments:
                yield _call_delta(call, {"index": index} | _more(call, piece)), 1
            hidden = 0


def finish_reason(generation: Generation) -> str:
    if generation.finish == "tool_calls" and generation.calls[0].kind == "legacy":
        return "function_call"
    return _FINISH.get(generation.finish, generation.finish)


def _said(prompt: Prompt, generation: Generation, piece: str) -> Json:
    if prompt.speaks:
        return {"audio": {"transcript": piece}}
    return {"refusal" if generation.refused else "content": piece}


def _audio(stamp: Stamp) -> Json:
    return {"id": f"audio_{stamp.hex(24, 'audio')}", "data": SOUND_SAMPLE, "expires_at": stamp.created + _HOUR_S}


def _frame(chunk: Json, tokens: int = 0) -> Frame:
    return Frame(b"data: " + dumps(chunk) + b"\n\n", tokens)


def _called(call: ToolCall) -> Json:
    if call.kind == "custom":
        return {"type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    return {"type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _more(call: ToolCall, piece: str) -> Json:
    return {"custom": {"input": piece}} if call.kind == "custom" else {"function": {"arguments": piece}}


def _call_delta(call: ToolCall, called: Json) -> Json:
    return {"function_call": called["function"]} if call.kind == "legacy" else {"tool_calls": [called]}
