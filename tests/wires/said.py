"""What a request says, in words that all wires have in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

type Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """A piece of the conversation.

    role: system, user, model or tool. kind: text, image, file, audio, call, result, thought or refusal. value: the
    text; the media type of an image or a sound, and the name of a file; name and arguments of a call.
    """

    role: str
    kind: str
    value: Any


@dataclass(frozen=True, slots=True)
class Sent:
    """A request in common words. `options` and the rest of `body` are in the wire's own."""

    wire: str
    body: Json
    said: tuple[Said, ...]
    tools: dict[str, Any] = field(default_factory=dict)
    choice: str | None = None
    stops: tuple[str, ...] = ()
    schema: Any = None
    makes_json: bool = False
    options: Json = field(default_factory=dict)

    def texts(self, role: str) -> list[str]:
        return [one.value for one in self.said if one.role == role and one.kind == "text"]

    def values(self, kind: str) -> list[Any]:
        return [one.value for one in self.said if one.kind == kind]

    def says(self, *texts: str) -> bool:
        """Whether these texts are in the conversation, in this order, whoever says them."""
        rest = iter([str(one.value) for one in self.said])
        return all(any(text in value for value in rest) for text in texts)
