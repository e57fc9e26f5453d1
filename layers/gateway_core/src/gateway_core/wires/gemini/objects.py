"""JSON objects in texts, as Gemini's wire takes them: in a `google.protobuf.Struct`, whose numbers are doubles.

Source: https://protobuf.dev/reference/protobuf/google.protobuf/#struct.
"""

from __future__ import annotations

import json
import math
from typing import Any

_EXACT = 2**53
"""Integers beyond it are rounded in a double."""
_EXACT_DIGITS = 17


def object_in(text: str) -> dict[str, Any] | None:
    """The JSON object that a text is. None if it is none, or one that the wire would change or refuse."""
    try:
        found = json.loads(text, parse_int=_integer, parse_float=_float, parse_constant=_float)
        if not isinstance(found, dict):
            return None
        if "\\u" in text:
            json.dumps(found, ensure_ascii=False).encode()  # halves of surrogate pairs cannot be sent
    except (ValueError, RecursionError):
        return None
    return found


def _integer(digits: str) -> int:
    number = int(digits) if len(digits) <= _EXACT_DIGITS else _EXACT + 1
    if abs(number) > _EXACT:
        raise ValueError("not exact in a double")
    return number


def _float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("not a JSON number")
    return number
