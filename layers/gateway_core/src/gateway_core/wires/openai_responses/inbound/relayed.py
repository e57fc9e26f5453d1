"""The events of a stream that came on the caller's own wire: handed on under the gateway's names."""

from __future__ import annotations

from collections.abc import Iterator

from gateway_core.domain.answer import Chunk, Usage
from gateway_core.domain.chat import Json
from gateway_core.wires.openai_responses.inbound.response import ResponseFrame, response_usage
from gateway_core.wires.openai_responses.inbound.writing import Event, failed_event
from gateway_core.wires.openai_responses.record import ENDS
from gateway_core.wires.shapes import mapping


class RelayedEvents:
    """A `Writer` for events of the provider's own. The last waits until what it says of usage is known."""

    def __init__(self, frame: ResponseFrame, model: str) -> None:
        self._frame = frame
        self._model = model
        self._latest: Json = frame.begun(model)
        self._done: dict[object, Json] = {}
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
        return list(self._done.values())

    def _named(self, came: Json) -> Event:
        if came.get("type") == "response.output_item.done":
            self._done[came.get("output_index")] = mapping(came.get("item"))
        response = came.get("response")
        if response is None:
            return dict(came)
        named = self._frame.named(mapping(response), self._model)
        self._latest = {**self._latest, **named}
        return {**came, "response": named}
