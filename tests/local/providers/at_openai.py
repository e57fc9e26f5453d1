"""A chat with the simulated OpenAI over plain HTTP, and what messages and tools consist of."""

from __future__ import annotations

import base64
from typing import Any

import httpx

from tests.local.providers.conftest import Sim

USER = [{"role": "user", "content": "hello world"}]
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
CUSTOM = {"type": "custom", "custom": {"name": "run"}}
PDF = "data:application/pdf;base64," + base64.b64encode(b"%PDF-1.7\n%%EOF").decode()
PNG = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n....").decode()


def chat(sim: Sim, **fields: Any) -> httpx.Response:
    """The answer to a short question, with the body's fields that differ."""
    return sim.post("openai", "/chat/completions", {"model": "gpt-5.1", "messages": USER} | fields)
