"""The conversation as Responses' list of input items, in the order in which it was.

System messages are items like all others, not `instructions`: these come first whatever they refer to.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gateway_core.domain.chat import Json
from gateway_core.wires.openai_responses.carried import lead_of
from gateway_core.wires.openai_responses.content import answered, spoken
from gateway_core.wires.shapes import items, mapping
from gateway_core.wires.signed_ids import shortened, split

NO_ARGUMENTS = "{}"
_LONGEST_ID = 64
"""Characters of a `call_id`: a longer one is refused as `string_above_max_length`."""
_NOTHING_SAID = {"type": "message", "role": "user", "content": ""}


@dataclass(frozen=True, slots=True)
class History:
    """Items to send, never none; and the names of what was left out."""

    items: list[Json]
    dropped: frozenset[str]


def history_of(messages: Sequence[Json], origin: str) -> History:
    """The messages, with the reasoning of this origin that they carry; with none where `origin` is empty."""
    customs = {
        wire_id(call.get("id"))
        for message in messages
        for call in map(mapping, items(message.get("tool_calls")))
        if call.get("type") == "custom"
    }
    found = [item for message in messages for item in _items(message, origin, customs)]
    return History(found or [_NOTHING_SAID], frozenset(_dropped(messages)))


def wire_id(call_id: Any) -> str:
    """The id of a call as it may be sent: without what it carries, and the same for the call and its result."""
    return shortened(split(str(call_id or "")).plain, _LONGEST_ID)


def _items(message: Json, origin: str, customs: set[str]) -> list[Json]:
    content = message.get("content")
    match message.get("role"):
        case "system" | "developer" as role:
            said = spoken(content)
            return [{"type": "message", "role": role, "content": said}] if said else []
        case "user":
            return [{"type": "message", "role": "user", "content": spoken(content)}]
        case "assistant":
            return _assistant(message, origin)
        case _:
            call_id = wire_id(message.get("tool_call_id"))
            kind = "custom_tool_call_output" if call_id in customs else "function_call_output"
            return [{"type": kind, "call_id": call_id, "output": spoken(content)}]


def _assistant(message: Json, origin: str) -> list[Json]:
    """Text, calls, and the reasoning before them; the text stands where it stood, which is first if nobody says."""
    calls = [mapping(call) for call in items(message.get("tool_calls"))]
    turn = [item for call in calls for item in (*_lead(call, origin), _call(call))]
    place = next((index for index, item in enumerate(turn) if item["type"] == "message"), 0)
    said = answered(message)
    phase = {"phase": turn[place]["phase"]} if turn and "phase" in turn[place] else {}
    text = {"type": "message", "role": "assistant", "content": said, **phase}
    return [*_no_places(turn[:place]), *([text] if said else []), *_no_places(turn[place:])]


def _lead(call: Json, origin: str) -> list[Json]:
    return lead_of(str(call.get("id")), origin) if origin else []


def _no_places(turn: list[Json]) -> Iterator[Json]:
    return (item for item in turn if item["type"] != "message")


def _call(call: Json) -> dict[str, Any]:
    call_id = wire_id(call.get("id"))
    if call.get("type") == "custom":
        custom = mapping(call.get("custom"))
        said = custom.get("input") or ""
        return {"type": "custom_tool_call", "call_id": call_id, "name": custom.get("name"), "input": said}
    function = mapping(call.get("function"))
    arguments = _arguments(function.get("arguments"))
    return {"type": "function_call", "call_id": call_id, "name": function.get("name"), "arguments": arguments}


def _arguments(text: Any) -> str:
    """The JSON object that the arguments are. Of those that are none, as when an answer was cut off, one is made."""
    if not text:
        return NO_ARGUMENTS
    try:
        sound = isinstance(json.loads(text, parse_constant=_no_json), dict)
    except (ValueError, RecursionError):
        sound = False
    return text if sound else json.dumps({"arguments": text}, ensure_ascii=False)


def _no_json(word: str) -> None:
    """Refuses NaN and infinities, which Python alone takes for JSON."""
    raise ValueError(word)


def _dropped(messages: Sequence[Json]) -> Iterator[str]:
    """A tool's `name` is said by its call."""
    for message in messages:
        if message.get("name") and message.get("role") != "tool":
            yield "name"
        if any(mapping(one).get("cache_control") for one in (message, *items(message.get("content")))):
            yield "cache_control"
