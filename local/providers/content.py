"""Reads message content of any of the wire formats: its text, and what the rest counts for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from local.providers.tokens import AUDIO_TOKENS, IMAGE_TOKENS, count, count_json

_IMAGE_KEYS = ("image_url", "inlineData", "inline_data", "fileData", "file_data")
_IMAGE_TYPES = ("document", "file", "image", "image_url", "input_file", "input_image")


@dataclass(frozen=True, slots=True)
class Content:
    """`tokens` includes those of `text`."""

    text: str = ""
    tokens: int = 0


def read_content(content: Any) -> Content:
    """The content of one message: a string, a list of parts, or nothing."""
    if isinstance(content, str):
        return Content(content, count(content))
    parts = [_part(part) for part in content or ()]
    return Content("".join(part.text for part in parts), sum(part.tokens for part in parts))


def _part(part: Any) -> Content:
    if isinstance(part, str):
        return Content(part, count(part))
    if part.get("type") == "input_audio":
        return Content("", AUDIO_TOKENS)
    if part.get("type") in _IMAGE_TYPES or any(key in part for key in _IMAGE_KEYS):
        return Content("", IMAGE_TOKENS)
    if isinstance(part.get("text"), str):
        return Content(part["text"], count(part["text"]))
    if part.get("type") == "tool_result":
        return Content("", read_content(part.get("content")).tokens)
    return Content("", count_json({key: value for key, value in part.items() if key not in ("type", "id")}))


def last_said(messages: Sequence[Any]) -> Any:
    """The last message that is not an instruction put into the conversation."""
    said = [message for message in messages if message.get("role") not in ("system", "developer")]
    return said[-1] if said else {}


def last_text(texts: Iterable[str]) -> str:
    """The last text that is not empty."""
    last = ""
    for text in texts:
        last = text or last
    return last
