"""Exchanges with providers, good and bad, and the errors that they are classified as."""

from __future__ import annotations

import json
from typing import Any

from gateway_core.adapters.upstream.about import About
from gateway_core.adapters.upstream.classify import classify
from gateway_core.adapters.upstream.exchange import ProviderExchange, origin_of
from gateway_core.domain.answer import Usage
from gateway_core.domain.chat import Deployment
from gateway_core.domain.credentials import Secret
from gateway_core.domain.provider_errors import ProviderError
from gateway_core.wires.table import WIRES

NOW_MS = 1_800_000_000_000
KEY = "sk-ant-api03-0123456789abcdef"
PROVIDERS: dict[str, tuple[str, str]] = {
    "anthropic": ("anthropic", "claude-opus-4-5"),
    "openai_chat": ("openai", "gpt-5.1"),
    "openai_responses": ("openai", "gpt-5.3-codex"),
    "gemini": ("gemini", "gemini-3-pro-preview"),
}
GOOD: dict[str, Any] = {
    "anthropic": {"content": [], "stop_reason": "end_turn", "usage": {"input_tokens": 3, "output_tokens": 2}},
    "openai_chat": {
        "choices": [{"message": {}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2},
    },
    "openai_responses": {
        "status": "completed",
        "output": [],
        "usage": {"input_tokens": 3, "output_tokens": 2},
        "error": None,
    },
    "gemini": {
        "candidates": [{"content": {}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2},
    },
}
FOUR = ["anthropic", "openai_chat", "openai_responses", "gemini"]
BILLED = Usage(3, 2)


def about(wire: str = "openai_chat", prompt: str = "Tell me of the otters of Skye.", provider: str = "") -> About:
    """An attempt of one of the providers."""
    name, model = PROVIDERS[wire]
    mode = "responses" if wire == "openai_responses" else "chat"
    deployment = Deployment(provider or name, model, "https://api.example/v1", mode)
    message = {"role": "user", "content": [{"type": "text", "text": prompt, "n": 1}]}
    return About(deployment, NOW_MS, Secret(KEY), (message,))


def seen(wire: str = "openai_chat", status: int | None = 200, body: Any = b"", **more: Any) -> ProviderExchange:
    """An exchange that came to a proper end, unless `more` says otherwise."""
    exchange = ProviderExchange(
        WIRES[wire], origin_of("https://api.example/v1"), 1000, requests=1, sent=True, ended=True
    )
    headers = {"content-type": "application/json", **more.pop("headers", {})}
    if status is not None:
        exchange.answered(status, headers)
    exchange.body += body if isinstance(body, bytes) else json.dumps(body).encode()
    for name, value in more.items():
        setattr(exchange, name, value)
    return exchange


def error(exchange: ProviderExchange, cause: Exception | None = None, **kwargs: Any) -> ProviderError:
    """The error of an exchange that must have one."""
    found = classify(exchange, cause, about(exchange.wire.name, **kwargs))
    assert found is not None
    return found


def anthropic(kind: str, message: str = "") -> Any:
    return {"type": "error", "error": {"type": kind, "message": message}}


def openai(code: str | None, message: str = "", kind: str = "invalid_request_error") -> Any:
    return {"error": {"code": code, "message": message, "type": kind, "param": None}}


def gemini(code: int, status: str, message: str = "", *details: Any) -> list[Any] | Any:
    return {"error": {"code": code, "status": status, "message": message, "details": list(details)}}
