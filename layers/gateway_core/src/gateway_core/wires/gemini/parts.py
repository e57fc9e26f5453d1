"""Parts of messages as Gemini's parts: texts, media as `inlineData`, and the results of tools.

Source: https://ai.google.dev/api/caching#Part, https://ai.google.dev/gemini-api/docs/function-calling.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway_core.domain.chat import Json
from gateway_core.wires.gemini.objects import object_in
from gateway_core.wires.shapes import items, mapping, text_of

_MEDIA_TYPES = {"image/jpg": "image/jpeg"}
"""What callers say for what Gemini knows by another name."""
_RESERVED = frozenset({"output", "error"})


def parts_of(content: Any) -> Iterator[Json]:
    """The parts of a message's content, which is a text or a list of parts. Empty texts are left out."""
    for part in _listed(content):
        if (media := media_of(part)) is not None:
            yield {"inlineData": media}
        elif text := text_of(part.get("text") or part.get("refusal")):
            yield {"text": text}


def media_of(part: Json) -> Json | None:
    """The data of an image, a sound or a document; None for a text."""
    match part.get("type"):
        case "image_url":
            return _inline(str(mapping(part.get("image_url")).get("url")))
        case "file":
            return _inline(str(mapping(part.get("file")).get("file_data")))
        case "input_audio":
            sound = mapping(part.get("input_audio"))
            return {"mimeType": f"audio/{sound.get('format')}", "data": sound.get("data")}
        case _:
            return None


def media_type_of(url: str) -> str:
    """The media type of a data URL, by the name that Gemini knows."""
    named = url.partition(",")[0].removeprefix("data:").partition(";")[0].strip().lower()
    return _MEDIA_TYPES.get(named, named)


def _inline(url: str) -> Json:
    return {"mimeType": media_type_of(url), "data": url.partition(",")[2]}


def result_of(message: Json, name: str, call_id: str, *, holds_media: bool) -> list[Json]:
    """What a tool gave back, media inside its `functionResponse` if the model takes them there, else behind it."""
    content = message.get("content")
    media = [{"inlineData": found} for part in _listed(content) if (found := media_of(part)) is not None]
    result: dict[str, Any] = {"name": name, "response": _response(said_in(content))}
    if call_id:
        result["id"] = call_id
    if holds_media and media:
        result["parts"] = media
    return [{"functionResponse": result}, *([] if holds_media else media)]


def said_in(content: Any) -> str:
    """All texts of a content as one."""
    return "".join(text_of(part.get("text") or part.get("refusal")) for part in _listed(content))


def _response(text: str) -> Json:
    """An object goes as it is. `output` and `error` have a meaning of their own, beside which the rest may be lost."""
    found = object_in(text)
    if found is None:
        return {"output": text}
    return {"output": found} if len(found) > 1 and _RESERVED & found.keys() else found


def _listed(content: Any) -> list[Json]:
    return [{"text": content}] if isinstance(content, str) else [mapping(part) for part in items(content)]


def lost_of(message: Json) -> Iterator[str]:
    """Names of what Gemini has no word for. What it does by itself, such as looking closely, is not lost."""
    if message.get("name") and message.get("role") != "tool":
        yield "name"
    if message.get("cache_control"):
        yield "cache_control"
    for part in map(mapping, items(message.get("content"))):
        if "cache_control" in part:
            yield "cache_control"
        if mapping(part.get("image_url")).get("detail") == "low":
            yield "detail"  # of single parts it is in v1alpha alone, see the page "Media resolution"
        if mapping(part.get("file")).get("filename"):
            yield "filename"
