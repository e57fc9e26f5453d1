"""A conversation as Anthropic's Messages have it: the system's word before it, then turns of user and assistant.

Messages of one role in a row are one turn, results of tools stand first in the user's, turns without a word are left
out. What the system says later keeps its place, as text of the user's turn between tags: few models take the role
`system` there (https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages).
Source: https://platform.claude.com/docs/en/agents-and-tools/tool-use/handle-tool-calls.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from gateway_core.domain.chat import Json
from gateway_core.wires.anthropic.blocks import CACHE_CONTROL, blocks_of
from gateway_core.wires.anthropic.call_ids import CallIds
from gateway_core.wires.anthropic.thoughts import in_order, signed_blocks, thoughts_in
from gateway_core.wires.shapes import items, mapping
from gateway_core.wires.tool_arguments import object_of

_SYSTEM = ("system", "developer")
_ODD = re.compile(r"[^a-zA-Z0-9_-]")


@dataclass(frozen=True, slots=True)
class Conversation:
    """Blocks of the system, turns with their blocks, and the caller's fields that have no place in them."""

    system: list[dict[str, Any]]
    turns: list[dict[str, Any]]
    dropped: frozenset[str]

    @property
    def names_called(self) -> list[str]:
        """The tools that were called in it, each once."""
        blocks = (block for turn in self.turns for block in turn["content"])
        return list(dict.fromkeys(block["name"] for block in blocks if block["type"] == "tool_use"))


def conversation_of(messages: Sequence[Json]) -> Conversation:
    """The whole conversation, with the thinking blocks that it has."""
    leading = leading_system(messages)
    told = [_marked(message, blocks_of(message.get("content"))) for message in messages[:leading]]
    system = [block for blocks in told for block in blocks if block["type"] == "text"]
    turns = _Turns()
    for message in messages[leading:]:
        turns.add(message)
    trimmed = {"messages"} if _trim_last(turns.made) else set()
    return Conversation(system, turns.made, frozenset(_dropped(messages) | trimmed))


def leading_system(messages: Sequence[Json]) -> int:
    """How many messages of the system the conversation begins with."""
    return sum(1 for _ in takewhile(lambda message: message.get("role") in _SYSTEM, messages))


def _dropped(messages: Sequence[Json]) -> set[str]:
    named = {"name" for message in messages if message.get("name") and message.get("role") != "tool"}
    parts = (mapping(part) for message in messages for part in items(message.get("content")))
    details = {mapping(part.get("image_url")).get("detail") for part in parts}
    return named | ({"detail"} if details & {"low", "high"} else set())


@dataclass(slots=True)
class _Turns:
    made: list[dict[str, Any]] = field(default_factory=list)
    _ids: CallIds = field(default_factory=CallIds)

    def add(self, message: Json) -> None:
        match message.get("role"):
            case "assistant":
                self._put("assistant", _marked(message, self._assistant(message)))
            case "tool":
                self._put("user", _marked(message, [self._result(message)]), results=1)
            case "system" | "developer":
                self._put("user", _marked(message, [_told(block) for block in blocks_of(message.get("content"))]))
            case _:
                self._put("user", _marked(message, blocks_of(message.get("content"))))

    def _put(self, role: str, blocks: list[dict[str, Any]], *, results: int = 0) -> None:
        if not blocks:
            return
        if not self.made or self.made[-1]["role"] != role:
            self.made.append({"role": role, "content": []})
        content = self.made[-1]["content"]
        at = sum(block["type"] == "tool_result" for block in content) if results else len(content)
        content[at:at] = blocks

    def _assistant(self, message: Json) -> list[dict[str, Any]]:
        said = blocks_of(message.get("content")) or blocks_of(message.get("refusal"))
        calls = [mapping(call) for call in items(message.get("tool_calls"))]
        if not (said or calls):
            return []
        if not (self.made and self.made[-1]["role"] == "assistant"):
            self._ids.begin_turn()
        before = [thoughts_in(str(call.get("id"))) for call in calls]
        if not any(before):
            return [*signed_blocks(message.get("thinking_blocks")), *said, *map(self._call, calls)]
        parts = in_order(said, before)
        return [block for part, call in zip(parts, calls, strict=True) for block in (*part, self._call(call))]

    def _call(self, call: Json) -> dict[str, Any]:
        function = mapping(call.get("function"))
        return {
            "type": "tool_use",
            "id": self._ids.of_call(str(call.get("id") or "")),
            "name": _ODD.sub("_", str(function.get("name") or "")) or "_",
            "input": object_of(function.get("arguments")),
        }

    def _result(self, message: Json) -> dict[str, Any]:
        """A cache mark within a result is its own: blocks inside of it take none."""
        blocks = blocks_of(message.get("content"))
        marks = [block.pop(CACHE_CONTROL) for block in blocks if CACHE_CONTROL in block]
        return {
            "type": "tool_result",
            "tool_use_id": self._ids.of_result(str(message.get("tool_call_id") or "")),
            **({"content": blocks} if blocks else {}),
            **({CACHE_CONTROL: marks[-1]} if marks else {}),
        }


def _marked(message: Json, blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The blocks with a cache mark of their message, which is for the last of them."""
    if message.get(CACHE_CONTROL) is not None and blocks:
        blocks[-1][CACHE_CONTROL] = message[CACHE_CONTROL]
    return blocks


def _told(block: dict[str, Any]) -> dict[str, Any]:
    return {**block, "text": f"<system>\n{block['text']}\n</system>"} if block["type"] == "text" else block


def _trim_last(turns: list[dict[str, Any]]) -> bool:
    """An answer that was begun for the model must not end in white space. Whether it did."""
    last = turns[-1]["content"][-1] if turns and turns[-1]["role"] == "assistant" else {}
    if last.get("type") != "text" or last["text"] == last["text"].rstrip():
        return False
    last["text"] = last["text"].rstrip()
    return True
