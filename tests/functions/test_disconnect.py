"""A caller who leaves ends the work, whatever the route."""

import asyncio
import json

import pytest

from gateway_core.api import chat, complete
from gateway_core.api.app import create_app

HELLO = [{"role": "user", "content": "one two three"}]


@pytest.mark.parametrize(
    ("part", "path", "body"),
    [
        (complete, "/v1/complete", {"messages": HELLO}),
        (chat, "/v1/chat/completions", {"messages": HELLO, "model": "reasoning"}),
    ],
)
async def test_leaving_cancels_and_settles(world, part, path, body):
    """The provider call ends, no other model is tried, and the bound stays held as unconfirmed."""
    asked, ended = asyncio.Event(), []

    async def never(call):
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(call.deployment.upstream_model)

    world.provider.complete = never
    sent = [{"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}]

    async def receive():
        if sent:
            return sent.pop()
        await asked.wait()
        return {"type": "http.disconnect"}

    answers = []

    async def send(message):
        answers.append(message)

    key = await world.key()
    headers = [(b"authorization", f"Bearer {key}".encode())]
    scope = {"type": "http", "method": "POST", "path": path, "headers": headers, "query_string": b""}
    await create_app(world.services, part.router)(scope, receive, send)
    assert answers[0]["status"] == 499
    assert ended == ["first"]
    (record,) = await world.records()
    assert (record.error_code, record.attempts) == ("cancelled", 1)
    assert (await world.store.open_holds("alpha", month="202611"))[0].unconfirmed
