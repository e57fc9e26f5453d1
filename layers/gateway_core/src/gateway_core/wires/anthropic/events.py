"""The events of a stream of Anthropic's Messages: blocks that begin, grow and end, one after the other.

Source: https://platform.claude.com/docs/en/build-with-claude/streaming.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway_core.domain.answer import Chunk
from gateway_core.domain.chat import Json, ProviderCall
from gateway_core.wires.anthropic.answer import arguments_of, unplaced
from gateway_core.wires.anthropic.record import ANTHROPIC
from gateway_core.wires.anthropic.thoughts import THOUGHTS, with_thoughts
from gateway_core.wires.anthropic.tools import json_tool
from gateway_core.wires.calls import CallNumbers
from gateway_core.wires.shapes import sendable, text_of

_NOTHING = Chunk()
_ENDS = frozenset({"message_delta", "message_stop"})


class MessagesReader:
    """Reads one stream, see `codec.EventReader`.

    In JSON mode the arguments of the first answering call are the text. What is said beside it is held back, to be told
    only where there is neither an answer nor a call: a refusal.
    """

    def __init__(self, call: ProviderCall) -> None:
        self._json = json_tool(call.params)
        self._forwards = call.body_on(ANTHROPIC.name) is not None
        self._waiting: list[Json] = []
        self._ends: list[Json] = []
        self._calls = CallNumbers()
        self._number = 0
        self._before: list[dict[str, Any] | int] = []
        self._length = 0
        self._block: dict[str, Any] = {}
        self._has_arguments = False
        self._answered = False
        self._held: list[str] = []

    @property
    def called(self) -> bool:
        return self._calls.any

    def chunk(self, event: Json) -> Chunk:
        chunk = self._chunk(event)
        return self._passed(event, chunk) if self._forwards else chunk

    def _passed(self, event: Json, chunk: Chunk) -> Chunk:
        """Events go on once there is content; how the answer ends, once it has come to a sound end."""
        if self._ends or event.get("type") in _ENDS:
            self._ends.append(event)
            return chunk
        self._waiting.append(event)
        if event.get("type") == "content_block_start" and (said := unplaced(event["content_block"])):
            chunk = replace(chunk, other=True, beside=said)
        if not chunk.is_content:
            return chunk
        passed, self._waiting = tuple(self._waiting), []
        return replace(chunk, forwarded=passed)

    def _chunk(self, event: Json) -> Chunk:
        match event.get("type"):
            case "content_block_delta":
                return self._delta(event["delta"])
            case "content_block_start":
                return self._begin(dict(event["content_block"]))
            case "content_block_stop":
                return self._end()
            case _:
                return _NOTHING

    def last(self) -> Chunk:
        if self._forwards:
            return Chunk(forwarded=(*self._waiting, *self._ends))
        held = "" if self._answered or self._calls.any else "".join(self._held)
        return Chunk(text=held) if held else _NOTHING

    def _delta(self, delta: Json) -> Chunk:
        kind = delta.get("type")
        if kind == "text_delta":
            return self._said(sendable(delta["text"]))
        if kind == "input_json_delta":
            return self._arguments(sendable(delta["partial_json"]))
        if kind == "thinking_delta":
            self._grow("thinking", delta["thinking"])
            return Chunk(reasoning=sendable(delta["thinking"]))
        if kind == "signature_delta":
            self._grow("signature", delta["signature"])
        return _NOTHING

    def _said(self, text: str) -> Chunk:
        if self._json:
            self._held.append(text)
            return _NOTHING
        self._length += len(text)
        return Chunk(text=text)

    def _grow(self, name: str, more: str) -> None:
        self._block.setdefault(f"{name}s", []).append(more)

    def _begin(self, block: dict[str, Any]) -> Chunk:
        self._block, self._has_arguments = block, False
        kind = block.get("type")
        if self._length:
            self._before.append(self._length)
            self._length = 0
        if kind == "text":
            return self._said(text_of(block.get("text")))
        if kind == "thinking":
            return Chunk(reasoning=text_of(block.get("thinking")))
        if kind != "tool_use":
            return _NOTHING
        name = text_of(block.get("name"))
        if name and name == self._json:
            block["type"] = "repeated" if self._answered else "answer"
            self._answered = True
            return _NOTHING
        before, self._before = self._before, []
        self._number += 1
        return self._piece(with_thoughts(text_of(block.get("id")), before), name, "")

    def _arguments(self, text: str) -> Chunk:
        kind = self._block.get("type")
        if not text or kind not in ("tool_use", "answer"):
            return _NOTHING
        self._has_arguments = True
        return Chunk(text=text) if kind == "answer" else self._piece("", "", text)

    def _piece(self, call_id: str, name: str, arguments: str) -> Chunk:
        made = self._calls.delta(self._number, call_id, name, arguments)
        return Chunk(tool_calls=(made,)) if made else _NOTHING

    def _end(self) -> Chunk:
        """A call without arguments has no piece of them; some proxies tell all of them as the call begins."""
        block, self._block = self._block, {}
        kind = block.get("type")
        if kind in THOUGHTS:
            for name in ("thinking", "signature"):
                block[name] = str(block.get(name) or "") + "".join(block.pop(f"{name}s", ()))
            self._before.append(block)
        if kind not in ("tool_use", "answer") or self._has_arguments:
            return _NOTHING
        whole = arguments_of(block.get("input"))
        return Chunk(text=whole) if kind == "answer" else self._piece("", "", whole)
