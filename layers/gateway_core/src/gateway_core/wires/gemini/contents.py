"""The conversation as Gemini takes it: turns of `user` and `model`, and each call's result right behind the call.

Sources: https://ai.google.dev/gemini-api/docs/function-calling (ids and the order of results),
https://ai.google.dev/gemini-api/docs/thought-signatures (which calls need a signature, and what stands for one).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway_core.domain.chat import Json
from gateway_core.wires.gemini.models import is_since_3
from gateway_core.wires.gemini.objects import object_in
from gateway_core.wires.gemini.parts import lost_of, parts_of, result_of, said_in
from gateway_core.wires.shapes import items, mapping, text_of
from gateway_core.wires.signed_ids import split

_NO_SIGNATURE = "skip_thought_signature_validator"
"""What Google documents for calls that another model made."""
_BLANK = {"text": " "}
"""A turn has to have a part, and a part may not be empty."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """The contents, at least one; the parts of the system instruction; names of what was left out."""

    contents: list[Json]
    system: list[Json]
    dropped: frozenset[str]


@dataclass(slots=True)
class _Turn:
    role: str
    parts: list[Json]
    has_results: bool = False


@dataclass(slots=True)
class _Slot:
    """Where the result of a call goes."""

    name: str
    parts: list[Json] = field(default_factory=list)


def conversation_of(messages: Sequence[Json], model: str) -> Conversation:
    """The conversation for a model. Raises nothing for messages of a valid shape."""
    dropped = frozenset(name for message in messages for name in lost_of(message))
    turns = _Turns(is_since_3(model))
    for message in messages:
        turns.add(message)
    contents, system = _merged(turns.all()), turns.system
    if not contents:
        # Gemini refuses instructions alone: the last of them is what it is to answer.
        contents = [_user([_marked("system", system.pop()["text"]) if system else _BLANK])]
    if any("functionCall" in part for part in contents[0]["parts"]):
        contents.insert(0, _user([_BLANK]))  # a call has to come after a turn of the user
    if turns.since_3:
        _sign(contents)
    return Conversation(contents, system, dropped)


class _Turns:
    """The messages so far, in Gemini's turns."""

    def __init__(self, since_3: bool) -> None:
        self.since_3 = since_3
        self.system: list[Json] = []
        self._turns: list[_Turn | list[_Slot]] = []
        self._open: dict[str, list[_Slot]] = {}

    def add(self, message: Json) -> None:
        """The next message."""
        match message.get("role"):
            case "system" | "developer":
                self._instruct(said_in(message.get("content")))
            case "assistant":
                self._answer(message)
            case "tool":
                self._result(message)
            case _:
                self._say("user", list(parts_of(message.get("content"))))

    def all(self) -> list[_Turn]:
        """All turns, those of results filled as far as there are any."""
        return [turn if isinstance(turn, _Turn) else _results(turn) for turn in self._turns]

    def _say(self, role: str, parts: list[Json]) -> None:
        if parts:
            self._turns.append(_Turn(role, parts))

    def _instruct(self, text: str) -> None:
        if not text:
            return
        if self._turns:
            self._say("user", [_marked("system", text)])  # there is no such role but at the beginning
        else:
            self.system.append({"text": text})

    def _answer(self, message: Json) -> None:
        calls = [mapping(call) for call in items(message.get("tool_calls"))]
        said = list(parts_of(message.get("content"))) or list(parts_of(message.get("refusal")))
        self._say("model", said + [self._call(call) for call in calls])
        if not calls:
            return
        slots = [(split(text_of(call.get("id"))).plain, _Slot(_function_name(call))) for call in calls]
        self._turns.append([slot for _, slot in slots])
        self._open |= {call_id: [slot for own, slot in slots if own == call_id] for call_id, _ in slots}

    def _call(self, call: Json) -> Json:
        signed = split(text_of(call.get("id")))
        arguments = text_of(mapping(call.get("function")).get("arguments"))
        made: dict[str, Any] = {"name": _function_name(call), "args": _args(arguments)}
        if self.since_3 and signed.plain:
            made["id"] = signed.plain
        signature = "" if signed.mark else signed.payload
        return {"functionCall": made, **({"thoughtSignature": signature} if signature else {})}

    def _result(self, message: Json) -> None:
        call_id = split(text_of(message.get("tool_call_id"))).plain
        waiting = self._open.get(call_id)
        if not waiting:  # Gemini refuses results of what was not called
            content = message.get("content")
            media = [part for part in parts_of(content) if "text" not in part]
            self._say("user", [_marked("tool", said_in(content)), *media])
            return
        slot = waiting.pop(0)
        own_id = call_id if self.since_3 else ""
        slot.parts.extend(result_of(message, slot.name, own_id, holds_media=self.since_3))


def _marked(role: str, text: str) -> Json:
    """What somebody says for whom Gemini has no role here."""
    return {"text": f"<{role}>\n{text}\n</{role}>"}


def _function_name(call: Json) -> str:
    return text_of(mapping(call.get("function")).get("name"))


def _args(arguments: str) -> Json:
    """What is no JSON object, such as arguments that were cut off, is shown to the model as the text that it is."""
    if not arguments.strip():
        return {}
    found = object_in(arguments)
    return {"arguments": arguments} if found is None else found


def _results(slots: list[_Slot]) -> _Turn:
    return _Turn("user", [part for slot in slots for part in slot.parts], has_results=True)


def _merged(turns: list[_Turn]) -> list[Json]:
    """The turns that say something, neighbours of one role as one. Results stay apart from what the user says."""
    merged: list[_Turn] = []
    for turn in turns:
        last = merged[-1] if merged else None
        if last and turn.parts and (last.role, last.has_results) == (turn.role, turn.has_results):
            last.parts.extend(turn.parts)
        elif turn.parts:
            merged.append(turn)
    return [{"role": turn.role, "parts": turn.parts} for turn in merged]


def _user(parts: list[Json]) -> Json:
    return {"role": "user", "parts": parts}


def _sign(contents: list[Json]) -> None:
    """Puts the documented stand-in on the first call of each step since the user spoke last, if that has no signature.

    Earlier steps are not checked, and of calls made at once only the first has one.
    """
    spoken = (index for index, content in enumerate(contents) if content["role"] == "user" and _speaks(content))
    for content in contents[max(spoken, default=0) :]:
        first_call = next((part for part in content["parts"] if "functionCall" in part), None)
        if first_call is not None:
            first_call.setdefault("thoughtSignature", _NO_SIGNATURE)


def _speaks(content: Json) -> bool:
    return any("functionResponse" not in part for part in content["parts"])
