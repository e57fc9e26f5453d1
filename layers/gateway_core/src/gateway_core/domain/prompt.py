"""How long a prompt can be for any provider, measured without a tokeniser."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from gateway_core.domain.chat import Json
from gateway_core.domain.compact_json import compact

REQUEST_TOKENS = 32
"""Begin-of-text, the opening of the answer's turn and filler turns that a chat template adds to a request."""
MESSAGE_TOKENS = 16
"""Role markers and separators of one message or content part: 3 to 8 in the published templates."""
TOOL_PROMPT_TOKENS = 1024
"""Hidden instructions that come with tools or a response format; Anthropic documents up to 530 for a model."""
AUDIO_TOKENS_PER_S = 32
"""Gemini's, from "Understand and count tokens"; OpenAI counts 10 (https://platform.openai.com/docs/guides/audio)."""

_LEAST_MP3_BYTES_PER_S = 1000  # 8 kbit/s, the lowest bit rate of MPEG audio (ISO/IEC 13818-3)
_MPEG_SYNC, _MPEG_LAYER = 0xFFE0, 0x0006  # a frame begins with these bits set, and with a layer, which AAC has not
_WAVE_HEADER = 36  # bytes up to the end of the fields that are read (RIFF, Multimedia Programming Interface 1.0)
_STEADY_WAVES = frozenset({1, 3, 6, 7})  # PCM, floats, A-law, mu-law: each second takes the bytes that the header says
_IMAGE_TYPES = frozenset({"image_url", "input_image", "image"})
_FILE_TYPES = frozenset({"file", "input_file", "document"})
_PLAIN_DATA = ("data:text/", "data:application/json")
_PROMPTING_PARAMS = ("tools", "functions", "response_format")
_HOUR = '"1h"'

type _Kind = Literal["text", "image", "audio", "document"]


class PromptContent(NamedTuple):
    """What a prompt holds.

    text_tokens: More than any tokeniser makes of its texts, tools included.
    images: How many it has.
    audio_tokens: More than its sound counts, where its bytes say how long it is.
    documents: How many parts it has whose length nothing bounds but the model's context window.
    document_bytes: The length of their data as sent.
    hears: Whether any of it may count as audio.
    hour_writes: Whether it asks for a cache entry that lasts an hour.
    beside_tokens: How many of `text_tokens` are of what is not in the chat form.
    """

    text_tokens: int
    images: int
    audio_tokens: int = 0
    documents: int = 0
    document_bytes: int = 0
    hears: bool = False
    hour_writes: bool = False
    beside_tokens: int = 0


def prompt_bound(messages: Sequence[Json], params: Json) -> PromptContent:
    """Upper bounds of the tokens that any provider can count for this prompt.

    Text is bounded by its UTF-8 length as JSON (tools and response format are in `params`), plus constants for what
    chat templates add: a byte-level tokeniser never makes more tokens than there are bytes. A file of plain text is
    text. An image counts a maximum of its model, whatever the length of its data.

    Sound counts 32 tokens for each second that its bytes can be: MP3 takes 1,000 bytes a second at least, and a wave's
    header says how many it takes. A PDF counts the text of its pages and an image of each (Anthropic: "PDF support",
    Gemini: "Document understanding"), and its bytes bound neither: pages are compressed, and may share their content.
    So a document counts as much as the model reads, which no provider goes beyond, and so do sound in other forms, a
    file that is only named, and an earlier answer of sound, which is named by its id.
    """
    parts = [part for message in messages for part in _parts(message)]
    kinds = [_kind(part) for part in parts]
    media = [(kind, part) for kind, part in zip(kinds, parts, strict=True) if kind != "text"]
    spoken = sum(bool(message.get("audio")) for message in messages)
    texts = [text for message in messages for text in _texts(message)]
    texts.append(compact(params))
    frames = MESSAGE_TOKENS * (len(messages) + len(parts))
    tool_prompt = TOOL_PROMPT_TOKENS if _has_tool_prompt(messages, params) else 0
    documents = [part for kind, part in media if kind == "document"]
    return PromptContent(
        text_tokens=REQUEST_TOKENS + frames + tool_prompt + sum(map(_utf8_length, texts)),
        images=kinds.count("image"),
        audio_tokens=sum(_audio_tokens(part) or 0 for kind, part in media if kind == "audio"),
        documents=len(documents) + spoken,
        document_bytes=sum(map(_data_length, documents)),
        hears="audio" in kinds or spoken > 0 or any(not _is_pdf(part) for part in documents),
        hour_writes=any(_HOUR in text for text in (*texts, *(compact(part.get("cache_control")) for _, part in media))),
    )


