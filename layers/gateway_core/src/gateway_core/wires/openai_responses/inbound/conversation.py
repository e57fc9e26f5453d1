"""The input of a request as messages of the chat form.

What the assistant did between two words of others is one turn there, and the results of its calls follow it at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway_core.domain.chat import Json
from gateway_core.wires.codec import Objection
from gateway_core.wires.openai_responses.inbound.names import ToolNames, arguments_of
from gateway_core.wires.shapes import items, mapping

CALLS = frozenset({"function_call", "custom_tool_call"})
OUTPUTS = frozenset({"function_call_output", "custom_tool_call_output"})


@dataclass(frozen=True, slots=True)
class Conversation:
    """Messages in the chat form, and the path in the request of what each was made of."""

    messages: tuple[Json, ...]
    places: tuple[str, ...]


def kind_of(item: Json) -> str:
    """The type of an item; a message may come without one."""
    return str(item.get("type") or ("message" if "role" in item else "item_reference"))


def items_of(body: Json) -> list[Json]:
    """The input as a list; a text is what the user says."""
    given = body.get("input")
    return [_user(given)] if isinstance(given, str) else list(map(mapping, items(given)))


def _user(text: str) -> Json:
    return {"type": "message", "role": "user", "content": text}


def conversation_of(body: Json, names: ToolNames) -> Conversation:
    """The whole conversation, instructions first. What has no place in the chat form is passed over."""
    made = _Messages(names, isinstance(body.get("input"), str))
    if instructions := body.get("instructions"):
        made.add({"role": "system", "content": instructions}, "instructions")
    made.all(items_of(body))
    return Conversation(tuple(message for message, _ in made.found), tuple(place for _, place in made.found))


def unanswered(body: Json) -> Objection | None:
    """The first result without a call before it, or call without a result: OpenAI refuses either, and so do others."""
    called: dict[str, int] = {}
    answered = {item.get("call_id") for item in items_of(body) if kind_of(item) in OUTPUTS}
    for index, item in enumerate(items_of(body)):
        call_id, path = str(item.get("call_id")), f"input.{index}.call_id"
        if kind_of(item) in OUTPUTS and call_id not in called:
            return Objection(path, "no call before it has this call_id")
        if kind_of(item) in CALLS:
            called[call_id] = index
    waiting = [index for call_id, index in called.items() if call_id not in answered]
    return Objection(f"input.{waiting[0]}.call_id", "no result of this call comes after it") if waiting else None


@dataclass(slots=True)
class _Messages:
    names: ToolNames
    is_text: bool
    found: list[tuple[Json, str]] = field(default_factory=list)
    _turn: list[tuple[int, Json]] = field(default_factory=list)
    _results: dict[str, list[tuple[int, Json]]] = field(default_factory=dict)

    def add(self, message: Json, place: str) -> None:
        self.found.append((message, place))

    def all(self, given: list[Json]) -> None:
        for index, item in enumerate(given):
            if kind_of(item) in OUTPUTS:
                self._results.setdefault(str(item.get("call_id")), []).append((index, item))
        for index, item in enumerate(given):
            self._take(index, item)
        self._end_turn()

    def _take(self, index: int, item: Json) -> None:
        kind = kind_of(item)
        if kind in CALLS or (kind == "message" and item.get("role") == "assistant"):
            self._turn.append((index, item))
        elif kind in OUTPUTS:
            self._end_turn()
        elif kind == "message":
            self._end_turn()
            self.add({"role": item.get("role"), "content": content_of(item.get("content"))}, self._place(index))

    def _end_turn(self) -> None:
        turn, self._turn = self._turn, []
        calls = [item for _, item in turn if kind_of(item) in CALLS]
        if not calls:
            for index, item in turn:
                self.add({"role": "assistant", "content": _said([item])}, self._place(index))
            return
        said = _said([item for _, item in turn if kind_of(item) not in CALLS]) or None
        made = [_call(item, self.names) for item in calls]
        self.add({"role": "assistant", "content": said, "tool_calls": made}, self._place(turn[0][0]))
        for call in calls:
            self._add_result(str(call.get("call_id")))

    def _add_result(self, call_id: str) -> None:
        """The next one of this id, which several calls may have; `unanswered` has seen to it that there is one."""
        for index, item in self._results.get(call_id, [])[:1]:
            del self._results[call_id][0]
            content = content_of(item.get("output"))
            self.add({"role": "tool", "tool_call_id": call_id, "content": content}, f"{self._place(index)}.output")

    def _place(self, index: int) -> str:
        return "input" if self.is_text else f"input.{index}"


def _said(messages: Iterable[Json]) -> Any:
    """What the assistant said: a text where it is one, else the parts."""
    parts = [part for message in messages for part in _spoken(message.get("content"))]
    texts = [part["text"] for part in parts if part["type"] == "text"]
    return "".join(texts) if len(parts) == len(texts) <= 1 else parts


def _spoken(content: Any) -> Iterator[dict[str, Any]]:
    if isinstance(content, str):
        yield {"type": "text", "text": content}
    for part in map(mapping, items(content)):
        if part.get("type") == "refusal":
            yield {"type": "refusal", "refusal": part.get("refusal")}
        else:
            yield {"type": "text", "text": part.get("text")}


def _call(item: Json, names: ToolNames) -> dict[str, Any]:
    is_custom = kind_of(item) == "custom_tool_call"
    said = arguments_of(str(item.get("input") or "")) if is_custom else item.get("arguments")
    name = names.name(str(item.get("name")), str(item.get("namespace") or ""))
    return {"id": item.get("call_id"), "type": "function", "function": {"name": name, "arguments": said}}


def content_of(content: Any) -> Any:
    """What a user, the system or a tool says: a text, or parts of the chat form in the same places."""
    return [_PARTS[part["type"]](part) for part in content] if isinstance(content, list) else content


def _image(part: Json) -> dict[str, Any]:
    detail = {"detail": part["detail"]} if part.get("detail") else {}
    return {"type": "image_url", "image_url": {"url": part.get("image_url"), **detail}}


def _file(part: Json) -> dict[str, Any]:
    named = {"filename": part["filename"]} if part.get("filename") else {}
    return {"type": "file", "file": {**named, "file_data": part.get("file_data")}}


_PARTS: Mapping[str, Any] = {
    "input_text": lambda part: {"type": "text", "text": part.get("text")},
    "input_image": _image,
    "input_file": _file,
    "input_audio": lambda part: {"type": "input_audio", "input_audio": part.get("input_audio")},
}
