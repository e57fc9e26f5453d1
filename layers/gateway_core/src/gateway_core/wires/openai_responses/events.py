"""The events of a stream: https://platform.openai.com/docs/api-reference/responses-streaming.

Each item comes in pieces and then again as a whole, once it is done. Some servers leave the pieces out, or the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, ClassVar

from gateway_core.domain.answer import Chunk, ToolCallDelta
from gateway_core.domain.chat import Json, ProviderCall
from gateway_core.wires.calls import CallNumbers
from gateway_core.wires.openai_responses.answer import (
    BETWEEN_THOUGHTS,
    CALLS,
    call_of,
    is_custom,
    message_parts,
    no_arguments,
    thoughts,
)
from gateway_core.wires.openai_responses.carried import Lead
from gateway_core.wires.shapes import items, mapping, text_of

_NOTHING = Chunk()
_OF_MESSAGES, _OF_REASONING = frozenset({"text", "refusal"}), frozenset({"reasoning"})
_KINDS = {"message": _OF_MESSAGES, "reasoning": _OF_REASONING}


class ResponsesReader:
    """Reads one stream, see `codec.EventReader`.

    `_told`: Which of text, refusal and reasoning came in pieces since the last item of their kind ended.
    `_argued`: The `output_index` of the calls whose arguments are told.
    `_customs`: That of the calls of custom tools.
    `_fillers`: By the number of a call without arguments so far, what stands for them if none come.
    `_ids`: The ids of calls as they are told, by those that the provider gives.
    `_thought`: Where the latest reasoning belongs; None before there is any.
    """

    def __init__(self, call: ProviderCall) -> None:
        self._calls = CallNumbers()
        self._lead = Lead(call.deployment)
        self._ids: dict[str, str] = {}
        self._fillers: dict[int, str] = {}
        self._argued: set[Any] = set()
        self._customs: set[Any] = set()
        self._told: set[str] = set()
        self._has_spoken = False
        self._thought: tuple[Any, ...] | None = None

    @property
    def called(self) -> bool:
        return self._calls.any

    def chunk(self, event: Json) -> Chunk:
        read = self._READERS.get(event.get("type"))
        return read(self, event) if read else _NOTHING

    def last(self) -> Chunk:
        missing = sorted((number, filler) for number, filler in self._fillers.items() if filler)
        return Chunk(tool_calls=tuple(ToolCallDelta(number, arguments=filler) for number, filler in missing))

    def _text(self, event: Json) -> Chunk:
        return self._said(text_of(event.get("delta")), "")

    def _refusal(self, event: Json) -> Chunk:
        return self._said("", text_of(event.get("delta")))

    def _said(self, text: str, refusal: str) -> Chunk:
        if text:
            self._told.add("text")
        if refusal:
            self._told.add("refusal")
        if not (text or refusal):
            return _NOTHING
        self._has_spoken = True
        return Chunk(text=text, refusal=refusal)

    def _reasoning(self, event: Json) -> Chunk:
        place = (event.get("output_index"), event.get("summary_index"), event.get("content_index"))
        return self._thinks(place, text_of(event.get("delta")))

    def _thinks(self, place: tuple[Any, ...], text: str) -> Chunk:
        """Text of another place than before is another paragraph."""
        if not text:
            return _NOTHING
        apart = "" if self._thought in (None, place) else BETWEEN_THOUGHTS
        self._thought = place
        self._told.add("reasoning")
        return Chunk(reasoning=apart + text)

    def _begun(self, event: Json) -> Chunk:
        item = mapping(event.get("item"))
        kind = str(item.get("type"))
        self._told -= _KINDS.get(kind, frozenset())
        if kind not in CALLS:
            return _NOTHING
        self._argued.discard(event.get("output_index"))
        self._customs.discard(event.get("output_index"))
        return self._call(event, item, "")

    def _call(self, event: Json, item: Json, arguments: str) -> Chunk:
        """A call's beginning, or all of it. Its id carries what came before it, and stays the same from then on."""
        call_id, name, _ = call_of(item)
        if call_id not in self._ids:
            self._ids[call_id] = self._lead.sign(call_id)
        if is_custom(item):
            self._customs.add(event.get("output_index"))
        return self._piece(event, (self._ids[call_id], name, arguments), no_arguments(item))

    def _arguments(self, event: Json) -> Chunk:
        return self._piece(event, ("", "", text_of(event.get("delta"))))

    def _all_arguments(self, event: Json) -> Chunk:
        if event.get("output_index") in self._argued:
            return _NOTHING
        return self._piece(event, ("", "", text_of(event.get("arguments") or event.get("input"))))

    def _piece(self, event: Json, piece: tuple[str, str, str], filler: str = "") -> Chunk:
        """`piece` is an id, a name and arguments; `filler` is what stands for these if none ever come."""
        place = event.get("output_index")
        made = self._calls.delta(place, *piece) if any(piece) else None
        if made is None:
            return _NOTHING
        if made.arguments:
            self._argued.add(place)
            self._fillers.pop(made.index, None)
        elif place not in self._argued:
            self._fillers[made.index] = filler
        return Chunk(tool_calls=(replace(made, custom=True) if place in self._customs else made,))

    def _done(self, event: Json) -> Chunk:
        """Whatever of a whole item did not come in pieces."""
        item = mapping(event.get("item"))
        if item.get("type") in CALLS:
            is_told = event.get("output_index") in self._argued
            return self._call(event, item, "" if is_told else call_of(item)[2])
        self._lead.add(item)
        return self._thought_done(event, item) if item.get("type") == "reasoning" else self._message_done(item)

    def _thought_done(self, event: Json, item: Json) -> Chunk:
        place = (event.get("output_index"),)
        is_told = "reasoning" in self._told
        chunk = _NOTHING if is_told else self._thinks(place, BETWEEN_THOUGHTS.join(thoughts(item)))
        self._thought = self._thought and place
        self._told -= _OF_REASONING
        return chunk

    def _message_done(self, item: Json) -> Chunk:
        parts = list(message_parts(item))
        text = "" if "text" in self._told else "".join(text for text, _ in parts)
        refusal = "" if "refusal" in self._told else "".join(refusal for _, refusal in parts)
        chunk = self._said(text, refusal)
        self._told -= _OF_MESSAGES
        return chunk

    def _ended(self, event: Json) -> Chunk:
        """All of an answer of which nothing came before its end."""
        if self._has_spoken or self._calls.any:
            return _NOTHING
        has_thought = self._thought is not None
        output = [mapping(item) for item in items(mapping(event.get("response")).get("output"))]
        chunks = [
            self._done({"output_index": index, "item": item})
            for index, item in enumerate(output)
            if not (has_thought and item.get("type") == "reasoning")
        ]
        return Chunk(
            text="".join(chunk.text for chunk in chunks),
            tool_calls=tuple(piece for chunk in chunks for piece in chunk.tool_calls),
            reasoning="".join(chunk.reasoning for chunk in chunks),
            refusal="".join(chunk.refusal for chunk in chunks),
        )

    _READERS: ClassVar[Mapping[object, Callable[[ResponsesReader, Json], Chunk]]] = MappingProxyType(
        {
            "response.output_text.delta": _text,
            "response.refusal.delta": _refusal,
            "response.reasoning_summary_text.delta": _reasoning,
            "response.reasoning_text.delta": _reasoning,
            "response.output_item.added": _begun,
            "response.function_call_arguments.delta": _arguments,
            "response.custom_tool_call_input.delta": _arguments,
            "response.function_call_arguments.done": _all_arguments,
            "response.custom_tool_call_input.done": _all_arguments,
            "response.output_item.done": _done,
            "response.completed": _ended,
            "response.incomplete": _ended,
        }
    )
    """By the type of an event. All others, `keepalive` among them, have no content that these do not have."""
