"""Counts the tokens of a prompt: texts, tools, and what of it is neither."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gateway_core.adapters.tokens.encodings import Encodings, encoding_of
from gateway_core.adapters.tokens.media import audio_tokens, file_tokens, image_size
from gateway_core.adapters.tokens.tools import as_shown
from gateway_core.domain.answer import TokenCount
from gateway_core.domain.chat import Deployment, Json
from gateway_core.wires.shapes import items, mapping
from gateway_core.wires.table import traits_of
from gateway_core.wires.wire import Image

_PER_REQUEST = 3
_PER_MESSAGE = 3
_PER_NAME = 1
_PER_TOOLS = 9
"""What OpenAI's chat format adds (OpenAI cookbook, "How to count tokens with tiktoken")."""
_MEDIA = {"image_url": "images", "file": "files", "input_audio": "audio"}
"""The parts that are no text, and what they are called in a count's method."""


class PromptCounter:
    """Counts for any deployment. May be used by several threads at once.

    Args:
        folder: Where the tokenisers' files are, see `Encodings`.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._encodings = Encodings(folder)

    def count(self, deployment: Deployment, messages: Sequence[Json], params: Json) -> TokenCount:
        """Tokens of the messages and of `params["tools"]`. Raises TokeniserMissingError.

        `method` is `tiktoken:NAME`; `(estimate)` follows where that is not the model's own tokeniser, and
        `(images estimated)` where it is but images count by a rule of thumb; likewise `files` and `audio`.
        """
        encoding, exact = encoding_of(deployment)
        texts = sum(self._message(encoding, message) for message in messages)
        media = [part for message in messages for part in _media(message)]
        total = _PER_REQUEST + texts + sum(_medium(deployment, part) for part in media)
        total += self._tools(encoding, items(params.get("tools")))
        kinds = ", ".join(sorted({_MEDIA[part["type"]] for part in media}))
        doubt = (f" ({kinds} estimated)" if kinds else "") if exact else " (estimate)"
        return TokenCount(total, f"tiktoken:{encoding}{doubt}")

    def _message(self, encoding: str, message: Json) -> int:
        name = _PER_NAME if message.get("name") else 0
        return _PER_MESSAGE + name + sum(self._encodings.count(encoding, text) for text in _texts(message))

    def _tools(self, encoding: str, tools: list[Any]) -> int:
        """Functions in the form that OpenAI shows them to its models; any other tool as JSON."""
        if not tools:
            return 0
        functions = [mapping(mapping(tool).get("function")) for tool in tools]
        others = [_compact(tool) for tool, function in zip(tools, functions, strict=True) if not function]
        try:
            shown = as_shown(functions)
        except RecursionError:
            shown = _compact(functions)
        return _PER_TOOLS + sum(self._encodings.count(encoding, text) for text in (shown, *others))


def _texts(message: Json) -> Iterator[str]:
    """All that the model reads of a message as text."""
    yield from (text for text in (message.get("role"), message.get("name")) if isinstance(text, str))
    content = message.get("content")
    if isinstance(content, str):
        yield content
    yield from (_part_text(part) for part in items(content) if not _is_medium(part))
    for call in items(message.get("tool_calls")):
        function = mapping(mapping(call).get("function"))
        yield from (str(function.get(field) or "") for field in ("name", "arguments"))


def _part_text(part: Any) -> str:
    text = mapping(part).get("text")
    return text if isinstance(text, str) else _compact(part)


def _is_medium(part: Any) -> bool:
    kind = mapping(part).get("type")
    return isinstance(kind, str) and kind in _MEDIA


def _media(message: Json) -> Iterator[Json]:
    return filter(_is_medium, items(message.get("content")))


def _medium(deployment: Deployment, part: Json) -> int:
    traits = traits_of(deployment.provider)
    if part["type"] == "file":
        return file_tokens(mapping(part.get("file")), traits.page_tokens)
    if part["type"] == "input_audio":
        return audio_tokens(mapping(part.get("input_audio")), traits.audio_tokens_per_s)
    # Some clients send the URL itself where OpenAI has an object.
    image = part.get("image_url")
    width, height = image_size(image if isinstance(image, str) else mapping(image).get("url"))
    seen = Image(width, height, low_detail=mapping(image).get("detail") == "low")
    return traits.image_tokens(deployment.upstream_model, seen)


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str)
