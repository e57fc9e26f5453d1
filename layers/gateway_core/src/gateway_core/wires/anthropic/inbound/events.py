"""A stream as Anthropic's events: blocks that begin, grow and end, one after the other.

Source: https://platform.claude.com/docs/en/build-with-claude/streaming.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from gateway_core.domain.answer import Chunk, ToolCallDelta, Usage
from gateway_core.domain.chat import Json
from gateway_core.wires.anthropic.inbound.answer import message_id, stop_reason
from gateway_core.wires.anthropic.inbound.names import ToolNames
from gateway_core.wires.anthropic.inbound.usage import messages_usage
from gateway_core.wires.anthropic.thoughts import OWN_SIGNATURE
from gateway_core.wires.shapes import mapping

_PING, _STOP = {"type": "ping"}, {"type": "message_stop"}


@dataclass(slots=True)
class _Call:
    """A call that has begun, and what came of it before its block could begin."""

    id: str
    name: str
    said: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether its arguments are JSON by now, so that no more can belong to them."""
        try:
            json.loads("".join(self.said))
        except (ValueError, RecursionError):
            return False
        return True


class MessagesWriter:
    """The events of one answer, of chunks in their order. Between `end` and the last chunk nothing may fail.

    Blocks do not overlap: pieces of a call that come while another is told wait until that is whole.
    """

    def __init__(self, request_id: str, model: str, names: ToolNames) -> None:
        self._frame = {"id": message_id(request_id), "type": "message", "role": "assistant", "model": model}
        self._names = names
        self._begun = False
        self._open = ""
        self._index = -1
        self._calls: dict[int, _Call] = {}
        self._told = -1
        self._came: list[Json] = []

    def chunk(self, chunk: Chunk) -> Iterator[dict[str, Any]]:
        """What a chunk adds: the provider's own events, or events of ours."""
        if chunk.forwarded:
            yield from self._forwarded(chunk.forwarded)
            return
        yield from self._begin()
        if chunk.reasoning:
            yield from self._grow("thinking", {"type": "thinking_delta", "thinking": chunk.reasoning})
        if said := chunk.text + chunk.refusal:
            yield from self._grow("text", {"type": "text_delta", "text": said})
        for delta in chunk.tool_calls:
            yield from self._call(delta)

    def end(self, finish: str, usage: Usage, **beside: Any) -> Iterator[dict[str, Any]]:
        """The end of a sound answer; `beside` goes into its usage."""
        if self._came:
            for event in self._came:
                told = event.get("usage")
                used = {"usage": {**messages_usage(usage, mapping(told)), **beside}} if told else {}
                yield {**event, **used}
            if self._came[-1].get("type") != _STOP["type"]:  # some proxies end with a word of their own
                yield dict(_STOP)
            return
        yield from self._begin()
        yield from self._rest_of_calls()
        yield from self._stop()
        delta = {"stop_reason": stop_reason(finish), "stop_sequence": None}
        yield {"type": "message_delta", "delta": delta, "usage": {**messages_usage(usage), **beside}}
        yield dict(_STOP)

    def _forwarded(self, came: tuple[Json, ...]) -> Iterator[dict[str, Any]]:
        """Those that end the answer are kept until it is settled."""
        self._begun = True
        for event in came:
            match event.get("type"):
                case "message_start":
                    yield {**event, "message": {**mapping(event.get("message")), **self._frame}}
                case "message_delta" | "message_stop":
                    self._came.append(event)
                case _:
                    yield dict(event)

    def _begin(self) -> Iterator[dict[str, Any]]:
        if self._begun:
            return
        self._begun = True
        empty: dict[str, Any] = {
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": messages_usage(Usage()),
        }
        yield {"type": "message_start", "message": {**self._frame, **empty}}
        yield dict(_PING)

    def _grow(self, kind: str, delta: Json) -> Iterator[dict[str, Any]]:
        if self._open != kind:
            yield from self._rest_of_calls()
            yield from self._stop()
            empty = {"thinking": "", "signature": ""} if kind == "thinking" else {"text": ""}
            yield self._start(kind, empty)
        yield {"type": "content_block_delta", "index": self._index, "delta": delta}

    def _call(self, delta: ToolCallDelta) -> Iterator[dict[str, Any]]:
        call = self._calls.setdefault(delta.index, _Call("", ""))
        call.id, call.name = call.id or delta.id, call.name or delta.name
        call.said.append(delta.arguments)
        if delta.index == self._told:
            yield from self._piece(delta.arguments)
        else:
            yield from self._next_calls()

    def _next_calls(self) -> Iterator[dict[str, Any]]:
        """Those whose turn it is: the call that is told, if one is, has to be whole."""
        while self._waiting and (self._open != "tool_use" or self._calls[self._told].is_whole):
            yield from self._tell(self._waiting[0])

    @property
    def _waiting(self) -> list[int]:
        return sorted(index for index in self._calls if index > self._told)

    def _tell(self, index: int) -> Iterator[dict[str, Any]]:
        """Begin a call's block, with all that has come of it."""
        yield from self._stop()
        call, self._told = self._calls[index], index
        yield self._start("tool_use", {"id": call.id, "name": self._names.back(call.name), "input": {}})
        yield from self._piece("".join(call.said))

    def _rest_of_calls(self) -> Iterator[dict[str, Any]]:
        """Calls that had to wait for others until these were at their end."""
        for index in self._waiting:
            yield from self._tell(index)

    def _piece(self, arguments: str) -> Iterator[dict[str, Any]]:
        if arguments:
            delta = {"type": "input_json_delta", "partial_json": arguments}
            yield {"type": "content_block_delta", "index": self._index, "delta": delta}

    def _start(self, kind: str, empty: Json) -> dict[str, Any]:
        self._open, self._index = kind, self._index + 1
        return {"type": "content_block_start", "index": self._index, "content_block": {"type": kind, **empty}}

    def _stop(self) -> Iterator[dict[str, Any]]:
        if self._open == "thinking":
            signed = {"type": "signature_delta", "signature": OWN_SIGNATURE}
            yield {"type": "content_block_delta", "index": self._index, "delta": signed}
        if self._open:
            self._open = ""
            yield {"type": "content_block_stop", "index": self._index}
