"""What providers may leave out of a whole answer and LiteLLM does not do without.

Its translators end in a KeyError where Gemini calls a function without `args`, where Gemini or Anthropic tell no usage,
and where a server on OpenAI's chat wire says its content in parts. Here that is put in before LiteLLM reads it; what
counts (ends and usage) is read from the answer as it came.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, override

import httpx

from gateway_core.domain.chat import Json
from gateway_core.wires.anthropic import ANTHROPIC
from gateway_core.wires.gemini import GEMINI
from gateway_core.wires.openai_chat import OPENAI_CHAT
from gateway_core.wires.shapes import items, mapping, text_of
from gateway_core.wires.wire import Wire

_FRAMING = ("content-length", "transfer-encoding")


class Completing(httpx.AsyncBaseTransport):
    """The transport of an attempt, whose whole answers have all that LiteLLM looks for."""

    def __init__(self, transport: httpx.AsyncBaseTransport, wire: Wire) -> None:
        self._transport = transport
        self._complete = _COMPLETE.get(wire, dict)

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send, and read the answer to its end. Raises what the transport raises."""
        response = await self._transport.handle_async_request(request)
        body = await response.aread()
        if response.status_code == HTTPStatus.OK:
            body = self._completed(body)
        headers = [(name, value) for name, value in response.headers.multi_items() if name not in _FRAMING]
        return httpx.Response(response.status_code, headers=headers, content=body, extensions=response.extensions)

    def _completed(self, body: bytes) -> bytes:
        try:
            found = json.loads(body)
            return json.dumps(self._complete(found)).encode() if isinstance(found, dict) else body
        except (TypeError, ValueError, RecursionError):
            return body


def with_arguments(candidate: Json) -> dict[str, Any]:
    """Gemini leaves out the arguments of a call without any."""
    content = mapping(candidate.get("content"))
    parts = [
        {**part, "functionCall": {"args": {}, **part["functionCall"]}} if "functionCall" in part else part
        for part in map(mapping, items(content.get("parts")))
    ]
    return {**candidate, "content": {**content, "parts": parts}}


def _of_gemini(body: Json) -> dict[str, Any]:
    candidates = [with_arguments(mapping(one)) if "content" in one else one for one in items(body.get("candidates"))]
    usage = {"promptTokenCount": 0, "candidatesTokenCount": 0, "totalTokenCount": 0}
    return {"usageMetadata": usage, **body, **({"candidates": candidates} if candidates else {})}


def _of_anthropic(body: Json) -> dict[str, Any]:
    return {"usage": {"input_tokens": 0, "output_tokens": 0}, **body}


def _of_chat(body: Json) -> dict[str, Any]:
    choices = [dict(mapping(choice)) for choice in items(body.get("choices"))]
    for choice in choices:
        message = mapping(choice.get("message"))
        if isinstance(message.get("content"), list):
            choice["message"] = {**message, "content": text_of(message["content"])}
    return {**body, **({"choices": choices} if choices else {})}


_COMPLETE: Mapping[Wire, Callable[[Json], dict[str, Any]]] = {
    ANTHROPIC: _of_anthropic,
    GEMINI: _of_gemini,
    OPENAI_CHAT: _of_chat,
}
