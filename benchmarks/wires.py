"""How to ask each provider directly for a stream, and how to ask the gateway for the same one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Wire:
    """A model's key in the gateway and its stream at the provider, below the base URL that `base` names."""

    model: str
    base: str
    path: str
    headers: Mapping[str, str]
    shape: str

    def body(self, prompt: str) -> dict[str, Any]:
        """The provider's own request."""
        upstream = _UPSTREAM[self.model]
        messages = [{"role": "user", "content": prompt}]
        if self.shape == "anthropic":
            return {"model": upstream, "stream": True, "max_tokens": 32_000, "messages": messages}
        if self.shape == "responses":
            return {"model": upstream, "stream": True, "input": messages}
        if self.shape == "gemini":
            return {"contents": [{"role": "user", "parts": [{"text": prompt}]}]}
        return {"model": upstream, "stream": True, "stream_options": {"include_usage": True}, "messages": messages}


_UPSTREAM = {
    "claude-haiku-3.5": "claude-haiku-4-5",
    "gpt-5.1": "gpt-5.1",
    "codex-max": "gpt-5.3-codex",
    "gemini-flash": "gemini-3.8-flash",
    "deepseek-v3.2": "deepseek-v4-flash",
}
_BEARER = {"authorization": "Bearer the-key"}
WIRES = (
    Wire(
        "claude-haiku-3.5",
        "ANTHROPIC_API_BASE",
        "/v1/messages",
        {"x-api-key": "the-key", "anthropic-version": "2023-06-01"},
        "anthropic",
    ),
    Wire("gpt-5.1", "OPENAI_API_BASE", "/chat/completions", _BEARER, "chat"),
    Wire("codex-max", "OPENAI_API_BASE", "/responses", _BEARER, "responses"),
    Wire(
        "gemini-flash",
        "GEMINI_API_BASE",
        "/models/gemini-3.8-flash:streamGenerateContent?alt=sse",
        {"x-goog-api-key": "the-key"},
        "gemini",
    ),
    Wire("deepseek-v3.2", "DEEPSEEK_API_BASE", "/chat/completions", _BEARER, "chat"),
)


def gateway_body(model: str, prompt: str) -> dict[str, Any]:
    """The same request to `/v1/chat/completions`."""
    messages = [{"role": "user", "content": prompt}]
    options = {"stream": True, "stream_options": {"include_usage": True}, "max_tokens": 32_000}
    return {"model": model, "messages": messages, **options}
