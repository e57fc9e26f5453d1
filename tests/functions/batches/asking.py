"""Batches of questions for `/ask`, what comes of them, and a client that goes away."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx

from gateway_core.api import ask
from gateway_core.api.app import create_app
from tests.conftest import World


def q(index: int, text: str | None = None, **fields: Any) -> dict[str, Any]:
    """A question, unlike any other unless `text` says so."""
    return {"index": index, "question": f"ask {index}" if text is None else text, **fields}


async def post(client: httpx.AsyncClient, *questions: Any, **fields: Any) -> httpx.Response:
    """The answer to a batch; `headers` are the request's, other fields the body's."""
    headers = fields.pop("headers", None)
    return await client.post("/ask", json={"questions": list(questions), **fields}, headers=headers)


async def results(client: httpx.AsyncClient, *questions: Any, **fields: Any) -> dict[int, Any]:
    """The results by index."""
    answer = await post(client, *questions, **fields)
    assert answer.status_code == 200, answer.text
    return {result["index"]: result for result in answer.json()["results"]}


class Leaver:
    """A client that sends a batch and goes away once `leave` is set."""

    def __init__(self, world: World, body: Any, key: str) -> None:
        self.app = create_app(world.services, ask.router)
        self.content, self.key, self.leave = json.dumps(body).encode(), key, asyncio.Event()
        self.sent: list[Any] = []
        self.read = False

    async def receive(self) -> dict[str, Any]:
        if not self.read:
            self.read = True
            return {"type": "http.request", "body": self.content, "more_body": False}
        await self.leave.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    async def run(self) -> None:
        headers = [(b"authorization", f"Bearer {self.key}".encode())]
        scope = {"type": "http", "method": "POST", "path": "/ask", "headers": headers, "query_string": b""}
        await self.app({**scope, "http_version": "1.1", "scheme": "http"}, self.receive, self.send)
