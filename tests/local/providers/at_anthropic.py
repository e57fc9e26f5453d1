"""A message to the simulated Anthropic, and what is said of one that is refused."""

from __future__ import annotations

import base64
from typing import Any

import httpx

from tests.local.providers.conftest import Sim

USER = [{"role": "user", "content": "hello world"}]
TOOL = {"name": "get_weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}
PDF = base64.b64encode(b"%PDF-1.7\n%%EOF").decode()
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n....").decode()


def message(sim: Sim, **fields: Any) -> httpx.Response:
    """The answer to a short question, with the body's fields that differ."""
    body = {"model": "claude-opus-4-5", "max_tokens": 100, "messages": USER} | fields
    return sim.post("anthropic", "/v1/messages", body)


def problem(response: httpx.Response) -> str:
    """The text of a refusal with status 400."""
    assert response.status_code == 400, response.text
    said: str = response.json()["error"]["message"]
    return said
