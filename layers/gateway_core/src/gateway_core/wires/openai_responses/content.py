"""The contents of messages as Responses takes them: https://platform.openai.com/docs/api-reference/responses/create."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway_core.domain.chat import Json
from gateway_core.wires.shapes import items, mapping

_WRONG_JPEG, _JPEG = "data:image/jpg;", "data:image/jpeg;"
_FILENAME = "document.pdf"
"""A file that comes with the request has to have a name."""


def spoken(content: Any) -> Any:
    """What a user, the system or a tool says: a text, or the parts that are not empty."""
    if isinstance(content, list):
        return [said for part in content if (said := _input(mapping(part)))] or ""
    return content or ""


def answered(message: Json) -> list[dict[str, Any]]:
    """What the assistant said: texts and refusals, none of them empty."""
    return list(_outputs(message))


def _input(part: Json) -> dict[str, Any]:
    match part.get("type"):
        case "text":
            return {"type": "input_text", "text": part["text"]} if part.get("text") else {}
        case "image_url":
            return _image(mapping(part.get("image_url")))
        case "file":
            return _file(mapping(part.get("file")))
        case _:
            return {}


def _image(image: Json) -> dict[str, Any]:
    part = {"type": "input_image", "image_url": str(image.get("url")), "detail": image.get("detail") or "auto"}
    return dict(with_jpeg(part))


def with_jpeg(part: Json) -> Json:
    """A part of the input whose image has the name of its format: `image/jpg` is refused."""
    url = part.get("image_url")
    wrong = isinstance(url, str) and url.startswith(_WRONG_JPEG)
    return {**part, "image_url": str(url).replace(_WRONG_JPEG, _JPEG, 1)} if wrong else part


def _file(file: Json) -> dict[str, Any]:
    return {
        "type": "input_file",
        "filename": file.get("filename") or _FILENAME,
        "file_data": file.get("file_data"),
    }


def _outputs(message: Json) -> Iterator[dict[str, Any]]:
    content = message.get("content")
    parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
    for part in [*map(mapping, parts), {"type": "refusal", "refusal": message.get("refusal")}]:
        if part.get("type") == "refusal" and part.get("refusal"):
            yield {"type": "refusal", "refusal": part["refusal"]}
        elif part.get("type") == "text" and part.get("text"):
            yield {"type": "output_text", "text": part["text"]}


def says_json(item: Json) -> bool:
    """Whether a message of the input that is not the assistant's has the word in it."""
    if item.get("role") in (None, "assistant"):
        return False
    content = item.get("content")
    texts = [content] if isinstance(content, str) else [mapping(part).get("text") for part in items(content)]
    return any("json" in text.lower() for text in texts if isinstance(text, str))
