"""From replies to JSON."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from starlette.responses import Response

from gateway_core.domain.compact_json import compact
from local.upstash.resp import ErrorReply, Reply, SimpleString

type JsonValue = str | int | list[JsonValue] | dict[str, JsonValue] | None


def encode(reply: Reply, *, as_base64: bool) -> JsonValue:
    """JSON value of a reply.

    Base64 covers every string at any depth but the status `OK`. Without it, bytes that are not UTF-8 become U+FFFD.
    An error within an array becomes a string.
    """
    match reply:
        case ErrorReply(text):
            return _text(text.encode(), as_base64=as_base64)
        case SimpleString(b"OK"):
            return "OK"
        case bytes():
            return _text(reply, as_base64=as_base64)
        case list():
            return [encode(item, as_base64=as_base64) for item in reply]
    return reply


def _text(raw: bytes, *, as_base64: bool) -> str:
    return base64.b64encode(raw).decode() if as_base64 else raw.decode("utf-8", "replace")


def result(reply: Reply, *, as_base64: bool) -> dict[str, JsonValue]:
    """`{"result": ...}` or `{"error": ...}`; errors are never encoded."""
    if isinstance(reply, ErrorReply):
        return {"error": reply.text}
    return {"result": encode(reply, as_base64=as_base64)}


def results(replies: Sequence[Reply], *, as_base64: bool) -> list[JsonValue]:
    """One item per command of a batch."""
    return [result(reply, as_base64=as_base64) for reply in replies]


def json_response(content: JsonValue, status: int = 200) -> Response:
    """Compact UTF-8 JSON."""
    return Response(compact(content).encode(), status, media_type="application/json")
