"""Converse and ConverseStream.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html and API_runtime_ConverseStream.html
(2026-11-29).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any, override

from local.providers.bedrock.base import BedrockWire
from local.providers.bedrock.frames import event
from local.providers.bedrock.rules import check_converse, signature_of
from local.providers.content import Content, last_text, read_content
from local.providers.generation import call_tokens
from local.providers.model import Frame, Generation, Json, Prompt, Request, Stamp, Tokens, Tool, ToolCall
from local.providers.script import script_of
from local.providers.tokens import IMAGE_TOKENS, MESSAGE_TOKENS, count_json, pieces

_STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "guardrail_intervened",
    "blocked": "guardrail_intervened",
    "empty": "end_turn",
    "pause": "end_turn",
}


class BedrockConverse(BedrockWire):
    """POST /model/{id}/converse."""

    streams = False

    @override
    def read(self, request: Request) -> Prompt:
        body = request.body
        check_converse(request.params["model"], body)
        contents = [(message["role"], _content(message["content"])) for message in body["messages"]]
        said = sum(content.tokens + MESSAGE_TOKENS for _, content in contents)
        limits = body.get("inferenceConfig") or {}
        tools = body.get("toolConfig") or {}
        return Prompt(
            model=request.params["model"],
            user_text=last_text(content.text for role, content in contents if role == "user"),
            input_tokens=said + _content(body.get("system") or []).tokens + count_json(tools.get("tools")),
            max_tokens=limits.get("maxTokens"),
            stop=tuple(limits.get("stopSequences") or ()),
            tools=tuple(_tools(tools)),
            forced=_forced(tools.get("toolChoice") or {}),
            schema=_schema(body),
            stream=self.streams,
            thinking=((body.get("additionalModelRequestFields") or {}).get("thinking") or {}).get("type") == "enabled",
            answered=_has(body["messages"][-1]["content"], "toolResult"),
            script=script_of(
                (role, content.text, _has(message["content"], "toolUse"))
                for message, (role, content) in zip(body["messages"], contents, strict=True)
            ),
            body=body,
        )

    @override
    def whole(self, prompt: Prompt, generation: Generation, stamp: Stamp) -> Json:
        content = [_filled(kind, call, parts) for kind, call, parts in _blocks(generation, stamp)]
        message = {"role": "assistant", "content": content}
        return {"output": {"message": message}, **_stop(prompt, generation), **_metadata(generation.tokens)}

    @override
    def frames(self, prompt: Prompt, generation: Generation, stamp: Stamp) -> Iterator[Frame]:
        yield _frame("messageStart", {"role": "assistant"})
        for index, (kind, call, parts) in enumerate(_blocks(generation, stamp)):
            yield from _block_frames(index, kind, call, parts)
        yield _frame("messageStop", _stop(prompt, generation))
        yield _frame("metadata", _metadata(generation.tokens))


class BedrockConverseStream(BedrockConverse):
    """POST /model/{id}/converse-stream."""

    streams = True


type _Block = tuple[str, Json, tuple[str, ...]]
"""Its kind, a call's id and name (or what is hidden of a thought), and the tokens that fill it."""


def _blocks(generation: Generation, stamp: Stamp) -> Iterator[_Block]:
    if generation.reasoning and "redacted" in generation.quirks:
        yield "reasoningContent", {"redactedContent": _hidden(generation.reasoning)}, ()
    elif generation.reasoning:
        yield "reasoningContent", {}, generation.reasoning
    if generation.text:
        yield "text", {}, generation.text
    for index, call in enumerate(generation.calls):
        used = {"toolUseId": f"tooluse_{stamp.hex(22, f'call{index}')}", "name": call.name}
        yield "toolUse", used, pieces(call.arguments)


def _hidden(thought: tuple[str, ...]) -> str:
    return base64.b64encode("".join(thought).encode()[::-1]).decode()


