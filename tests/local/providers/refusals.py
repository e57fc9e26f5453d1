"""What OpenAI and Gemini say of a request that they refuse."""

from __future__ import annotations

from typing import Any

import httpx


def error(response: httpx.Response, status: int = 400) -> Any:
    """The error of an answer that has this status."""
    assert response.status_code == status, response.text
    return response.json()["error"]
