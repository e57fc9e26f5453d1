"""Reads server-sent events as they arrive. Pure. Format: WHATWG HTML, "Server-sent events"."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway_core.domain.chat import Json


@dataclass(frozen=True, slots=True)
class SseEvent:
    """One event of the gateway's own stream: its name, and its data as a JSON object."""

    name: str
    data: Json


class EventReader:
    """Takes bytes in any portions and gives whole events; comments are passed over."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._rest = ""

    def feed(self, part: bytes) -> Iterator[SseEvent]:
        """The events that `part` completes. Raises ValueError for data that is no JSON object."""
        *blocks, self._rest = (self._rest + self._decode.decode(part)).split("\n\n")
        for block in blocks:
            if event := _event(block):
                yield event


def _event(block: str) -> SseEvent | None:
    fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line and not line.startswith(":"))
    if "data" not in fields:
        return None
    data: Any = json.loads(fields["data"])
    if not isinstance(data, dict):
        raise ValueError("the data of an event is not an object")  # noqa: TRY004 - one error for all bad data
    return SseEvent(fields.get("event", "message"), data)
