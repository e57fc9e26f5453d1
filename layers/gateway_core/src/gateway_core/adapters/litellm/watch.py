"""Watches a server-sent event stream go by: its real end, and the last usage that the provider reported.

LiteLLM ends a cut stream as if it were complete, with usage of its own making. The terminators: Anthropic
`message_stop`, OpenAI and DeepSeek `[DONE]`, Responses `response.completed`, `.incomplete` or `.failed`, Gemini a
`finishReason` (or a blocked prompt), as it ends its streams without a word.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from gateway_core.adapters.litellm.finish import finish_of
from gateway_core.adapters.litellm.wire import Wire, mapping
from gateway_core.domain import Json

_RESPONSES_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed"})
_LONGEST_LINE = 8 * 1024 * 1024


@dataclass(slots=True)
class StreamWatch:
    """Feed it the body's bytes as they pass; it keeps no content.

    `terminator` is the event that ended the stream, empty until it is seen. `usage` is a body in the wire's shape
    for `usage_of`, holding the last usage reported; `error` is the first in-band error event, decoded.
    """

    wire: Wire
    terminator: str = ""
    usage: dict[str, Any] = field(default_factory=dict)
    error: Json = field(default_factory=dict)
    _rest: bytes = b""

    def feed(self, chunk: bytes) -> None:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        self._rest = self._rest[-_LONGEST_LINE:]
        for line in lines:
            if line.startswith(b"data:"):
                self._event(line[5:].strip())

    def _event(self, data: bytes) -> None:
        if data == b"[DONE]":
            self.terminator = "[DONE]"
            return
        if not any(mark in data for mark in _MARKS[self.wire]):
            return  # most events are content: not worth decoding twice
        try:
            event = mapping(json.loads(data))
        except (ValueError, RecursionError):
            return
        self._note(event)

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
                self.terminator = self.terminator or finish_of("gemini", event)
            case _:
                self._keep("usage", event.get("usage"))

    def _anthropic(self, event: Json) -> None:
        self._keep("usage", mapping(event.get("message")).get("usage") or event.get("usage"))
        if event.get("type") == "message_stop":
            self.terminator = "message_stop"

    def _responses(self, event: Json) -> None:
        self._keep("usage", mapping(event.get("response")).get("usage"))
        if event.get("type") in _RESPONSES_ENDS:
            self.terminator = str(event["type"])

    def _keep(self, name: str, usage: object) -> None:
        """Later reports add to and replace earlier ones: Anthropic sends the input first and the output last."""
        known = {key: value for key, value in mapping(usage).items() if value is not None}
        if known:
            self.usage[name] = {**self.usage.get(name, {}), **known}


_MARKS: dict[Wire, tuple[bytes, ...]] = {
    "anthropic": (b"message_start", b"message_delta", b"message_stop", b'"error"'),
    "embeddings": (b'"error"',),
    "gemini": (b"usageMetadata", b"finishReason", b"blockReason", b'"error"'),
    "openai": (b'"usage"', b'"error"'),
    "responses": (b"response.completed", b"response.incomplete", b"response.failed", b'"error"'),
}
