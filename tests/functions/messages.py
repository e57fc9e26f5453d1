"""Anthropic's wire at the scripted door: requests to `/v1/messages`, and answers as Anthropic gives them."""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests.functions.upstream import ASKED, Door

HEADERS = {"anthropic-version": "2023-06-01"}
USAGE = {"input_tokens": 11, "output_tokens": 3}


def message(*content: Any, stop: str = "end_turn", **more: Any) -> dict[str, Any]:
    """A whole answer of Anthropic's."""
    frame = {"id": "msg_up", "type": "message", "role": "assistant", "model": "up", "content": list(content)}
    return {**frame, "stop_reason": stop, "stop_sequence": None, "usage": USAGE, **more}


def text(said: str, **more: Any) -> dict[str, Any]:
    """A block of text."""
    return {"type": "text", "text": said, **more}


def begun(**more: Any) -> list[dict[str, Any]]:
    """How a stream begins, up to its first block."""
    start = {**message(), "stop_reason": None, "usage": {"input_tokens": 11, "output_tokens": 1}, **more}
    return [{"type": "message_start", "message": start}, {"type": "ping"}]


def block(index: int, kind: Any, *deltas: Any) -> list[dict[str, Any]]:
    """A block, from its start to its stop."""
    grows = [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
    start = {"type": "content_block_start", "index": index, "content_block": kind}
    return [start, *grows, {"type": "content_block_stop", "index": index}]


def said(index: int, *texts: str) -> list[dict[str, Any]]:
    """A block of text in pieces."""
    return block(index, text(""), *({"type": "text_delta", "text": one} for one in texts))


def ended(stop: str = "end_turn", **usage: Any) -> list[dict[str, Any]]:
    """How a stream ends."""
    delta = {"stop_reason": stop, "stop_sequence": None}
    return [{"type": "message_delta", "delta": delta, "usage": {"output_tokens": 3, **usage}}, {"type": "message_stop"}]


async def ask(door: Door, name: str = "claude", *, headers: Any = None, **body: Any) -> httpx.Response:
    """A request on Anthropic's wire."""
    asked = {"model": name, "max_tokens": 50, "messages": ASKED, **body}
    return await door.http.post("/v1/messages?beta=true", json=asked, headers={**HEADERS, **(headers or {})})


def events_of(answer: httpx.Response) -> list[dict[str, Any]]:
    """The events of a stream, each under its own type's name."""
    assert answer.headers["content-type"].startswith("text/event-stream"), answer.text
    found = []
    for chunk in answer.text.strip().split("\n\n"):
        name, data = chunk.split("\n")
        found.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {found[-1]['type']}"
    return found


async def events(door: Door, name: str = "claude", **body: Any) -> list[dict[str, Any]]:
    """What comes of a streamed request."""
    answer = await ask(door, name, stream=True, **body)
    assert answer.status_code == 200, answer.text
    return events_of(answer)
