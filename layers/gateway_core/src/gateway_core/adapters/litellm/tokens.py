"""Counts a prompt's tokens on the spot: with OpenAI's public tokenisers, which LiteLLM ships, and nobody's network.

LiteLLM's counter is asked about texts and tools only. Given whole messages it fails on some images and schemas, leaves
out the names of called functions, and takes OpenAI models that it does not list for GPT-3.5. It counts long texts in
pieces, so that no text, however odd, takes the tokeniser more than linear time.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from gateway_core.domain.chat import Deployment, Json, TokenCount
from gateway_core.wires.shapes import items, mapping
from gateway_core.wires.table import traits_of
from gateway_core.wires.wire import Image

_STAND_INS = {"o200k_base": "gpt-4o", "o200k_harmony": "gpt-4o", "cl100k_base": "gpt-4"}
"""The tokenisers that LiteLLM brings along, each with a model that its counter uses it for; it fetches any other."""
_ESTIMATE = "cl100k_base"

_PER_REQUEST = 3
_PER_MESSAGE = 3
_PER_NAME = 1
_PER_TOOLS = 9
"""What OpenAI's chat format adds (OpenAI cookbook, "How to count tokens with tiktoken")."""
_USUAL_SIDE = 1024
"""Pixels, for an image whose size cannot be read."""


class PromptCounter:
    """Counts for any deployment. May be used by several threads at once."""

    def __init__(self, litellm: Any) -> None:
        self._litellm = litellm

    def count(self, deployment: Deployment, messages: Sequence[Json], params: Json) -> TokenCount:
        """Tokens of the messages and of `params["tools"]`.

        `method` is `tiktoken:NAME`; `(estimate)` follows where that is not the model's own tokeniser, and
        `(images estimated)` where it is but images count by a rule of thumb.
        """
        encoding, exact = encoding_of(deployment)
        model = _STAND_INS[encoding]
        texts = sum(self._message(model, message) for message in messages)
        images = [_image(deployment, part) for message in messages for part in _images(message)]
        total = _PER_REQUEST + texts + sum(images) + self._tools(model, items(params.get("tools")))
        doubt = (" (images estimated)" if images else "") if exact else " (estimate)"
        return TokenCount(total, f"tiktoken:{encoding}{doubt}")

    def _message(self, model: str, message: Json) -> int:
        name = _PER_NAME if message.get("name") else 0
        return _PER_MESSAGE + name + sum(self._text(model, text) for text in _texts(message))

    def _tools(self, model: str, tools: list[Any]) -> int:
        """In the form that OpenAI shows them to its models, if LiteLLM can write it; else as JSON."""
        if not tools:
            return 0
        try:
            return int(self._litellm.token_counter(model=model, messages=[], tools=tools)) - _PER_REQUEST
        except Exception:  # noqa: BLE001 - its formatter raises anything on schemas that it did not expect
            return _PER_TOOLS + self._text(model, _compact(tools))

    def _text(self, model: str, text: str) -> int:
        return int(self._litellm.token_counter(model=model, text=text))


def encoding_of(deployment: Deployment) -> tuple[str, bool]:
    """The tokeniser to count with, and whether it is the model's own."""
    if traits_of(deployment.provider).has_public_tokenizer:
        try:
            name = importlib.import_module("tiktoken").encoding_name_for_model(deployment.upstream_model)
        except KeyError:
            name = ""
        if name in _STAND_INS:
            return name, True
    return _ESTIMATE, False


def _texts(message: Json) -> Iterator[str]:
    """All that the model reads of a message but its images."""
    yield from (text for text in (message.get("role"), message.get("name")) if isinstance(text, str))
    content = message.get("content")
    if isinstance(content, str):
        yield content
    yield from (_part_text(part) for part in items(content) if not _is_image(part))
    for call in items(message.get("tool_calls")):
        function = mapping(mapping(call).get("function"))
        yield from (str(function.get(field) or "") for field in ("name", "arguments"))


def _part_text(part: Any) -> str:
    text = mapping(part).get("text")
    return text if isinstance(text, str) else _compact(part)


def _is_image(part: Any) -> bool:
    return mapping(part).get("type") == "image_url"


def _images(message: Json) -> Iterator[Json]:
    return (mapping(mapping(part).get("image_url")) for part in items(message.get("content")) if _is_image(part))


def _image(deployment: Deployment, image: Json) -> int:
    width, height = _size(str(image.get("url") or ""))
    seen = Image(width, height, low_detail=image.get("detail") == "low")
    return traits_of(deployment.provider).image_tokens(deployment.upstream_model, seen)


def _size(url: str) -> tuple[int, int]:
    """Pixels of a data: URL's image. Nothing else is looked at: LiteLLM's reader would fetch it."""
    if not url.startswith("data:"):
        return _USUAL_SIDE, _USUAL_SIDE
    try:
        width, height = importlib.import_module("litellm.litellm_core_utils.token_counter").get_image_dimensions(url)
    except Exception:  # noqa: BLE001 - it raises anything on an image that is not one
        return _USUAL_SIDE, _USUAL_SIDE
    return max(1, width), max(1, height)


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str)
