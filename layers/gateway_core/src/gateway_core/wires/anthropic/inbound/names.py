"""Names of tools that other wires take: Anthropic's may have 128 characters, most others' 64."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

_LONGEST = 64
_DIGITS = 8


class ToolNames:
    """Long names and what stands for them: the same for the same name, whichever request it is in."""

    def __init__(self, names: Iterable[str]) -> None:
        self._long = {short_name(name): name for name in names if len(name) > _LONGEST}

    def back(self, name: str) -> str:
        """The caller's name of a tool that was called."""
        return self._long.get(name, name)


def short_name(name: str) -> str:
    """The name itself, or its beginning and a digest that tells it from others with the same beginning."""
    if len(name) <= _LONGEST:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGITS]
    return f"{name[: _LONGEST - _DIGITS - 1]}_{digest}"
