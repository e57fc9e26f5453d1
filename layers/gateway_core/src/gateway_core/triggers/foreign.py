"""Events that are for somebody else, as every function may get them."""

from __future__ import annotations

from typing import Any

IGNORED: dict[str, Any] = {"ignored": True}
"""The answer to one: nothing was done, as it is nobody's mistake that it came."""


def is_foreign(event: object, own: str) -> bool:
    """Whether it has a source, such as what keeps environments warm, and nothing of what this function reads."""
    return isinstance(event, dict) and "source" in event and own not in event
