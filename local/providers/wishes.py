"""What a test asks the model to say, in the prompt or through an `answer` fault; README.md lists the directives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

from local.providers.sse import FORMS

_DIRECTIVE = re.compile(r"\[\[(\w+)(?:=(.*?))?\]\]", re.DOTALL)
REFUSAL = "I can't help with that."
"""What a refusal says by default."""
QUIRKS = ("done_only", "no_args", "no_usage", "parts", "redacted")


@dataclass(frozen=True, slots=True)
class Wishes:
    """Counts are tokens; `tool` is "*" for the first tool, or names joined by commas; `pace` is ms per chunk.

    `lag` is for how many ms a stream is still written whose client has left, and `count_factor` how many tokens the
    provider makes of each that is described in `tokens`.

    `sse` names the forms of a stream's events (`sse.FORMS`), joined by commas. The flags from `no_usage` on are
    oddities of real servers, see `quirks`.
    """

    say: str | None = None
    words: int | None = None
    tool: str | None = None
    reasoning: int | None = None
    cached: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    refuse: bool = False
    refusal: str | None = None
    pause_turn: bool = False
    pace: float = 0.0
    lag: float = 0.0
    count_factor: float = 1.0
    sse: tuple[str, ...] = ()
    no_usage: bool = False
    parts: bool = False
    done_only: bool = False
    no_args: bool = False
    redacted: bool = False

    @classmethod
    def of(cls, text: str) -> Self:
        """The directives in a text; unknown ones are ordinary text. Raises ValueError for a value that does not fit."""
        if "[[" not in text:
            return cls()
        return cls().updated(dict(_DIRECTIVE.findall(text)))

    def updated(self, params: Mapping[str, Any]) -> Self:
        """These wishes, overridden by those named in `params`. Raises ValueError."""
        known = {field.name for field in fields(self)}
        return replace(self, **{name: _parsed(name, value) for name, value in params.items() if name in known})

    @property
    def quirks(self) -> frozenset[str]:
        return frozenset(name for name in QUIRKS if getattr(self, name))


def without_directives(text: str) -> str:
    return _DIRECTIVE.sub("", text).strip()


def _parsed(name: str, value: Any) -> Any:
    if name == "say":
        return str(value)
    if name == "tool":
        return str(value) if value not in ("", True) else "*"
    if name == "refusal":
        return str(value) if value not in ("", True) else REFUSAL
    if name in ("refuse", "pause_turn", *QUIRKS):
        return value in ("", True)
    if name == "sse":
        return _forms(value)
    return float(value) if name in ("pace", "lag", "count_factor") else int(value)


def _forms(value: Any) -> tuple[str, ...]:
    names = tuple(value.split(",")) if isinstance(value, str) else tuple(value)
    unknown = [name for name in names if name not in FORMS]
    if unknown:
        raise ValueError(f"sse takes {', '.join(FORMS)}, not {unknown[0]}")
    return names
