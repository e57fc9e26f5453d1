"""Requests for one completion as routes' tests send them, what their streams tell, and providers that fail."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable
from typing import Any, NoReturn

import httpx

from gateway_core.domain.answer import Chunk
from gateway_core.domain.chat import ProviderCall
from gateway_core.domain.provider_errors import ProviderUnavailable
from tests.conftest import World

HELLO = {"messages": [{"role": "user", "content": "one two three"}]}
CHAT = {**HELLO, "model": "reasoning"}


def failing(error: Exception) -> Callable[[ProviderCall], NoReturn]:
    """What a model does that raises this."""

    def behave(call: ProviderCall) -> NoReturn:
        raise error

    return behave


async def post(client: httpx.AsyncClient, body: Any, **kwargs: Any) -> httpx.Response:
    """The answer of `/v1/complete` to a body, or to bytes as they are."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await client.post("/v1/complete", content=content, **kwargs)


def events(answer: httpx.Response) -> list[tuple[str | None, Any]]:
    """(name, data) of each event."""
    found: list[tuple[str | None, Any]] = []
    for block in answer.text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in lines:
            data = lines["data"]
            found.append((lines.get("event"), data if data == "[DONE]" else json.loads(data)))
    return found


def cut(world: World, *chunks: Chunk) -> None:
    """Let the first model break off after these chunks."""

    async def stream(call: ProviderCall) -> AsyncGenerator[Chunk]:
        for chunk in chunks:
            yield chunk
        raise ProviderUnavailable("cut", detail="sk-ant-secret", unconfirmed=True)

    world.provider.stream = stream
