"""What writes the events of one stream to a caller, whichever wire the answer came on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from gateway_core.domain.answer import Chunk, Usage
from gateway_core.domain.chat import Json
from gateway_core.wires.openai_responses.inbound.response import response_usage

type Event = dict[str, Any]
"""An event without its `sequence_number`."""
_CODES = {"rate_limited": "rate_limit_exceeded", "context_length_exceeded": "context_length_exceeded"}


class Writer(Protocol):
    """Writes one stream. The last event is one of `end`, `filtered` and `failed`."""

    def chunk(self, chunk: Chunk) -> Iterator[Event]:
        """The events of a piece."""
        ...

    def end(self, finish: str, /, usage: Usage, *, cost: Json) -> Iterator[Event]:
        """Those of a sound end. `usage` is what is billed, `cost` what is told beside it."""
        ...

    def filtered(self, usage: Usage | None) -> Iterator[Event]:
        """Those of an answer that the provider's filter has ended."""
        ...

    def failed(self, code: str, message: str, usage: Usage | None) -> Iterator[Event]:
        """Those of a stream that broke; `code` is the gateway's."""
        ...


def failed_event(response: Json, code: str, message: str, usage: Usage | None) -> Event:
    """The event of a response that broke off, under OpenAI's word for the error."""
    error = {"code": _CODES.get(code, "server_error"), "message": message}
    state = {
        "status": "failed",
        "error": error,
        "incomplete_details": None,
        "usage": response_usage(usage) if usage else None,
    }
    return {"type": "response.failed", "response": {**response, **state}}
