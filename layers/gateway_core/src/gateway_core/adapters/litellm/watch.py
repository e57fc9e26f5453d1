"""Watches a server-sent event stream go by: its real end, and what the provider said of its usage and its errors.

LiteLLM ends a cut stream as if it were complete, with usage of its own making. The terminators: Anthropic
`message_stop`, OpenAI and DeepSeek `[DONE]`, Responses `response.completed`, `.incomplete` or `.failed`, Gemini a
`finishReason` (or a blocked prompt), as it ends its streams without a word.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from gateway_core.adapters.litellm.finish import finish_of
from gateway_core.adapters.litellm.wire import Wire, mapping
from gateway_core.domain.chat import Json

_RESPONSES_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed"})
_LONGEST_LINE = 8 * 1024 * 1024


@dataclass(slots=True)
class StreamWatch:
    """Feed it the body's bytes as they pass; it keeps no content.

    `events` takes the decoded events, up to the first that is an error or no JSON object, for somebody to drain.
    `terminator` is the event that ended the stream, empty until it is seen; `finish` is why, as `finish_of` says it.
    `usage` is a body in the wire's shape for `usage_of`, holding the last usage reported; `error` is the first in-band
    error, in the shape of an error body. `malformed` tells that something was sent that is not an event.
    """

    wire: Wire
    events: deque[Json] | None = None
    terminator: str = ""
    finish: str = ""
    usage: dict[str, Any] = field(default_factory=dict)
    error: Json = field(default_factory=dict)
    malformed: bool = False
    _rest: bytearray = field(default_factory=bytearray)

    @property
    def over(self) -> bool:
        """Whether nothing that comes now belongs to the answer. Gemini may still report usage after its last word."""
        return bool(self.error or self.malformed or (self.terminator and self.wire != "gemini"))

    def feed(self, chunk: bytes) -> None:
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            # Appended in place: a long line that comes in many pieces must not be copied with each of them.
            self._rest += line
            self._end_line()
        self._rest += rest
        if len(self._rest) > _LONGEST_LINE:
            self._rest, self.malformed = bytearray(), True

    def end(self) -> None:
        """The body ended well: its last line counts, even if it was left open."""
        self._end_line()

    def _end_line(self) -> None:
        line, self._rest = bytes(self._rest), bytearray()
        if line.startswith(b"data:"):
            self._event(line[5:].strip())

    def _event(self, data: bytes) -> None:
        if data == b"[DONE]":
            self.terminator = self.terminator or "[DONE]"
            return
        event = _decode(data)
        if not event:
            self.malformed = True
            return
        self._note(event)
        if self.events is not None and not self.malformed and not self.error:
            self.events.append(event)

    def _note(self, event: Json) -> None:
        if event.get("error") and not self.error:
            self.error = event
        match self.wire:
            case "anthropic":
                self._anthropic(event)
            case "responses":
                self._responses(event)
            case "gemini":
                self._keep("usageMetadata", event.get("usageMetadata"))
                self.terminator = self.finish = self.terminator or finish_of("gemini", event)
            case _:
                self._keep("usage", event.get("usage"))
                self.finish = finish_of("openai", event) or self.finish

    def _anthropic(self, event: Json) -> None:
        self._keep("usage", mapping(event.get("message")).get("usage") or event.get("usage"))
        self.finish = finish_of("anthropic", event.get("delta")) or self.finish
        if event.get("type") == "message_stop":
            self.terminator = "message_stop"

    def _responses(self, event: Json) -> None:
        response = mapping(event.get("response"))
        self._keep("usage", response.get("usage"))
        if event.get("type") == "error" and not self.error:
            self.error = {"error": {name: event.get(name) for name in ("code", "message")}}
        if event.get("type") in _RESPONSES_ENDS:
            self.terminator = str(event["type"])
            self.finish = finish_of("responses", response)
            self.error = self.error or ({"error": response["error"]} if response.get("error") else {})

    def _keep(self, name: str, usage: object) -> None:
        """Later reports add to and replace earlier ones: Anthropic sends the input first and the output last."""
        known = {key: value for key, value in mapping(usage).items() if value is not None}
        if known:
            self.usage[name] = {**self.usage.get(name, {}), **known}


def _decode(data: bytes) -> Json:
    """The event, or an empty one if it is not a JSON object."""
    try:
        return mapping(json.loads(data))
    except (ValueError, RecursionError):
        return {}
