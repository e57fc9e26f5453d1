"""Blocks of Anthropic's as parts of the chat form, with a note of what has no place there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from gateway_core.domain.chat import Json
from gateway_core.wires.anthropic.blocks import CACHE_CONTROL
from gateway_core.wires.anthropic.inbound.names import short_name
from gateway_core.wires.shapes import items, mapping

_BREAK = "\n\n"


@dataclass(slots=True)
class Apart:
    """What of a request is not in its chat form.

    bound: Fields that only Anthropic's wire can say, with the rest of a sentence whose subject is a model.
    unsaid: What other models are not told, by the caller's names; no answer changes for it.
    beside: The members themselves: they count where they are sent.
    """

    bound: list[tuple[str, str]] = field(default_factory=list)
    unsaid: set[str] = field(default_factory=set)
    beside: list[Any] = field(default_factory=list)

    def leave(self, name: str, *members: Any) -> None:
        """Note that other models are not told of these members."""
        self.unsaid.add(name)
        self.beside += members

    def bind(self, path: str, why: str, member: Any) -> None:
        """Note that only Anthropic's wire can say this member."""
        self.bound.append((path, f"{why} ({path})"))
        self.beside.append(member)


def parts_of(block: Json, path: str, apart: Apart) -> Iterator[dict[str, Any]]:
    """The parts of a block of text, an image, a document, a reference to a tool or a search result."""
    if mapping(block.get("citations")).get("enabled"):
        apart.bind(f"{path}.citations", "cannot cite its sources", block["citations"])
    match block["type"]:
        case "text":
            if block.get("citations"):
                apart.leave("citations", block["citations"])
            yield _text(block["text"])
        case "image":
            yield _image(block["source"])
        case "document":
            if block.get("context"):
                yield _text(block["context"])
            yield from _document(block)
        case "tool_reference":
            yield _text(f"Loaded: {short_name(block['tool_name'])}")
        case _:
            said = "\n".join(one["text"] for one in block["content"])
            yield _text(f"{block['title']}\n{block['source']}\n{said}")


def marked(parts: list[dict[str, Any]], block: Json) -> list[dict[str, Any]]:
    """The parts with the block's cache mark on their last."""
    if parts and block.get(CACHE_CONTROL):
        parts[-1] = {**parts[-1], CACHE_CONTROL: block[CACHE_CONTROL]}
    return parts


def plain(parts: list[dict[str, Any]]) -> Any:
    """The parts, or their text where they are no more than that. Texts stay apart where a wire makes one of them."""
    if not parts:
        return ""
    for part, following in pairwise(parts):
        if part["type"] == following["type"] == "text" and not part["text"].endswith("\n"):
            part["text"] += _BREAK
    return parts[0]["text"] if len(parts) == 1 and parts[0].keys() == {"type", "text"} else parts


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _image(source: Json) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": _data_url(source["media_type"], source["data"])}}


def _document(block: Json) -> Iterator[dict[str, Any]]:
    source, named = block["source"], {"filename": block["title"]} if block.get("title") else {}
    match source["type"]:
        case "base64":
            yield _file(_data_url(source["media_type"], source["data"]), named)
        case "text":
            yield from ([_text(block["title"])] if block.get("title") else [])
            yield _text(source["data"])
        case _:
            content = source["content"]
            for one in items(content):
                yield _image(one["source"]) if one["type"] == "image" else _text(one["text"])
            if isinstance(content, str):
                yield _text(content)


def _file(url: str, named: Json) -> dict[str, Any]:
    return {"type": "file", "file": {"file_data": url, **named}}


def _data_url(media_type: str, data: str) -> str:
    return f"data:{media_type};base64,{data}"
