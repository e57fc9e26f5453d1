"""A whole answer of Anthropic's Messages. Blocks that it does not know (server tools, new ones) are passed over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from gateway_core.domain.answer import ProviderAnswer, ToolCall, Usage
from gateway_core.domain.chat import Json, ProviderCall
from gateway_core.wires.anthropic.record import ANTHROPIC
from gateway_core.wires.anthropic.thoughts import THOUGHTS, with_thoughts
from gateway_core.wires.anthropic.tools import json_tool
from gateway_core.wires.shapes import mapping, sendable, sendable_json, text_of

KNOWN = frozenset({"redacted_thinking", "text", "thinking", "tool_use"})


def answer(call: ProviderCall, body: object) -> ProviderAnswer:
    """Its content. Raises TypeError where there is none, or a text that is none."""
    raw = mapping(body)
    blocks = _blocks(raw.get("content"))
    uses = [block for block in blocks if block.get("type") == "tool_use"]
    name = json_tool(call.params)
    answered = next((use for use in uses if name and use.get("name") == name), None)
    calls = tuple(_tool_calls(blocks, name))
    said = "".join(text_of(block.get("text")) for block in blocks if block.get("type") == "text")
    ends = answered is not None and not calls and raw.get("stop_reason") == "tool_use"
    is_forwarded = call.body_on(ANTHROPIC.name) is not None
    content = said if not (name and calls) else ""  # beside a call, JSON mode has no words that are not JSON
    return ProviderAnswer(
        content=content if answered is None else arguments_of(answered.get("input")),
        tool_calls=calls,
        finish_reason="stop" if ends else "",
        usage=Usage(),
        reasoning="".join(text_of(block.get("thinking")) for block in blocks if block.get("type") == "thinking"),
        forwarded=mapping(sendable_json(raw)) if is_forwarded else None,
        beside="".join(map(unplaced, blocks)) if is_forwarded else "",
    )


def unplaced(block: Json) -> str:
    """What a block says that is neither text, nor a thought, nor a call."""
    return "" if block.get("type") in KNOWN else json.dumps(block, ensure_ascii=False)


def arguments_of(value: Any) -> str:
    """The arguments of a call as JSON text; without any they are none."""
    return sendable(json.dumps(value, ensure_ascii=False)) if value else "{}"


def _blocks(content: object) -> list[Json]:
    if not isinstance(content, list):
        raise TypeError("no content")
    return [mapping(block) for block in content]


def _tool_calls(blocks: list[Json], json_name: str) -> Iterator[ToolCall]:
    """The calls, each with the thoughts before it in its id; what answers as JSON is none."""
    before: list[Json | int] = []
    for block in blocks:
        kind = block.get("type")
        if kind in THOUGHTS:
            before.append(block)
        elif kind == "text" and not json_name:
            before.append(len(text_of(block.get("text"))))
        elif kind == "tool_use":
            name = text_of(block.get("name"))
            if not json_name or name != json_name:
                yield ToolCall(with_thoughts(text_of(block.get("id")), before), name, arguments_of(block.get("input")))
                before = []
