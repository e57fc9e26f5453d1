"""Where in the caller's request something is that the gateway knows by its place in the chat form."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_NAMES = {
    "max_tokens": "max_output_tokens",
    "reasoning_effort": "reasoning.effort",
    "response_format": "text.format",
    "verbosity": "text.verbosity",
}
_WHOLE = ("input", "instructions")
_MESSAGE, _TOOL = re.compile(r"\bmessages\.(\d+)(\.content\b)?"), re.compile(r"\btools\.(\d+)\.function\b")
_NAME = re.compile(rf"\b(?<!\.)({'|'.join(_NAMES)})\b(?!\.)")


@dataclass(frozen=True, slots=True)
class Paths:
    """The paths of what the messages and the tools of the chat form were made of."""

    messages: tuple[str, ...]
    tools: tuple[str, ...]

    def told(self, text: str) -> str:
        """A path of the chat form, or a sentence with such, in the caller's words."""
        if text == "messages":
            return "input"
        text = _MESSAGE.sub(lambda found: self._message(int(found[1]), found[2] or ""), text)
        text = _TOOL.sub(lambda found: _at(self.tools, int(found[1]), "tools"), text)
        text = text.replace("response_format.json_schema", "text.format")
        return _NAME.sub(lambda found: _NAMES[found[1]], text)

    def _message(self, index: int, content: str) -> str:
        place = _at(self.messages, index, "input")
        return place if place in _WHOLE or place.endswith(".output") else place + content


def _at(places: tuple[str, ...], index: int, otherwise: str) -> str:
    return places[index] if index < len(places) else otherwise


def renamed(names: Iterable[str]) -> list[str]:
    """Options by the names that this wire has for them, each once, sorted."""
    return sorted({_NAMES.get(name, name) for name in names})
