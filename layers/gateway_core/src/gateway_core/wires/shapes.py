"""Decoded JSON of which nothing is known yet: what is not there, or is something else, reads as empty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway_core.domain.chat import Json


def mapping(value: object) -> Json:
    """`value` if it is a JSON object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def items(value: object) -> list[Any]:
    """`value` if it is a JSON array, else an empty one."""
    return value if isinstance(value, list) else []


def first(value: object) -> Json:
    """The first item of a JSON array, if that is an object; else an empty one."""
    return next(map(mapping, items(value)), {})


def sendable(text: str) -> str:
    """A text without halves of surrogate pairs, which JSON may hold and no client can be sent."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def text_of(value: object) -> str:
    """A text that can be sent: itself, nothing, or a list of text parts. Raises TypeError for anything else.

    Some servers on OpenAI's wire answer with parts, as Mistral's do.
    """
    if value is None:
        return ""
    if isinstance(value, list):
        return "".join(text_of(mapping(part).get("text")) for part in value)
    if isinstance(value, str):
        return sendable(value)
    raise TypeError("not a text")
