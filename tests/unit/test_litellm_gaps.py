"""Whole answers with what LiteLLM looks for in them."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from gateway_core.adapters.litellm.gaps import Completing
from gateway_core.wires.table import WIRES


async def completed(wire: str, body: Any, status: int = 200) -> httpx.Response:
    """A provider's answer after it came through the transport."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    inner = httpx.MockTransport(lambda _: httpx.Response(status, content=content, headers={"x-request-id": "r1"}))
    async with httpx.AsyncClient(transport=Completing(inner, WIRES[wire])) as http:
        return await http.post("https://p.example/", json={})


CALL = {"functionCall": {"name": "ping"}}
NONE_USED = {"promptTokenCount": 0, "candidatesTokenCount": 0, "totalTokenCount": 0}


@pytest.mark.parametrize(
    ("wire", "body", "made"),
    [
        (
            "gemini",
            {"candidates": [{"content": {"parts": [CALL, {"text": "a"}]}, "finishReason": "STOP"}]},
            {
                "usageMetadata": NONE_USED,
                "candidates": [
                    {
                        "content": {"parts": [{"functionCall": {"args": {}, "name": "ping"}}, {"text": "a"}]},
                        "finishReason": "STOP",
                    }
                ],
            },
        ),
        ("gemini", {"usageMetadata": {"x": 1}, "candidates": [{"index": 0}]}, None),
        ("gemini", {"usageMetadata": {}}, None),
        ("anthropic", {"id": "m"}, {"usage": {"input_tokens": 0, "output_tokens": 0}, "id": "m"}),
        ("anthropic", {"usage": {"input_tokens": 5}}, None),
        (
            "openai_chat",
            {"choices": [{"index": 0, "message": {"content": [{"type": "text", "text": "a"}]}}]},
            {"choices": [{"index": 0, "message": {"content": "a"}}]},
        ),
        ("openai_chat", {"choices": [{"message": {"content": "a"}}]}, None),
        ("openai_chat", {"object": "x"}, None),
        ("openai_responses", {"output": []}, None),
        ("gemini", [1], None),
    ],
)
async def test_what_is_missing_is_put_in(wire: str, body: Any, made: Any) -> None:
    """And nothing else changes."""
    answer = await completed(wire, body)
    assert answer.json() == (body if made is None else made)
    assert (answer.status_code, answer.headers["x-request-id"]) == (200, "r1")
    assert answer.headers["content-length"] == str(len(answer.content))


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"not json", 200), ({"error": {}}, 429), ({"choices": [{"message": {"content": [5]}}]}, 200)],
)
async def test_what_cannot_be_read_goes_on_as_it_came(body: Any, status: int) -> None:
    """Errors, and what no answer is."""
    answer = await completed("openai_chat", body, status)
    assert answer.status_code == status
    assert answer.content == (body if isinstance(body, bytes) else json.dumps(body).encode())
