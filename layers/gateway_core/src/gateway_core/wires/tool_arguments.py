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
        found = json.loads(arguments)
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {"arguments": arguments}
