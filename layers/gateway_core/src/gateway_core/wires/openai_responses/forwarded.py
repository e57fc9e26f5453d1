"""An answer for a caller on the same wire: the body or the events themselves, beside what is read of them.

Events are held back until there is content, as somebody else may answer before it, and the last one until the stream
has come to a sound end: a cut answer must not look like a whole one.
"""

from __future__ import annotations

from dataclasses import replace

from gateway_core.domain.answer import Chunk, ProviderAnswer
from gateway_core.domain.chat import Json, ProviderCall
from gateway_core.wires.openai_responses.events import ResponsesReader
from gateway_core.wires.openai_responses.history import NO_ARGUMENTS
from gateway_core.wires.openai_responses.record import ENDS
from gateway_core.wires.shapes import items, mapping, sendable_json

_READ = frozenset({"custom_tool_call", "function_call", "message", "reasoning"})
"""Items whose content is read; others are handed on, and the caller may act on them."""
_CREATED = "response.created"


def with_forwarded(said: ProviderAnswer, body: object) -> ProviderAnswer:
    """The answer with the provider's own body."""
    raw = _mended(mapping(body))
    others = [str(mapping(item)) for item in items(raw.get("output")) if mapping(item).get("type") not in _READ]
    return replace(said, forwarded=mapping(sendable_json(raw)), beside="".join(others))


class ForwardedReader:
    """Reads one stream, see `codec.EventReader`, and hands its events on."""

    def __init__(self, call: ProviderCall) -> None:
        self._reader = ResponsesReader(call)
        self._waiting: list[Json] = []
        self._end: tuple[Json, ...] = ()
        self._has_begun = False

    @property
    def called(self) -> bool:
        return self._reader.called

    def chunk(self, event: Json) -> Chunk:
        chunk = self._with_other(self._reader.chunk(event), event)
        event = _mended_event(event)
        if event.get("type") in ENDS:
            self._end = (event,)
        else:
            self._waiting.append(event)
        return replace(chunk, forwarded=self._passed(event)) if chunk.is_content else chunk

    def last(self) -> Chunk:
        """What is left; a filler for arguments that never came is not among the provider's own events."""
        return Chunk(forwarded=(*self._waiting, *self._end))

    def _with_other(self, chunk: Chunk, event: Json) -> Chunk:
        item = mapping(event.get("item"))
        if event.get("type") != "response.output_item.done" or item.get("type") in _READ:
            return chunk
        return replace(chunk, other=True, beside=str(item))

    def _passed(self, event: Json) -> tuple[Json, ...]:
        passed, self._waiting = self._waiting, []
        if not self._has_begun and not any(one.get("type") == _CREATED for one in passed):
            passed = [_created(event), *passed]
        self._has_begun = True
        return tuple(passed)


def _mended(response: Json) -> Json:
    """With arguments that are JSON: some servers leave them empty for a tool without parameters."""
    output = response.get("output")
    return {**response, "output": [_with_arguments(mapping(item)) for item in output]} if output else response


def _with_arguments(item: Json) -> Json:
    empty = item.get("type") == "function_call" and item.get("status") != "in_progress" and not item.get("arguments")
    return {**item, "arguments": NO_ARGUMENTS} if empty else item


def _mended_event(event: Json) -> Json:
    kind = event.get("type")
    if kind == "response.function_call_arguments.done" and not event.get("arguments"):
        return {**event, "arguments": NO_ARGUMENTS}
    if kind == "response.output_item.done":
        return {**event, "item": _with_arguments(mapping(event.get("item")))}
    return {**event, "response": _mended(mapping(event.get("response")))} if kind in ENDS else event


def _created(event: Json) -> Json:
    """The event with which a stream begins, for who has none."""
    begun = {**mapping(event.get("response")), "status": "in_progress", "output": [], "usage": None}
    return {"type": _CREATED, "response": begun}
