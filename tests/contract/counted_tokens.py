"""Prompts to count, and the way to count them."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

from gateway_core.adapters.tokens import PromptCounter
from gateway_core.domain.chat import Deployment, Json

GPT = Deployment("openai", "gpt-5.1", "http://127.0.0.1:1/v1")
CLAUDE = Deployment("anthropic", "claude-opus-4-5", "http://127.0.0.1:1")
GEMINI = Deployment("gemini", "gemini-3.1-pro-preview", "http://127.0.0.1:1/v1beta")
ODD_SCHEMAS: list[Any] = [
    None,
    {},
    {"type": "object", "properties": {"any": True}},
    {"type": "object", "properties": {"list": {"type": "array"}}},
    {"type": "object", "properties": {"either": {"type": ["string", "null"]}}},
    {"type": "object", "properties": {"one": {"type": "string", "enum": 5}}},
    {"type": "object", "properties": ["city"]},
    {"type": "object", "properties": {"odd": {"type": {"a": 1}, "enum": [{}]}, "enum": {"enum": ["a", 1, None]}}},
    {"type": "object", "properties": {"odd": {"type": ["string", {"a": 1}, []], "anyOf": 5}, "no": {"type": "null"}}},
    {"type": "object", "properties": {"odd": {"type": "array", "items": [True]}}, "required": [{}, "odd"]},
    {"$ref": "#/$defs/city", "$defs": {"city": {"type": "string"}}},
]


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def image(width: int, height: int, *, detail: str = "auto") -> dict[str, Any]:
    """A part with a PNG of this size, all of it header."""
    header = struct.pack(">LLBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">L", len(header)) + b"IHDR" + header + struct.pack(">L", zlib.crc32(b"IHDR" + header))
    data = base64.b64encode(b"\x89PNG\r\n\x1a\n" + chunk).decode()
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}", "detail": detail}}


def tokens(counter: PromptCounter, *messages: Json, at: Deployment = GPT, **params: Any) -> int:
    return counter.count(at, messages, params).input_tokens
