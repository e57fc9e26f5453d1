"""A request to the simulated Gemini with a function `f`, declared, called and answered."""

from __future__ import annotations

from typing import Any

import httpx

from tests.local.providers.conftest import Sim

USER = {"role": "user", "parts": [{"text": "hello"}]}
CALLED = {"functionCall": {"name": "f", "args": {"a": 1}}}
RESPONSE = {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"sky": "blue"}}}]}
DECLARED = [{"functionDeclarations": [{"name": "f"}]}]
PRO = "gemini-3.1-pro-preview"


def generate(sim: Sim, model: str = "gemini-2.5-pro", method: str = "generateContent", **fields: Any) -> httpx.Response:
    """The answer to a greeting, with the body's fields that differ."""
    return sim.post("gemini", f"/models/{model}:{method}", {"contents": [USER]} | fields)


def declaring(**fields: Any) -> dict[str, Any]:
    """The function's declaration, with these fields."""
    return {"tools": [{"functionDeclarations": [{"name": "f"} | fields]}]}


def parameters(**properties: Any) -> dict[str, Any]:
    """The function's declaration, with parameters of these properties."""
    return declaring(parameters={"type": "OBJECT", "properties": properties})
