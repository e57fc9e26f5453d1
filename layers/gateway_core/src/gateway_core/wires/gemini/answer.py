"""What Gemini's parts say: texts, thoughts and calls. Its other parts come of tools that are never offered.

Source: https://ai.google.dev/api/generate-content#v1beta.Candidate.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gateway_core.domain.answer import ProviderAnswer, ToolCall, Usage
from gateway_core.domain.chat import Json, ProviderCall
from gateway_core.wires.calls import made_id
from gateway_core.wires.confidence import confidence_of
from gateway_core.wires.shapes import first, items, mapping, sendable, text_of
from gateway_core.wires.signed_ids import SEPARATOR


def answer(call: ProviderCall, body: object) -> ProviderAnswer:
    """The first candidate's content. Raises TypeError, ValueError for texts and calls that are none."""
    parts = parts_in(mapping(body))
    calls = [part for part in parts if "functionCall" in part]
    return ProviderAnswer(
        content="".join(text_of(part.get("text")) for part in parts if not part.get("thought")),
        tool_calls=tuple(call_of(part, call.request_id, index) for index, part in enumerate(calls)),
        finish_reason="",
        usage=Usage(),
        reasoning="".join(text_of(part.get("text")) for part in parts if part.get("thought")),
        confidence=confidence_of(body),
    )


def parts_in(body: Json) -> list[Json]:
    """The parts of the first candidate, as streamed events and whole answers have them."""
    content = first(body.get("candidates")).get("content")
    return [mapping(part) for part in items(mapping(content).get("parts"))]


def call_of(part: Json, request_id: str, index: int) -> ToolCall:
    """The call in a part; its id carries the signature that Gemini wants back with it.

    Models before Gemini 3 give no ids: the call then gets one of its own. Without arguments `args` is absent.
    """
    called = mapping(part["functionCall"])
    name, arguments = text_of(called.get("name")), _arguments(called.get("args"))
    if not name:
        raise ValueError("a call of nothing")
    call_id = text_of(called.get("id")) or made_id(request_id, index, name, arguments)
    signature = text_of(part.get("thoughtSignature"))
    return ToolCall(f"{call_id}{SEPARATOR}{signature}" if signature else call_id, name, arguments)


def _arguments(args: Any) -> str:
    if args is None:
        return "{}"
    if not isinstance(args, Mapping):
        raise TypeError("arguments that are no object")
    return sendable(json.dumps(args, ensure_ascii=False))
