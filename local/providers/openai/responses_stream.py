"""The events of a streamed response, in OpenAI's order. There is no `[DONE]`: `response.completed` ends the stream."""

from __future__ import annotations

from collections.abc import Iterator

from local.providers.model import Frame, Json
from local.providers.tokens import count, pieces
from local.providers.wire import dumps

_TERMINATORS = {"completed": "response.completed", "incomplete": "response.incomplete"}

_CALLS = {
    "custom_tool_call": ("input", "custom_tool_call_input"),
    "function_call": ("arguments", "function_call_arguments"),
}
"""Where a call's text stands, and what its events are called."""


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
        elif item["type"] in _CALLS:
            yield from self._arguments(item, place | {"item_id": item["id"]})
        elif item["summary"]:
            yield from self._summary(item, place | {"item_id": item["id"], "summary_index": 0})
        yield self._event("response.output_item.done", place | {"item": item})

    def _text(self, item: Json, place: Json) -> Iterator[Frame]:
        part = item["content"][0]
        if part["type"] == "refusal":
            yield from self._refusal(part, place)
            return
        yield self._event("response.content_part.added", place | {"part": part | {"text": "", "logprobs": []}})
        for index, piece in enumerate(pieces(part["text"])):
            likely = part["logprobs"][index : index + 1]
            yield self._event("response.output_text.delta", place | {"delta": piece, "logprobs": likely}, 1)
        done = {"text": part["text"], "logprobs": part["logprobs"]}
        yield self._event("response.output_text.done", place | done)
        yield self._event("response.content_part.done", place | {"part": part})

    def _refusal(self, part: Json, place: Json) -> Iterator[Frame]:
        yield self._event("response.content_part.added", place | {"part": part | {"refusal": ""}})
        for piece in pieces(part["refusal"]):
            yield self._event("response.refusal.delta", place | {"delta": piece}, 1)
        yield self._event("response.refusal.done", place | {"refusal": part["refusal"]})
        yield self._event("response.content_part.done", place | {"part": part})

    def _summary(self, item: Json, place: Json) -> Iterator[Frame]:
        """What the model thought, told apart from its tokens."""
        part = item["summary"][0]
        yield self._event("response.reasoning_summary_part.added", place | {"part": part | {"text": ""}})
        yield self._event("response.reasoning_summary_text.delta", place | {"delta": part["text"]})
        yield self._event("response.reasoning_summary_text.done", place | {"text": part["text"]})
        yield self._event("response.reasoning_summary_part.done", place | {"part": part})

    def _arguments(self, item: Json, place: Json) -> Iterator[Frame]:
        opening = count(item["name"])
        name, event = _CALLS[item["type"]]
        for piece in pieces(item[name]):
            yield self._event(f"response.{event}.delta", place | {"delta": piece}, 1 + opening)
            opening = 0
        done = {name: item[name]} | ({"name": item["name"]} if name == "arguments" else {})
        yield self._event(f"response.{event}.done", place | done)

    def _event(self, kind: str, data: Json, tokens: int = 0) -> Frame:
        """Reasoning counts with the first tokens that are shown."""
        if tokens:
            tokens, self._hidden = tokens + self._hidden, 0
        frame = _event({"type": kind, "sequence_number": self._sequence} | data, tokens)
        self._sequence += 1
        return frame


def in_band_event(error: Json, number: int) -> bytes:
    """An error in a stream that has begun; `number` is how many events came before."""
    flat = {key: error[key] for key in ("code", "message", "param")}
    return _event({"type": "error", "sequence_number": number} | flat).data


def failed_event(response: Json, number: int) -> bytes:
    """The response that has failed, as the last event."""
    return _event({"type": "response.failed", "sequence_number": number, "response": response}).data


def _event(data: Json, tokens: int = 0) -> Frame:
    return Frame(b"event: " + data["type"].encode() + b"\ndata: " + dumps(data) + b"\n\n", tokens)


def _opened(item: Json) -> Json:
    if item["type"] == "reasoning":
        return item | {"summary": []}
    empty: Json = {"content": []} if item["type"] == "message" else {_CALLS[item["type"]][0]: ""}
    return item | {"status": "in_progress"} | empty
