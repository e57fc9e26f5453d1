"""The events of a streamed response, in OpenAI's order. There is no `[DONE]`: `response.completed` ends the stream."""

from __future__ import annotations

from collections.abc import Iterator

from local.providers.model import Frame, Json
from local.providers.tokens import count, pieces
from local.providers.wire import dumps

_TERMINATORS = {"completed": "response.completed", "incomplete": "response.incomplete"}


class ResponseStream:
    """Renders a finished response as the events that lead to it. `hidden` is its reasoning tokens."""

    def __init__(self, begun: Json, whole: Json, hidden: int) -> None:
        self._begun = begun
        self._whole = whole
        self._hidden = hidden
        self._sequence = 0

    def frames(self) -> Iterator[Frame]:
        yield self._event("response.created", {"response": self._begun})
        yield self._event("response.in_progress", {"response": self._begun})
        for index, item in enumerate(self._whole["output"]):
            yield from self._item(item, index)
        yield self._event(_TERMINATORS[self._whole["status"]], {"response": self._whole})

    def _item(self, item: Json, index: int) -> Iterator[Frame]:
        place = {"output_index": index}
        yield self._event("response.output_item.added", place | {"item": _opened(item)})
        if item["type"] == "message":
            yield from self._text(item, place | {"item_id": item["id"], "content_index": 0})
        elif item["type"] == "function_call":
            yield from self._arguments(item, place | {"item_id": item["id"]})
        yield self._event("response.output_item.done", place | {"item": item})

    def _text(self, item: Json, place: Json) -> Iterator[Frame]:
        part = item["content"][0]
        yield self._event("response.content_part.added", place | {"part": part | {"text": ""}})
        for piece in pieces(part["text"]):
            yield self._event("response.output_text.delta", place | {"delta": piece, "logprobs": []}, 1)
        yield self._event("response.output_text.done", place | {"text": part["text"], "logprobs": []})
        yield self._event("response.content_part.done", place | {"part": part})

    def _arguments(self, item: Json, place: Json) -> Iterator[Frame]:
        opening = count(item["name"])
        for piece in pieces(item["arguments"]):
            yield self._event("response.function_call_arguments.delta", place | {"delta": piece}, 1 + opening)
            opening = 0
        done = {"arguments": item["arguments"], "name": item["name"]}
        yield self._event("response.function_call_arguments.done", place | done)

    def _event(self, kind: str, data: Json, tokens: int = 0) -> Frame:
        """Reasoning counts with the first tokens that are shown."""
        if tokens:
            tokens, self._hidden = tokens + self._hidden, 0
        frame = _event({"type": kind, "sequence_number": self._sequence} | data, tokens)
        self._sequence += 1
        return frame


def in_band_event(error: Json) -> bytes:
    """An error in a stream that has begun."""
    flat = {key: error[key] for key in ("code", "message", "param")}
    return _event({"type": "error", "sequence_number": 0} | flat).data


def _event(data: Json, tokens: int = 0) -> Frame:
    return Frame(b"event: " + data["type"].encode() + b"\ndata: " + dumps(data) + b"\n\n", tokens)


def _opened(item: Json) -> Json:
    if item["type"] == "reasoning":
        return item
    empty: Json = {"content": []} if item["type"] == "message" else {"arguments": ""}
    return item | {"status": "in_progress"} | empty
