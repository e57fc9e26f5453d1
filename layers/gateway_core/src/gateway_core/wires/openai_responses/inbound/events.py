"""The events of a stream that is made here: https://platform.openai.com/docs/api-reference/responses-streaming.

An item of reasoning or a message ends when something else begins. Calls stay open to the end, as the pieces of several
may come in turns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from gateway_core.domain.answer import Chunk, ToolCall, ToolCallDelta, Usage
from gateway_core.domain.chat import Json
from gateway_core.wires.openai_responses.inbound.response import (
    ResponseFrame,
    ended,
    refusal_part,
    response_usage,
    summary_part,
    text_part,
)
from gateway_core.wires.openai_responses.inbound.writing import Event, failed_event

type _Kind = Literal["reasoning", "text", "refusal"]
_PART = {"text": ("output_text", text_part), "refusal": ("refusal", refusal_part)}


@dataclass(slots=True)
class _Part:
    """What is being said: a summary of reasoning, or a part of a message, at its place in the item."""

    kind: _Kind
    place: int
    said: list[str] = field(default_factory=list)

    @property
    def whole(self) -> str:
        return "".join(self.said)


@dataclass(slots=True)
class _OpenCall:
    """A call on its way. `index` is its place in the output, None before its name is known."""

    index: int | None = None
    id: str = ""
    name: str = ""
    said: list[str] = field(default_factory=list)

    @property
    def whole(self) -> ToolCall:
        return ToolCall(self.id, self.name, "".join(self.said))


class OwnEvents:
    """A `Writer` for answers that came on another wire."""

    def __init__(self, frame: ResponseFrame, model: str) -> None:
        self._frame = frame
        self._begun = frame.begun(model)
        self._output: dict[int, Json] = {}
        self._has_begun = False
        self._next = 0
        self._item = 0
        self._parts: list[Json] = []
        self._part: _Part | None = None
        self._calls: dict[int, _OpenCall] = {}

    def chunk(self, chunk: Chunk) -> Iterator[Event]:
        yield from self._begin()
        if chunk.reasoning and self._frame.shows_reasoning:
            yield from self._say("reasoning", chunk.reasoning)
        if chunk.text:
            yield from self._say("text", chunk.text)
        if chunk.refusal:
            yield from self._say("refusal", chunk.refusal)
        for piece in chunk.tool_calls:
            yield from self._call(piece)

    def end(self, finish: str, /, usage: Usage, *, cost: Json) -> Iterator[Event]:
        yield from self._begin()
        if not (self._output or self._part or self._calls):
            yield from self._open("text")
        yield from self._close_all("incomplete" if finish == "length" else "completed")
        yield self._ended(finish, {**response_usage(usage), **cost})

    def filtered(self, usage: Usage | None) -> Iterator[Event]:
        yield from self._begin()
        yield from self._close_all("incomplete")
        yield self._ended("content_filter", response_usage(usage or Usage()))

    def failed(self, code: str, message: str, usage: Usage | None) -> Iterator[Event]:
        """Items that are open stay so: none of them is done."""
        yield from self._begin()
        response = {**self._begun, "output": self._so_far()}
        yield failed_event(response, code, message, usage)

    def _so_far(self) -> list[Json]:
        part = [self._whole_item(self._part, "incomplete")] if self._part else []
        calls = [call for call in self._calls.values() if call.index is not None]
        open_ = [self._frame.call(call.index or 0, call.whole, "incomplete") for call in calls]
        return [*self._done, *part, *open_]

    @property
    def _done(self) -> list[Json]:
        return [item for _, item in sorted(self._output.items())]

    def _ended(self, finish: str, usage: Json) -> Event:
        response = ended(self._begun, self._done, usage, finish, self._frame.created)
        return {"type": f"response.{response['status']}", "response": response}

    def _begin(self) -> Iterator[Event]:
        if not self._has_begun:
            self._has_begun = True
            yield {"type": "response.created", "response": self._begun}
            yield {"type": "response.in_progress", "response": self._begun}

    def _say(self, kind: _Kind, text: str) -> Iterator[Event]:
        if self._part is None or self._part.kind != kind:
            yield from self._open(kind)
        assert self._part is not None  # noqa: S101 - for the types
        self._part.said.append(text)
        if kind == "reasoning":
            yield {"type": "response.reasoning_summary_text.delta", **self._place("summary_index"), "delta": text}
            return
        logprobs: dict[str, Any] = {"logprobs": []} if kind == "text" else {}
        yield {
            "type": f"response.{_PART[kind][0]}.delta",
            **self._place("content_index"),
            "delta": text,
            **logprobs,
        }

    def _open(self, kind: _Kind) -> Iterator[Event]:
        """A part of this kind: in the message that is open, or in a new item."""
        if self._part and kind != "reasoning" and self._part.kind != "reasoning":
            yield from self._close_part(self._part)
            self._parts.append(_made(self._part))
        else:
            yield from self._close_item("completed")
            self._item, self._parts = self._take_index(), []
            frame, index = self._frame, self._item
            item = frame.reasoning(index, None) if kind == "reasoning" else frame.message(index, [], "in_progress")
            yield {"type": "response.output_item.added", "output_index": index, "item": item}
        self._part = _Part(kind, len(self._parts))
        if kind == "reasoning":
            place = self._place("summary_index")
            yield {"type": "response.reasoning_summary_part.added", **place, "part": summary_part("")}
        else:
            part = _PART[kind][1]("")
            yield {"type": "response.content_part.added", **self._place("content_index"), "part": part}

    def _close_part(self, part: _Part) -> Iterator[Event]:
        if part.kind == "reasoning":
            place, whole = self._place("summary_index"), summary_part(part.whole)
            yield {"type": "response.reasoning_summary_text.done", **place, "text": part.whole}
            yield {"type": "response.reasoning_summary_part.done", **place, "part": whole}
        else:
            place = self._place("content_index")
            name = _PART[part.kind][0]
            said = {"text": part.whole, "logprobs": []} if part.kind == "text" else {"refusal": part.whole}
            yield {"type": f"response.{name}.done", **place, **said}
            yield {"type": "response.content_part.done", **place, "part": _made(part)}

    def _close_item(self, status: str) -> Iterator[Event]:
        if self._part is None:
            return
        yield from self._close_part(self._part)
        yield self._item_done(self._item, self._whole_item(self._part, status))
        self._part = None

    def _whole_item(self, part: _Part, status: str) -> Json:
        if part.kind == "reasoning":
            return self._frame.reasoning(self._item, part.whole)
        return self._frame.message(self._item, [*self._parts, _made(part)], status)

    def _item_done(self, index: int, item: Json) -> Event:
        self._output[index] = item
        return {"type": "response.output_item.done", "output_index": index, "item": item}

    def _place(self, part: str) -> Json:
        kind = self._part.kind if self._part else "text"
        prefix = "rs" if kind == "reasoning" else "msg"
        place = self._part.place if self._part else 0
        return {"item_id": self._frame.item_id(prefix, self._item), "output_index": self._item, part: place}

    def _take_index(self) -> int:
        self._next += 1
        return self._next - 1

    def _call(self, piece: ToolCallDelta) -> Iterator[Event]:
        call = self._calls.setdefault(piece.index, _OpenCall())
        call.id, call.name = call.id + piece.id, call.name + piece.name
        call.said.append(piece.arguments)
        if call.index is not None:
            yield from self._argue(call, call.index, piece.arguments)
        elif call.name:
            yield from self._begin_call(call)

    def _begin_call(self, call: _OpenCall) -> Iterator[Event]:
        yield from self._close_item("completed")
        index = call.index = self._take_index()
        item = self._frame.call(index, ToolCall(call.id, call.name, ""), "in_progress")
        yield {"type": "response.output_item.added", "output_index": index, "item": item}
        yield from self._argue(call, index, "".join(call.said))

    def _argue(self, call: _OpenCall, index: int, more: str) -> Iterator[Event]:
        if more and not self._frame.names.declared(call.name).custom:
            place = {"item_id": self._frame.item_id("fc", index), "output_index": index}
            yield {"type": "response.function_call_arguments.delta", **place, "delta": more}

    def _close_all(self, status: str) -> Iterator[Event]:
        """Whatever is open. Only what comes last can be incomplete."""
        yield from self._close_item(status if not self._calls else "completed")
        for call in self._calls.values():
            if call.index is None:  # nobody ever said its name
                yield from self._begin_call(call)
            yield from self._close_call(call.index or 0, call.whole, status)

    def _close_call(self, index: int, call: ToolCall, status: str) -> Iterator[Event]:
        item = self._frame.call(index, call, status)
        place = {"item_id": item["id"], "output_index": index}
        if item["type"] == "custom_tool_call":
            said = item["input"]
            yield {"type": "response.custom_tool_call_input.delta", **place, "delta": said}
            yield {"type": "response.custom_tool_call_input.done", **place, "input": said}
        else:
            done = {"arguments": call.arguments, "name": item["name"]}
            yield {"type": "response.function_call_arguments.done", **place, **done}
        yield self._item_done(index, item)


def _made(part: _Part) -> dict[str, Any]:
    return _PART[part.kind][1](part.whole)
