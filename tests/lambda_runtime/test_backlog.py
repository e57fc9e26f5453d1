"""A stream whose store goes away before its end, under the real awslambdaric: into the queue, and so into the books."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from gateway_core.adapters.upstash import UpstashStore
from local.serving import serve
from local.upstash.app import create_app as create_store
from local.upstash.faults import Faults
from local.valkey import Valkey
from tests.lambda_runtime.deployment import QUEUED, Backend, deployed_functions, function, running_backend
from tests.lambda_runtime.emulator.answer import collect
from tests.lambda_runtime.emulator.environment import Environment, Function
from tests.lambda_runtime.emulator.runtime_api import Begin, Chunk, End
from tests.lambda_runtime.test_functions import post
from tests.patience import patience

pytestmark = pytest.mark.xdist_group("lambda-backlog")

TOKEN = "lambda-token"
TRIES = 2
"""How often the gateway asks a store that answers 500."""


class Queue:
    """The part of SQS's API that puts messages; `is_up` is whether it takes any."""

    def __init__(self) -> None:
        self.is_up = True
        self.messages: list[str] = []
        self.refused = 0

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self._call, methods=["POST"])])

    async def _call(self, request: Request) -> JSONResponse:
        assert request.headers["x-amz-target"] == "AmazonSQS.SendMessage"
        if not self.is_up:
            self.refused += 1
            return JSONResponse({"__type": "com.amazonaws.sqs#AccessDenied", "message": "arn:aws:sqs:secret"}, 403)
        text = (await request.json())["MessageBody"]
        self.messages.append(text)
        digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
        return JSONResponse({"MessageId": str(len(self.messages)), "MD5OfMessageBody": digest})

    def batch(self) -> dict[str, Any]:
        """All messages, as Lambda hands them over."""
        (like,) = QUEUED["replay"]["Records"]
        return {"Records": [{**like, "messageId": f"m{n}", "body": text} for n, text in enumerate(self.messages)]}


@dataclasses.dataclass
class Deployment:
    """Functions over a store that can fail and a queue."""

    backend: Backend
    functions: dict[str, Environment]
    queue: Queue

    def fail(self, *faults: dict[str, Any]) -> None:
        """What goes wrong with the next calls of the store."""
        url, headers = self.backend.environ["UPSTASH_REDIS_REST_URL"], {"authorization": f"Bearer {TOKEN}"}
        answer = httpx.post(f"{url}/__faults", json=list(faults), headers=headers, timeout=patience(30))
        assert answer.status_code == 200, answer.text

    async def stream(self, key: str, *faults: dict[str, Any]) -> bytes:
        """All of a stream in whose middle the store begins to fail."""
        self.backend.sluice.hold_after(3)
        body, is_held = b"", True
        async with contextlib.aclosing(self._items(key)) as items:
            async for item in items:
                body += item.data if isinstance(item, Chunk) else b""
                if is_held and b"event: chunk" in body:
                    is_held = False
                    self.fail(*faults)
                    self.backend.sluice.release()
                if not isinstance(item, Begin | Chunk):
                    assert isinstance(item, End), item
        return body

    def _items(self, key: str) -> AsyncGenerator[Any]:
        return self.functions["stream"].invoke(post("/v1/stream", key), patience(60))

    async def replay(self) -> Any:
        """What the function answers to all that is in the queue."""
        return json.loads((await collect(self.functions["replay"].invoke(self.queue.batch(), patience(30)))).payload)


@pytest.fixture(scope="module")
async def world(tmp_path_factory) -> AsyncIterator[Deployment]:
    """The store of the backend is left alone: this one has faults."""
    queue = Queue()
    async with contextlib.AsyncExitStack() as stack:
        backend = await stack.enter_async_context(running_backend(tmp_path_factory.mktemp("backlog")))
        valkey = stack.enter_context(Valkey())
        store_url = stack.enter_context(serve(create_store(redis_port=valkey.port, token=TOKEN, faults=Faults())))
        queue_url = stack.enter_context(serve(queue.app()))
        store = UpstashStore(store_url, TOKEN, connect_timeout_s=30, timeout_s=30)
        stack.push_async_callback(store.close)
        environ = {
            **backend.environ,
            "UPSTASH_REDIS_REST_URL": store_url,
            "GATEWAY_BACKLOG": f"{queue_url}/1/backlog",
            "AWS_ENDPOINT_URL_SQS": queue_url,
        }
        faulty = dataclasses.replace(backend, store=store, environ=environ)

        def make(name: str, backend: Backend, lambda_url: str) -> Function:
            return function(name, backend, lambda_url)

        functions = await stack.enter_async_context(deployed_functions(faulty, ("stream", "replay"), make))
        yield Deployment(faulty, functions, queue)


@pytest.fixture
async def deployment(world) -> AsyncIterator[Deployment]:
    """With a store and a queue that are well, and an empty queue."""
    world.fail()
    world.queue.is_up, world.queue.refused = True, 0
    world.queue.messages.clear()
    yield world
    world.fail()


async def test_what_the_store_did_not_take_is_in_the_queue_and_then_in_the_books(deployment):
    """The caller hears the end all the same. A replay that fails leaves the message; a second one adds nothing."""
    key = await deployment.backend.key("alpha")
    body = await deployment.stream(key, {"kind": "crash", "times": None})
    assert b"event: done" in body
    (message,) = deployment.queue.messages
    assert "digest" not in message
    assert await deployment.replay() == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    deployment.fail()
    assert await deployment.backend.records("alpha") == ()
    for _ in range(2):
        assert await deployment.replay() == {"batchItemFailures": []}
    (record,) = await deployment.backend.records("alpha")
    assert record.request_id in message
    assert await deployment.backend.store.open_holds("alpha", month=f"{datetime.now(UTC):%Y%m}") == []


async def test_where_the_queue_fails_too_the_answer_waits_for_the_store(deployment):
    """Nothing runs after it on Lambda, and the books would be lost."""
    deployment.queue.is_up = False
    key = await deployment.backend.key("beta")
    body = await deployment.stream(key, {"kind": "crash", "times": 2 * TRIES})
    assert b"event: done" in body
    assert deployment.queue.refused > 0
    (record,) = await deployment.backend.records("beta")
    assert record.error_code == ""
