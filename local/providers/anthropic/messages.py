"""Anthropic Messages, whole and streamed, and its token counting."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, override

from local.providers.anthropic.base import AnthropicWire, event
from local.providers.anthropic.betas import betas_of
from local.providers.anthropic.caching import cache_minimum, prefixes_of, unmarked
from local.providers.anthropic.rules import check_messages
from local.providers.anthropic.thinking import redacted_data, signature_of
from local.providers.anthropic.tools import known_tools
from local.providers.content import last_said, last_text, read_content
from local.providers.generation import call_tokens
from local.providers.model import Frame, Generation, Json, Prompt, Request, Stamp, Tokens, Tool, ToolCall
from local.providers.script import script_of
from local.providers.tokens import MESSAGE_TOKENS, count_json, pieces

_STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "blocked": "refusal",
    "empty": "end_turn",
    "pause": "pause_turn",
}


_THOUGHTS = ("thinking", "redacted_thinking")


class AnthropicMessages(AnthropicWire):
    """POST /v1/messages."""

    limits_output = True

    @override
    def read(self, request: Request) -> Prompt:
        body = request.body
        check_messages(body, betas_of(request), limits_output=self.limits_output)
        prefixes = prefixes_of(body)
        body = unmarked(body)
        messages = body["messages"]
        contents = [(message["role"], read_content(message["content"])) for message in messages]
        tokens = sum(content.tokens + MESSAGE_TOKENS for _, content in contents)
        return Prompt(
            model=body["model"],
            user_text=last_text(content.text for role, content in contents if role == "user"),
            input_tokens=tokens + read_content(body.get("system")).tokens + count_json(body.get("tools")),
            max_tokens=body.get("max_tokens"),
            stop=tuple(body.get("stop_sequences") or ()),
            tools=_tools(body),
            forced=_forced(body.get("tool_choice") or {}),
            schema=_schema(body),
            stream=body.get("stream") is True,
            thinking=(body.get("thinking") or {}).get("type") in ("enabled", "adaptive"),
            answered=_has(last_said(messages).get("content"), "tool_result"),
            script=script_of(
                (role, content.text, _has(message["content"], "tool_use"))
                for message, (role, content) in zip(messages, contents, strict=True)
            ),
            body=body,
            prefixes=prefixes,
            cache_minimum=cache_minimum(body["model"]),
        )

    @override
    def whole(self, prompt: Prompt, generation: Generation, stamp: Stamp) -> Json:
        message = _message(prompt, stamp, usage_of(generation.tokens))
        message["content"] = [_filled(block, content) for block, content in _blocks(prompt, generation, stamp)]
        return message | _stop(generation) | _managed(prompt)

    @override
    def frames(self, prompt: Prompt, generation: Generation, stamp: Stamp) -> Iterator[Frame]:
        begun = usage_of(generation.tokens, output=min(1, generation.tokens.output))
        yield _frame({"type": "message_start", "message": _message(prompt, stamp, begun)})
        for index, (block, content) in enumerate(_blocks(prompt, generation, stamp)):
            hidden = len(generation.reasoning) if block["type"] in _THOUGHTS and not content else 0
            yield from _block_frames(index, block, content, hidden)
        usage = usage_of(generation.tokens)
        del usage["service_tier"], usage["cache_creation"]
        yield _frame({"type": "message_delta", "delta": _stop(generation), "usage": usage} | _managed(prompt))
        yield _frame({"type": "message_stop"})


class AnthropicCountTokens(AnthropicMessages):
    """POST /v1/messages/count_tokens."""

    endpoint = "count_tokens"
    limits_output = False

    @override
    def whole(self, prompt: Prompt, generation: Generation, stamp: Stamp) -> Json:
        managed = {"context_management": {"original_input_tokens": prompt.input_tokens}} if _managed(prompt) else {}
        return {"input_tokens": prompt.input_tokens} | managed


def _managed(prompt: Prompt) -> Json:
    """What was cleared from the context, where that was asked for: no conversation here is long enough."""
    return {"context_management": {"applied_edits": []}} if prompt.body.get("context_management") else {}


def usage_of(tokens: Tokens, output: int | None = None) -> Json:
    """`input_tokens` is only what was neither read from a cache nor written to one."""
    usage: Json = {
        "input_tokens": tokens.input - tokens.cached - tokens.cache_write,
        "cache_creation_input_tokens": tokens.cache_write,
        "cache_read_input_tokens": tokens.cached,
        "cache_creation": {
            "ephemeral_5m_input_tokens": tokens.cache_write - tokens.cache_write_1h,
            "ephemeral_1h_input_tokens": tokens.cache_write_1h,
        },
        "output_tokens": tokens.output if output is None else output,
        "service_tier": "standard",
    }
    if tokens.reasoning and output is None:
        usage["output_tokens_details"] = {"thinking_tokens": tokens.reasoning}
    return usage


def _message(prompt: Prompt, stamp: Stamp, usage: Json) -> Json:
    return {
        "model": prompt.model,
        "id": f"msg_01{stamp.hex(22, 'message')}",
        "type": "message",
        "role": "assistant",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }


def _stop(generation: Generation) -> Json:
    reason = "stop_sequence" if generation.stop_sequence is not None else _STOP_REASONS[generation.finish]
    reason = "refusal" if generation.refused else reason
    return {"stop_reason": reason, "stop_sequence": generation.stop_sequence}


def _blocks(prompt: Prompt, generation: Generation, stamp: Stamp) -> Iterator[tuple[Json, tuple[str, ...]]]:
    """Content blocks as they open, each with the tokens that fill it; what is hidden is filled with nothing."""
    if generation.reasoning and "redacted" in generation.quirks:
        yield {"type": "redacted_thinking", "data": redacted_data(generation.thought)}, ()
    elif generation.reasoning:
        shown = (prompt.body.get("thinking") or {}).get("display") != "omitted"
        yield {"type": "thinking", "thinking": "", "signature": ""}, generation.reasoning if shown else ()
    if generation.text:
        yield {"type": "text", "text": ""}, generation.text
    for index, call in enumerate(generation.calls):
        identifier = f"toolu_01{stamp.hex(22, f'call{index}')}"
        yield {"type": "tool_use", "id": identifier, "name": call.name, "input": {}}, pieces(call.arguments)


def _filled(block: Json, content: tuple[str, ...]) -> Json:
    whole = "".join(content)
    if block["type"] == "redacted_thinking":
        return block
    if block["type"] == "tool_use":
        return block | {"input": json.loads(whole or "{}")}
    return block | {block["type"]: whole} | ({"signature": signature_of(whole)} if block["type"] == "thinking" else {})


def _block_frames(index: int, block: Json, content: tuple[str, ...], hidden: int) -> Iterator[Frame]:
    """`hidden` tokens are those of a block that shows nothing."""
    yield _frame({"type": "content_block_start", "index": index, "content_block": block}, hidden)
    if index == 0:
        yield _frame({"type": "ping"})
    name = block.get("name")
    opening_tokens = call_tokens(ToolCall(name, "")) if name else 0
    if name:
        yield _delta(index, {"type": "input_json_delta", "partial_json": ""}, 0)
    for piece in content:
        yield _delta(index, _piece(block["type"], piece), 1 + opening_tokens)
        opening_tokens = 0
    if block["type"] == "thinking":
        yield _delta(index, {"type": "signature_delta", "signature": signature_of("".join(content))}, 0)
    yield _frame({"type": "content_block_stop", "index": index})


def _piece(kind: str, piece: str) -> Json:
    if kind == "tool_use":
        return {"type": "input_json_delta", "partial_json": piece}
    return {"type": f"{kind}_delta", kind: piece}


def _delta(index: int, delta: Json, tokens: int) -> Frame:
    return _frame({"type": "content_block_delta", "index": index, "delta": delta}, tokens)


def _frame(data: Json, tokens: int = 0) -> Frame:
    return Frame(event(data), tokens)


def _tools(body: Json) -> tuple[Tool, ...]:
    if (body.get("tool_choice") or {}).get("type") == "none":
        return ()
    return tuple(Tool(tool["name"], tool.get("input_schema") or {}) for tool in known_tools(body))


def _forced(choice: Json) -> str | None:
    return {"tool": choice.get("name"), "any": "*"}.get(choice.get("type", "auto"))


def _schema(body: Json) -> Json | None:
    """Structured output, under its beta name and its present one."""
    wanted = body.get("output_format") or (body.get("output_config") or {}).get("format")
    return dict(wanted.get("schema", {})) if wanted else None


def _has(content: Any, kind: str) -> bool:
    return isinstance(content, list) and any(part.get("type") == kind for part in content)