def with_beside(content: PromptContent, beside: Sequence[Any]) -> PromptContent:
    """The prompt together with JSON that is sent beside it, which is text."""
    texts = list(map(compact, beside))
    tokens = sum(map(_utf8_length, texts))
    return content._replace(
        text_tokens=content.text_tokens + tokens,
        beside_tokens=content.beside_tokens + tokens,
        hour_writes=content.hour_writes or any(_HOUR in text for text in texts),
    )


class Countable(NamedTuple):
    """What a tokeniser can count of a prompt, and what of it has a bound only: its images, and tokens of its tools."""

    messages: tuple[Json, ...]
    params: Json
    images: int
    tool_tokens: int


def countable(messages: Sequence[Json], params: Json) -> Countable:
    """The prompt apart from images, and from tools and response format with the hidden instructions for them."""
    given = {name: params[name] for name in _PROMPTING_PARAMS if params.get(name)}
    hidden = TOOL_PROMPT_TOKENS if _has_tool_prompt(messages, given) else 0
    return Countable(
        messages=tuple(map(_without_images, messages)),
        params={name: value for name, value in params.items() if name not in given},
        images=sum(_kind(part) == "image" for message in messages for part in _parts(message)),
        tool_tokens=hidden + (_utf8_length(compact(given)) if given else 0),
    )


def _without_images(message: Json) -> Json:
    parts = _parts(message)
    return {**message, "content": [part for part in parts if _kind(part) != "image"]} if parts else message


def _parts(message: Json) -> list[Any]:
    content = message.get("content")
    return content if isinstance(content, list) else []


def _texts(message: Json) -> Iterator[str]:
    """What of a message is text, as JSON."""
    if not isinstance(message.get("content"), list):
        yield compact(message)
        return
    yield compact({key: value for key, value in message.items() if key != "content"})
    yield from (compact(part) for part in _parts(message) if _kind(part) == "text")


def _kind(part: Any) -> _Kind:
    """Images carry documents and video, too, where providers take those in their data URLs."""
    if not isinstance(part, dict):
        return "text"
    name, data = part.get("type"), _data(part)
    if name in _IMAGE_TYPES:
        return "image" if not data.startswith("data:") or data.startswith("data:image/") else _kind_of(data)
    if name == "input_audio":
        return "document" if _audio_tokens(part) is None else "audio"
    return _kind_of(data) if name in _FILE_TYPES else "text"


def _kind_of(data: str) -> _Kind:
    return "text" if data.startswith(_PLAIN_DATA) else "document"


def _is_pdf(part: Json) -> bool:
    return _data(part).startswith("data:application/pdf")


def _data_length(part: Json) -> int:
    return len(_data(part))


def _data(part: Json) -> str:
    """The data or URL of a part that has one."""
    held = next((part[name] for name in ("image_url", "file", "input_audio") if name in part), part)
    fields = held if isinstance(held, Mapping) else {"url": held}
    found = (fields[name] for name in ("url", "file_data", "data") if isinstance(fields.get(name), str))
    return next(found, "")


def _audio_tokens(part: Json) -> int | None:
    """The most that this sound can count; None where its bytes do not say how long it is."""
    data = _data(part)
    try:
        head = base64.b64decode(data[:64], validate=True)
    except binascii.Error:
        return None
    bytes_per_s = _least_bytes_per_s(head)
    return None if bytes_per_s is None else (len(data) * 3 // 4 // bytes_per_s + 1) * AUDIO_TOKENS_PER_S


def _least_bytes_per_s(head: bytes) -> int | None:
    """How many bytes a second of it takes at least, by what it is and not by what it is called."""
    first = int.from_bytes(head[:2], "big")
    is_frame = first & _MPEG_SYNC == _MPEG_SYNC and first & _MPEG_LAYER
    if is_frame or head.startswith(b"ID3"):
        return _LEAST_MP3_BYTES_PER_S
    if len(head) < _WAVE_HEADER or (head[:4], head[8:16]) != (b"RIFF", b"WAVEfmt "):
        return None
    form, rate, block = (int.from_bytes(head[at : at + size], "little") for at, size in ((20, 2), (24, 4), (32, 2)))
    return rate * block or None if form in _STEADY_WAVES else None


def _has_tool_prompt(messages: Sequence[Json], params: Json) -> bool:
    asked = any(params.get(name) for name in _PROMPTING_PARAMS)
    return asked or any(message.get("role") == "tool" or message.get("tool_calls") for message in messages)


def _utf8_length(text: str) -> int:
    # surrogatepass: JSON may carry lone surrogates, which strict UTF-8 refuses to encode.
    return len(text.encode("utf-8", "surrogatepass"))
