"""What a test asks the model to say, in the prompt or through an `answer` fault.

In the last user message: `[[words=50]]`, `[[say=exactly this]]`, `[[tool]]` or `[[tool=name,other]]`,
`[[reasoning=20]]`, `[[cached=100]]`, `[[cache_write=100]]`, `[[refuse]]`, `[[pace=5]]` (milliseconds per chunk).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

_DIRECTIVE = re.compile(r"\[\[(\w+)(?:=(.*?))?\]\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Wishes:
    """Counts are tokens; `tool` is "*" for the first tool, or names joined by commas; `pace` is ms per chunk."""

    say: str | None = None
    words: int | None = None
    tool: str | None = None
    reasoning: int | None = None
    cached: int = 0
    cache_write: int = 0
    refuse: bool = False
    pace: float = 0.0

    @classmethod
    def of(cls, text: str) -> Self:
        """The directives in a text; unknown ones are ordinary text. Raises ValueError for a value that is no number."""
        if "[[" not in text:
            return cls()
        return cls().updated(dict(_DIRECTIVE.findall(text)))

    def updated(self, params: Mapping[str, Any]) -> Self:
        """These wishes, overridden by those named in `params`."""
        known = {field.name for field in fields(self)}
        return replace(self, **{name: _parsed(name, value) for name, value in params.items() if name in known})


def without_directives(text: str) -> str:
    return _DIRECTIVE.sub("", text).strip()


def _parsed(name: str, value: Any) -> Any:
    if name == "say":
        return str(value)
    if name == "tool":
        return str(value) if value not in ("", True) else "*"
    if name == "refuse":
        return value in ("", True)
    return float(value) if name == "pace" else int(value)
