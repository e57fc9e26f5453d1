"""Parts of a message's content as blocks of Anthropic's.

Text of nothing but white space is refused there, so it is left out. Sources:
https://platform.claude.com/docs/en/api/messages/create, /build-with-claude/vision, /build-with-claude/pdf-support.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator
from typing import Any

from gateway_core.domain.chat import Json
from gateway_core.wires.shapes import mapping, sendable

CACHE_CONTROL = "cache_control"
_IMAGES = {
    "image/gif": "image/gif",
    "image/jpeg": "image/jpeg",
    "image/jpg": "image/jpeg",
    "image/png": "image/png",
    "image/webp": "image/webp",
}
_SIGNS = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}
_PDF = "application/pdf"
_TEXTS = frozenset({"application/json", "application/xml", "application/yaml", "application/x-yaml"})
_LONGEST_TITLE = 500


def blocks_of(content: object) -> list[dict[str, Any]]:
    """The blocks of a text or of a list of parts; what `unreadable` names is left out."""
    if isinstance(content, str):
        return [_text(content)] if content.strip() else []
    blocks: list[dict[str, Any]] = []
    for part in _parts(content):
        mark = part.get(CACHE_CONTROL)
        block = _block(part)
        if block is not None:
            blocks.append(block)
        if mark is not None and blocks:  # of an empty text, it ends with the part before
            blocks[-1][CACHE_CONTROL] = mark
    return blocks


def unreadable(content: object) -> str:
    """The path below `content` of the first image or document of a kind that is not taken; empty if there is none."""
    for index, part in enumerate(_parts(content)):
        if part.get("type") in ("image_url", "file") and _block(part) is None:
            return f".{index}.{part['type']}"
    return ""


def has_text(content: object) -> bool:
    """Whether it comes to any block at all."""
    if isinstance(content, str):
        return bool(content.strip())
    return any(part.get("type") in ("image_url", "file") or bool(_said(part).strip()) for part in _parts(content))


def _parts(content: object) -> Iterator[Json]:
    listed: Iterable[object] = content if isinstance(content, list) else ()
    return map(mapping, listed)


def _block(part: Json) -> dict[str, Any] | None:
    match part.get("type"):
        case "image_url":
            return _image(str(mapping(part.get("image_url")).get("url")))
        case "file":
            return _document(mapping(part.get("file")))
        case _:
            said = _said(part)
            return _text(said) if said.strip() else None


def _said(part: Json) -> str:
    said = part.get("text") if part.get("type") == "text" else part.get("refusal")
    return said if isinstance(said, str) else ""


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": sendable(text)}


def _image(url: str) -> dict[str, Any] | None:
    kind, data = _opened(url)
    return {"type": "image", "source": _encoded(_seen(data) or _IMAGES[kind], data)} if kind in _IMAGES else None


def _seen(data: str) -> str:
    """What an image is by its first bytes: clients say `image/jpeg` of any, and Anthropic refuses what is another."""
    start = _bytes(data[:16])
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for sign, kind in _SIGNS.items() if start.startswith(sign)), "")


def _document(file: Json) -> dict[str, Any] | None:
    """A document's block: base64 for a PDF, the text itself for texts; an image that came as a file is an image."""
    url, name = str(file.get("file_data")), file.get("filename")
    kind, data = _opened(url)
    titled = {"title": sendable(name)[:_LONGEST_TITLE]} if isinstance(name, str) and name.strip() else {}
    if kind == _PDF:
        return {"type": "document", "source": _encoded(_PDF, data), **titled}
    if kind.startswith("text/") or kind in _TEXTS:
        text = _decoded(data)
        source = {"type": "text", "media_type": "text/plain", "data": text}
        return {"type": "document", "source": source, **titled} if text.strip() else None
    return _image(url)


def _encoded(kind: str, data: str) -> dict[str, str]:
    return {"type": "base64", "media_type": kind, "data": data}


def _opened(url: str) -> tuple[str, str]:
    """The media type and the base64 text of a `data:` URL; the type is empty for anything else."""
    head, _, data = url.partition(",")
    form = head.lower()
    if not (form.startswith("data:") and form.endswith(";base64") and data):
        return "", ""
    return form.removeprefix("data:").split(";")[0], data


def _decoded(data: str) -> str:
    return _bytes(data).decode("utf-8", "replace")


def _bytes(data: str) -> bytes:
    try:
        return base64.b64decode(data)
    except (binascii.Error, ValueError):
        return b""
