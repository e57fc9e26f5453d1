"""The events of a stream that came on the caller's own wire: handed on under the gateway's names."""

from __future__ import annotations

from collections.abc import Iterator

from gateway_core.domain.answer import Chunk, Usage
from gateway_core.domain.chat import Json
from gateway_core.wires.openai_responses.inbound.response import ResponseFrame, response_usage, text_part
from gateway_core.wires.openai_responses.inbound.writing import Event, failed_event
from gateway_core.wires.openai_responses.record import ENDS
from gateway_core.wires.shapes import mapping, text_of


class RelayedEvents:
    """A `Writer` for events of the provider's own. The last waits until what it says of usage is known."""

    def __init__(self, frame: ResponseFrame, model: str) -> None:
        self._frame = frame
        self._model = model
        self._latest: Json = frame.begun(model)
        self._items: dict[object, Json] = {}
        self._texts: dict[object, list[str]] = {}
        self._last: Event = {}

    def chunk(self, chunk: Chunk) -> Iterator[Event]:
        for came in chunk.forwarded:
            event = self._named(came)
            if event.get("type") in ENDS:
                self._last = event
            else:
                yield event

    def end(self, _finish: str, /, usage: Usage, *, cost: Json) -> Iterator[Event]:
        response = mapping(self._last.get("response"))
        output = response.get("output") or self._output
        told = {**response_usage(usage, mapping(response.get("usage"))), **cost}
        yield {**self._last, "response": {**response, "output": output, "usage": told}}

    def filtered(self, usage: Usage | None) -> Iterator[Event]:
        state = {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}
        response = {**self._latest, **state, "output": self._output, "usage": response_usage(usage or Usage())}
        yield {"type": "response.incomplete", "response": response}

    def failed(self, code: str, message: str, usage: Usage | None) -> Iterator[Event]:
        yield failed_event({**self._latest, "output": self._output}, code, message, usage)

    @property
    def _output(self) -> list[Json]:
        """The items so far: those that are done, and messages that are not with what was said of them."""
        return [found for index, item in self._items.items() if (found := self._so_far(index, item))]

    def _so_far(self, index: object, item: Json) -> Json:
        said = self._texts.get(index)
        if said is None:
            return item
        part = text_part("".join(said))
        return {**item, "status": "incomplete", "content": [part]} if item.get("type") == "message" else {}

    def _note(self, came: Json) -> None:
        index = came.get("output_index")
        match came.get("type"):
            case "response.output_item.added":
                self._items[index], self._texts[index] = mapping(came.get("item")), []
            case "response.output_item.done":
                self._items[index] = mapping(came.get("item"))
                self._texts.pop(index, None)
            case "response.output_text.delta" if index in self._texts:
                self._texts[index].append(text_of(came.get("delta")))

    def _named(self, came: Json) -> Event:
        self._note(came)
        response = came.get("response")
        if response is None:
            return dict(came)
        named = self._frame.named(mapping(response), self._model)
        self._latest = {**self._latest, **named}
        return {**came, "response": named}
