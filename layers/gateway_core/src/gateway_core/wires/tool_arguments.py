"""The arguments of tool calls in a history, for providers that take objects and no texts."""

from __future__ import annotations

import json
from typing import Any


def object_of(arguments: object) -> dict[str, Any]:
    """The object that a text of arguments holds; an empty text holds none.

    What is no JSON object, such as arguments that a limit cut off, is kept where the model can see it.
    """
    if not isinstance(arguments, str) or not arguments.strip():
        return {}
    try:
        found = json.loads(arguments, parse_constant=_no_json)
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {"arguments": arguments}


def _no_json(word: str) -> None:
    """Refuses NaN and infinities, which Python alone takes for JSON; halves of surrogate pairs are refused as well."""
    raise ValueError(word)
