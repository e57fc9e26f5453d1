"""Tool calls as OpenAI's clients take them: numbered, each with an id, arguments as a text of JSON.

Compatible servers leave ids or numbers out, give all calls the number 0, or send arguments as the object that they are
(Ollama's form). What a client cannot put together, or not answer by its id, is mended before it goes on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gateway_core.domain.chat import Json
from gateway_core.wires.calls import CallNumbers, made_id
from gateway_core.wires.shapes import items, mapping, text_of


def with_id(call: Json, request_id: str, index: int) -> dict[str, Any]:
    """The call with an id: its own, or one of ours, always the same for the same call."""
    named = call.get("id")
    call_id = named if isinstance(named, str) else "" if named is None else str(named)
    return {**call, "id": call_id or made_id(request_id, index), "type": call.get("type") or "function"}


def with_text(call: Json) -> Json:
    """The call with arguments that are a text, where they come as JSON."""
    function = mapping(call.get("function"))
    arguments = function.get("arguments")
    if not isinstance(arguments, Mapping | list):
        return call
    said = json.dumps(arguments, ensure_ascii=False) if arguments else ""
    return {**call, "function": {**function, "arguments": said}}


def _is_plain(event: Json) -> bool:
    """Whether it holds no calls, and deltas where they belong: as most do, so that it has to cost little."""
    for choice in items(event.get("choices")):
        delta = choice.get("delta") if type(choice) is dict else None
        if type(delta) is not dict or "tool_calls" in delta:
            return False
    return True


def _with_deltas(event: Json) -> Json:
    """The event with what some call the `message` of a choice where its `delta` should be."""
    choices = [mapping(choice) for choice in items(event.get("choices"))]
    if not any(choice.get("message") and not choice.get("delta") for choice in choices):
        return event
    return {**event, "choices": [_with_delta(choice) for choice in choices]}


def _with_delta(choice: Json) -> Json:
    rest = {name: value for name, value in choice.items() if name != "message"}
    return {**rest, "delta": choice.get("delta") or choice.get("message")}


class CallMender:
    """Mends the pieces of one stream's first choice."""

    def __init__(self, request_id: str) -> None:
        self._request_id = request_id
        self._numbers = CallNumbers()

    def mended(self, event: Json) -> Json:
        """The event itself where nothing has to change."""
        if _is_plain(event):
            return event
        event = _with_deltas(event)
        choices = [mapping(choice) for choice in items(event.get("choices"))]
        place, main = next(((place, one) for place, one in enumerate(choices) if not one.get("index")), (0, {}))
        delta = mapping(main.get("delta"))
        pieces = items(delta.get("tool_calls"))
        made = [self._piece(with_text(mapping(piece))) for piece in pieces]
        if made == pieces:
            return event
        choices[place] = {**main, "delta": {**delta, "tool_calls": made}}
        return {**event, "choices": choices}

    def _piece(self, piece: Json) -> Json:
        said = mapping(piece.get("function") or piece.get("custom"))
        named = piece.get("id")
        call_id = "" if named is None else str(named)
        arguments = text_of(said.get("arguments") or said.get("input"))
        came = (piece.get("index"), call_id, text_of(said.get("name")), arguments)
        known, found = self._numbers.number(*came), self._numbers.delta(*came)
        if known is not None or found is None:
            return {**piece, "index": known}
        return with_id({**piece, "index": found.index}, self._request_id, found.index)
