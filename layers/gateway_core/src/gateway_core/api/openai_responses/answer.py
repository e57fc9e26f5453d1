"""An answer on OpenAI's Responses wire: the provider's own where it came on the same wire, else made here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import aclosing
from typing import Any

from gateway_core.api.schemas import DROPPED_HEADER, cost_body
from gateway_core.api.sse import Events, event
from gateway_core.api.stream_answer import StreamParts, stream_error_body
from gateway_core.domain.answer import Chunk, ProviderAnswer, Usage
from gateway_core.domain.errors import LLMError
from gateway_core.domain.result import Completion, Opened
from gateway_core.wires.openai_responses.inbound.events import OwnEvents
from gateway_core.wires.openai_responses.inbound.paths import renamed
from gateway_core.wires.openai_responses.inbound.relayed import RelayedEvents
from gateway_core.wires.openai_responses.inbound.response import ResponseFrame, response_usage
from gateway_core.wires.openai_responses.inbound.writing import Event, Writer
from gateway_core.wires.shapes import mapping

_FILTERED = "content_filtered"


class ResponseStream:
    """OpenAI's events. A stream that broke ends with `response.failed` and `error`, never as if it were whole."""

    def __init__(self, frame: ResponseFrame, request_id: str, model: str) -> None:
        self._frame = frame
        self._request_id = request_id
        self._model = model
        self._writer: Writer | None = None
        self._number = 0

    async def events(self, parts: StreamParts) -> Events:
        try:
            async with aclosing(parts):
                async for part in parts:
                    for made in self._of_part(part):
                        yield made
        except LLMError as error:
            for made in self._sent(self._broken(error)):
                yield made

    def _of_part(self, part: Opened | Chunk | Completion[ProviderAnswer]) -> Iterator[bytes]:
        if isinstance(part, Opened):
            self._model = part.model.key
        elif isinstance(part, Completion):
            cost = {"cost_usd": cost_body(part.cost)["total_usd"]}
            yield from self._sent(self._written(Chunk()).end(part.answer.finish_reason, part.usage, cost=cost))
        elif part.forwarded or part.is_content:
            yield from self._sent(self._written(part).chunk(part))

    def _written(self, chunk: Chunk) -> Writer:
        """Who writes: decided by the first piece, as a provider's own events come from there on."""
        if self._writer is None:
            make = RelayedEvents if chunk.forwarded else OwnEvents
            self._writer = make(self._frame, self._model)
        return self._writer

    def _broken(self, error: LLMError) -> Iterable[Event]:
        """What SDKs read as the end of a response, and what makes those raise that would pass over it."""
        usage: Usage | None = error.billed[0] if error.billed else None
        writer = self._written(Chunk())
        if error.code == _FILTERED:
            yield from writer.filtered(usage)
            return
        yield from writer.failed(error.code, error.message, usage)
        body = stream_error_body(error, self._request_id)["error"]
        yield {"type": "error", "code": error.code, "message": error.message, "param": error.param, "error": body}

    def _sent(self, events: Iterable[Event]) -> Iterator[bytes]:
        for made in events:
            yield event({**made, "sequence_number": self._number}, made["type"])
            self._number += 1


def response_body(done: Completion[ProviderAnswer], frame: ResponseFrame) -> dict[str, Any]:
    """OpenAI's whole answer."""
    if (came := done.answer.forwarded) is not None:
        usage = response_usage(done.usage, mapping(came.get("usage")))
        return {**frame.named(came, done.model.key), "usage": usage}
    return frame.whole(done.model.key, done.answer, response_usage(done.usage))


def with_names(headers: dict[str, str]) -> dict[str, str]:
    """The headers of an answer, with what was dropped by this wire's names."""
    named = headers.get(DROPPED_HEADER)
    return {**headers, DROPPED_HEADER: ", ".join(renamed(named.split(", ")))} if named else headers
