"""Which field was meant, where a body has one that there is not, or lacks one that it has by another name."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from itertools import islice
from typing import Any

from pydantic import BaseModel

_LONGEST_NAME, _MOST_NAMES = 64, 100


def meant(kind: str, field: str, schema: type[BaseModel], body: Mapping[str, Any]) -> str:
    """A sentence about a field of the body itself, empty if nothing comes close; `kind` is pydantic's of the error."""
    if kind == "missing":
        sent = islice((name for name in body if name not in schema.model_fields), _MOST_NAMES)
        close = get_close_matches(field, [name for name in sent if len(name) <= _LONGEST_NAME], n=1)
        return f" You sent {close[0]!r}: is that what you mean?" if close else ""
    if kind == "extra_forbidden" and len(field) <= _LONGEST_NAME:
        close = get_close_matches(field, [name for name in schema.model_fields if name not in body], n=1)
        return f" Did you mean {close[0]}?" if close else ""
    return ""
