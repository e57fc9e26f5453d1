"""Watches a stream of events go by: its real end, and what the provider said of its usage and its errors.

LiteLLM ends a cut stream as if it were complete, with usage of its own making. What each event tells, the wire knows;
`[DONE]` is an end on all wires, as proxies add it to any.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateway_core.domain.chat import Json
from gateway_core.wires.shapes import mapping
from gateway_core.wires.sse import Event, SseReader
from gateway_core.wires.wire import NO_FACTS, EventFacts, Wire

_DONE, _DONE_DATA = "[DONE]", b"[DONE]"
_DECODER = json.JSONDecoder()
_PINGS = frozenset({"heartbeat", "keep-alive", "keepalive", "ping"})


class Reader(Protocol):
    """Makes events of bytes: server-sent ones, or frames of AWS's."""

    too_long: bool

    def feed(self, piece: bytes) -> list[Event]: ...

    def end(self) -> list[Event]: ...


@dataclass(slots=True)
class StreamWatch:
    """Feed it the body's bytes as they pass; it keeps no content.

    `events` takes the decoded events, up to the first that is an error or no JSON object, for somebody to drain.
    `terminator` is the event that ended the stream, empty until it is seen; `finish` is why, as `Wire.finish_of` says
    it. `usage` is a body in the wire's shape for `Wire.usage_of`, holding the last usage reported; it `is_bill` if it
    came with the finish or after it: an earlier one is of what had been said by then. `error` is the first in-band
    error, in the shape of an error body. `malformed` tells that something was sent that is not an event. `reports` is
    how often what is known of usage changed.
    `reader` is for the form in which the body has its events.
    """

    wire: Wire
    events: deque[Json] | None = None
    terminator: str = ""
    finish: str = ""
    usage: dict[str, Any] = field(default_factory=dict)
    is_bill: bool = False
    error: Json = field(default_factory=dict)
    malformed: bool = False
    reports: int = 0
    _latest: Json = field(default_factory=dict)
    _counted: bool = False
    reader: Reader = field(default_factory=lambda: SseReader(_is_whole))

    @property
    def over(self) -> bool:
        """Whether nothing that comes now belongs to the answer. Where no word is the last, usage may still come."""
        ended = bool(self.terminator) and (self.wire.stream is None or self.wire.stream.ends_with_a_word)
        return bool(self.error or self.malformed or ended)

    def feed(self, chunk: bytes) -> None:
        for name, data in self.reader.feed(chunk):
            self._event(name, data)
        self.malformed = self.malformed or self.reader.too_long

    def end(self) -> None:
        """The body ended well: its last line counts, even if it was left open."""
        for name, data in self.reader.end():
            self._event(name, data)

    def _event(self, name: str, data: bytes) -> None:
        if self.terminator == _DONE:
            return  # what comes after the last word belongs to nothing
        data = data.strip()
        if data == _DONE_DATA:
            self.terminator = self.terminator or _DONE
            return
        event = _decode(data)
        if event is None:
            self.malformed = self.malformed or name not in _PINGS
        elif event:  # an object without members is a sign of life
            self._note(event)
            if self.events is not None and not self.malformed and not self.error:
                self.events.append(event)

    def _note(self, event: Json) -> None:
        stream = self.wire.stream
        facts = stream.facts_of(event) if stream else NO_FACTS
        self.error = self.error or _error_in(event, facts)
        tells_usage = bool(facts.usage) and self._keep(facts.usage)
        if stream and not self.terminator:
            self.finish = facts.finish or self.finish
            self.terminator = stream.terminator_of(event, self.finish)
        self.is_bill = self.is_bill or (tells_usage and bool(self.finish))

    def _keep(self, usage: Json) -> bool:
        """Whether it counts anything. Later reports add to and replace earlier ones; many are like the one before."""
        if usage == self._latest:
            return self._counted
        counts = False
        for name, reported in usage.items():
            known = {key: value for key, value in mapping(reported).items() if value is not None}
            before = self.usage.get(name, {})
            if known and (after := {**before, **known}) != before:
                self.reports += 1
                self.usage[name] = after
            counts = counts or any(isinstance(value, int) for value in known.values())
        self._latest, self._counted = usage, counts
        return counts


def _error_in(event: Json, facts: EventFacts) -> Json:
    """The event's error, in the shape of a body that is one; some servers send a bare text under `message`."""
    if event.get("error"):
        return event
    return facts.error or (event if isinstance(event.get("message"), str) else {})


def _decode(data: bytes) -> Json | None:
    """The event, or None if it is not a JSON object."""
    event = _value(data)
    return event if isinstance(event, dict) else None


def _value(data: bytes) -> Any:
    """As `json.loads`, which takes twice as long for what is plain; None if it is no JSON."""
    try:
        text = data.decode()
        value, end = _DECODER.raw_decode(text)
        return value if end == len(text) else json.loads(data)
    except (ValueError, RecursionError):
        return _odd_value(data)


def _odd_value(data: bytes) -> Any:
    """In another encoding, or with something around it."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _is_whole(data: bytes) -> bool:
    """Whether no further data line can belong to this one, as it is JSON by itself, which goes on nowhere, or a word.

    Some servers send such lines without the blank lines between them that would make each an event.
    """
    return data.strip() == _DONE_DATA or _decode(data) is not None
