"""What an answer says, in words that all of the callers' wires have in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx

type Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call; `arguments` is the text as it came."""

    id: str
    name: str
    arguments: str


@dataclass(slots=True)
class Told:
    """An answer in common words. `raw` is the body, or the last event that has more than content."""

    status: int
    headers: httpx.Headers
    text: str = ""
    refusal: str = ""
    reasoning: str = ""
    finish: str | None = None
    calls: list[Call] = field(default_factory=list)
    dropped: tuple[str, ...] = ()
    error: Json | None = None
    role: str | None = None
    choices: set[int] = field(default_factory=set)
    logprobs: bool = False
    usage: Json | None = None
    raw: Json = field(default_factory=dict)
    attempts: list[Json] | None = None

    @property
    def message(self) -> Json:
        """The assistant's turn with all the fields that OpenAI's SDK has for it, to be sent back."""
        calls = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in self.calls
        ]
        return {
            "role": "assistant",
            "content": self.text or None,
            "refusal": self.refusal or None,
            "annotations": None,
            "audio": None,
            "function_call": None,
            "tool_calls": calls or None,
            **({"reasoning_content": self.reasoning} if self.reasoning else {}),
        }
