"""Decoded JSON of which nothing is known yet: what is not there, or is something else, reads as empty."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from gateway_core.domain.chat import Json


def mapping(value: object) -> Json:
    """`value` if it is a JSON object, else an empty one."""
    # Almost always a dict or null: asking an abstract class takes ten times as long, and each event of a stream asks
    # often.
    if isinstance(value, dict):
        return value
    return value if value is not None and isinstance(value, Mapping) else {}


def items(value: object) -> list[Any]:
    """`value` if it is a JSON array, else an empty one."""
    return value if isinstance(value, list) else []


def first(value: object) -> Json:
    """The first item of a JSON array, if that is an object; else an empty one."""
    return next(map(mapping, items(value)), {})


def sendable(text: str) -> str:
    """A text without halves of surrogate pairs, which JSON may hold and no client can be sent."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def sendable_json(value: Any) -> Any:
    """JSON without what no client can be sent: halves of surrogate pairs, and numbers that are none."""
    if isinstance(value, str):
        return sendable(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [sendable_json(member) for member in value]
    if value is not None and not isinstance(value, int) and isinstance(value, Mapping):  # which is dear to ask
        return {sendable(name): sendable_json(member) for name, member in value.items()}
    return value


def without_nulls(value: Json) -> dict[str, Any]:
    """The members that say something: null stands for "not given"."""
    return {name: member for name, member in value.items() if member is not None}


def text_of(content: object) -> str:
    """A text that comes as such, as nothing, or in parts, as Mistral and others send it on OpenAI's chat wire.

    Parts of type `thinking` are passed over, see `thoughts_of`. Raises TypeError for anything else.
    Docs: https://docs.mistral.ai/api, "Chat Completion" (`ContentChunk`).
    """
    if isinstance(content, str):
        return sendable(content)
    if content is None:
        return ""
    if not isinstance(content, list):
        raise TypeError("neither a text nor parts of one")
    return "".join(map(_part_text, content))


def thoughts_of(content: object) -> str:
    """What the parts of type `thinking` say, see `text_of`. Raises TypeError for those that hold no text."""
    if not isinstance(content, list):
        return ""
    return "".join(text_of(mapping(part).get("thinking")) for part in content if _is_thinking(part))


def _is_thinking(part: object) -> bool:
    return mapping(part).get("type") == "thinking"


def _part_text(part: object) -> str:
    known = mapping(part)
    text = "" if _is_thinking(part) else known.get("text")
    if not isinstance(text, str) or known.get("type") not in {"text", "thinking"}:
        raise TypeError("not a part of a text")
    return sendable(text)
