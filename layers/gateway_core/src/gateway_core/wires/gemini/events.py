"""The events of a stream: whole bodies, each with the parts that are new. A call comes in one piece."""

from __future__ import annotations

from gateway_core.domain.answer import Chunk, ToolCallDelta
from gateway_core.domain.chat import Json, ProviderCall
from gateway_core.wires.gemini.answer import call_of, parts_in
from gateway_core.wires.shapes import text_of

_NOTHING = Chunk()


class GeminiReader:
    """Reads one stream, see `codec.EventReader`."""

    def __init__(self, call: ProviderCall) -> None:
        self._request_id = call.request_id
        self._calls = 0

    @property
    def called(self) -> bool:
        return self._calls > 0

    def chunk(self, event: Json) -> Chunk:
        text, reasoning, pieces = "", "", []
        for part in parts_in(event):
            if "functionCall" in part:
                pieces.append(self._piece(part))
            if part.get("thought"):
                reasoning += text_of(part.get("text"))
            else:
                text += text_of(part.get("text"))
        return Chunk(text=text, reasoning=reasoning, tool_calls=tuple(pieces))

    def last(self) -> Chunk:
        return _NOTHING

    def _piece(self, part: Json) -> ToolCallDelta:
        called = call_of(part, self._request_id, self._calls)
        self._calls += 1
        return ToolCallDelta(self._calls - 1, called.id, called.name, called.arguments)