def _filled(kind: str, call: Json, parts: tuple[str, ...]) -> Json:
    whole = "".join(parts)
    if kind == "toolUse":
        return {kind: call | {"input": json.loads(whole or "{}")}}
    if kind == "reasoningContent" and call:
        return {kind: call}
    if kind == "reasoningContent":
        return {kind: {"reasoningText": {"text": whole, "signature": signature_of(whole)}}}
    return {kind: whole}


def _block_frames(index: int, kind: str, call: Json, parts: tuple[str, ...]) -> Iterator[Frame]:
    opening_tokens = 0
    if kind == "toolUse":
        yield _frame("contentBlockStart", {"start": {kind: call}, "contentBlockIndex": index})
        opening_tokens = call_tokens(ToolCall(call["name"], ""))
    for part in parts:
        yield _delta(index, _piece(kind, part), 1 + opening_tokens)
        opening_tokens = 0
    if kind == "reasoningContent" and call:
        yield _delta(index, {kind: call}, 1)
    elif kind == "reasoningContent":
        yield _delta(index, {kind: {"signature": signature_of("".join(parts))}}, 0)
    yield _frame("contentBlockStop", {"contentBlockIndex": index})


def _piece(kind: str, part: str) -> Json:
    return {kind: {"toolUse": {"input": part}, "reasoningContent": {"text": part}}.get(kind, part)}


def _delta(index: int, delta: Json, tokens: int) -> Frame:
    return _frame("contentBlockDelta", {"delta": delta, "contentBlockIndex": index}, tokens)


def _frame(kind: str, data: Json, tokens: int = 0) -> Frame:
    return Frame(event(kind, data), tokens)


def _stop(prompt: Prompt, generation: Generation) -> Json:
    reason = "stop_sequence" if generation.stop_sequence is not None else _STOP_REASONS[generation.finish]
    reason = "guardrail_intervened" if generation.refused else reason
    asked = "/usage/output_tokens_details" in (prompt.body.get("additionalModelResponseFieldPaths") or ())
    told = {"usage": {"output_tokens_details": {"thinking_tokens": generation.tokens.reasoning}}}
    return {"stopReason": reason, **({"additionalModelResponseFields": told} if asked else {})}


def _metadata(tokens: Tokens) -> Json:
    """`inputTokens` is only what was neither read from a cache nor written to one."""
    usage: Json = {
        "inputTokens": tokens.input - tokens.cached - tokens.cache_write,
        "outputTokens": tokens.output,
        "totalTokens": tokens.input + tokens.output,
        "cacheReadInputTokens": tokens.cached,
        "cacheWriteInputTokens": tokens.cache_write,
    }
    if tokens.cache_write:
        lasting = (("5m", tokens.cache_write - tokens.cache_write_1h), ("1h", tokens.cache_write_1h))
        usage["cacheDetails"] = [{"ttl": ttl, "inputTokens": written} for ttl, written in lasting if written]
    return {"usage": usage, "metrics": {"latencyMs": 1}}


def _content(blocks: Any) -> Content:
    """Blocks have no type: their one member says what they are."""
    found = [_part(block) for block in blocks]
    return Content("".join(one.text for one in found), sum(one.tokens for one in found))


def _part(block: Json) -> Content:
    if "toolResult" in block:
        return Content("", _content(block["toolResult"]["content"]).tokens)
    if "image" in block or "document" in block:
        return Content("", IMAGE_TOKENS)
    return read_content([block]) if "text" in block else Content("", count_json(block.get("toolUse")))


def _tools(config: Json) -> Iterator[Tool]:
    for tool in config.get("tools") or ():
        if spec := tool.get("toolSpec"):
            yield Tool(spec["name"], spec["inputSchema"]["json"])


def _forced(choice: Json) -> str | None:
    return choice["tool"]["name"] if "tool" in choice else "*" if "any" in choice else None


def _schema(body: Json) -> Json | None:
    wanted = ((body.get("outputConfig") or {}).get("textFormat") or {}).get("structure") or {}
    return json.loads(wanted["jsonSchema"]["schema"]) if "jsonSchema" in wanted else None


def _has(content: Any, kind: str) -> bool:
    return any(kind in block for block in content)
