"""A crowd at the routes: what waits, what does not, what is refused before anything is held, and how it is told."""

import asyncio
import json
from dataclasses import replace

import httpx
import pytest

from gateway_core.api.app import create_app
from gateway_core.api.turn import LIMITER, Ear
from gateway_core.crowd.limiter import Claim, CrowdLimits, Limiter
from gateway_core.mcp_front.settings import McpSettings
from tests.functions.conftest import PARTS
from tests.functions.mcp_front.conftest import McpWorld

HELLO = [{"role": "user", "content": "one two three"}]
ONE = CrowdLimits(working=1, waiting=1, patience_s=0)
ASKS = {
    "/v1/complete": {"messages": HELLO},
    "/v1/stream": {"messages": HELLO},
    "/v1/chat/completions": {"messages": HELLO, "model": "reasoning"},
    "/v1/embeddings": {"input": "Hello", "model": "text-embedding-3-large"},
    "/v1/tokens": {"text": "Hello", "model": "first"},
    "/ask": {"questions": [{"index": 1, "question": "Hello?", "model": "first"}]},
}
SEES = ("/v1/usage", "/v1/usage/records", "/v1/budgets", "/v1/holds", "/v1/key", "/v1/models", "/health/providers")


class Busy:
    """The app of all routes, at a limiter of the test's own with limits of the test's own."""

    def __init__(self, world, limits=ONE):
        services = replace(world.services, settings=replace(world.services.settings, crowd=limits))
        self.limits = limits
        self.limiter = Limiter(world.services.telemetry.crowded, limits)
        self._app = create_app(services, *(part.router for part in PARTS))

    async def __call__(self, scope, receive, send):
        scope.setdefault("state", {})[LIMITER] = self.limiter
        await self._app(scope, receive, send)

    async def fill(self):
        """Nobody else can work."""
        while self.limiter.working < self.limits.working:
            await self.limiter.enter(Claim("other"), self.limits)


def client_of(app, key):
    """Speaks to it."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://gateway", headers={"authorization": f"Bearer {key}"})


def unlike(path, number):
    """A body that no other equals: of equal questions one is asked."""
    if path == "/ask":
        return {"questions": [{"index": 1, "question": f"Hello {number}?", "model": "first"}]}
    return ASKS[path]


async def until(is_so):
    """What comes of its own accord."""
    while not is_so():  # noqa: ASYNC110 - it is all in this loop
        await asyncio.sleep(0)


@pytest.mark.parametrize("path", [*ASKS, *SEES])
async def test_a_crowd_is_refused_before_anything_is_held(world, path):
    """503 `overloaded` in the gateway's shape, to be tried again after a time, on every route that knows callers."""
    app = Busy(world)
    await app.fill()
    async with client_of(app, await world.key()) as client:
        answer = await (client.post(path, json=ASKS[path]) if path in ASKS else client.get(path))
    assert answer.status_code == 503
    error = answer.json()["error"]
    assert (error["code"], error["retryable"], error["attempts"]) == ("overloaded", True, [])
    assert error["request_id"] == answer.headers["x-request-id"]
    assert int(answer.headers["retry-after"]) >= 1
    assert await world.records() == []
    assert list(await world.store.open_holds("alpha", month="202611")) == []
    assert app.limiter.working == 1


async def test_who_only_looks_whether_it_lives_never_waits(world):
    """/health."""
    app = Busy(world)
    await app.fill()
    async with client_of(app, "") as client:
        assert (await client.get("/health")).status_code == 200


@pytest.mark.parametrize("key", ["", "nonsense", "revoked"])
async def test_what_is_refused_anyway_waits_for_nothing(world, key):
    """No key, one that cannot be right, one that this process knows to be revoked."""
    app = Busy(world)
    if key == "revoked":
        key = await world.key()
        async with client_of(app, key) as client:
            assert (await client.get("/v1/models")).status_code == 200
            (record,) = await world.store.list_keys("alpha")
            await world.store.revoke_key(record.id, now_ms=world.clock.now_ms())
            world.clock.advance(60)
            assert (await client.get("/v1/models")).status_code == 401
    await app.fill()
    async with client_of(app, key) as client:
        assert (await client.post("/v1/complete", json=ASKS["/v1/complete"])).status_code == 401


@pytest.mark.parametrize("path", ASKS)
async def test_a_slot_is_free_again_whatever_comes(world, path):
    """After an answer, a refusal, and a body that is none."""
    app = Busy(world, CrowdLimits(working=2, waiting=1, patience_s=0))
    async with client_of(app, await world.key()) as client:
        for body in (ASKS[path], {**ASKS[path], "unknown": 1}, []):
            assert (await client.post(path, json=body)).status_code in {200, 400, 404, 422}
            assert (app.limiter.working, app.limiter.waiting) == (0, 0)


@pytest.mark.parametrize("path", ["/v1/complete", "/v1/stream", "/v1/chat/completions", "/ask"])
async def test_who_waits_for_a_model_does_not_work(world, path):
    """With one slot many wait for their model at once, and all are answered."""
    app = Busy(world, CrowdLimits(working=1, waiting=20, patience_s=60))
    go, asked = asyncio.Event(), 0
    complete, stream = world.provider.complete, world.provider.stream

    async def slow(call):
        nonlocal asked
        asked += 1
        await go.wait()
        return await complete(call)

    async def slow_stream(call):
        nonlocal asked
        asked += 1
        await go.wait()
        async for chunk in stream(call):
            yield chunk

    world.provider.complete, world.provider.stream = slow, slow_stream
    async with client_of(app, await world.key()) as client:
        asking = [asyncio.create_task(client.post(path, json=unlike(path, number))) for number in range(10)]
        await until(lambda: asked == 10)
        await until(lambda: app.limiter.working == 0)
        assert (await client.get("/v1/models")).status_code == 200
        go.set()
        assert [(await answer).status_code for answer in asking] == [200] * 10
    assert (app.limiter.working, app.limiter.waiting) == (0, 0)
    assert len(await world.records()) == 10


class Wire:
    """One request as a server hands it over; `leave` is its client's end."""

    def __init__(self, key, *parts):
        self._coming = asyncio.Queue()
        for number, part in enumerate(parts, 1):
            self.comes(part, more=number < len(parts) or part.endswith(b"..."))
        self.sent = []
        headers = [(b"authorization", f"Bearer {key}".encode())]
        self.scope = {"type": "http", "method": "POST", "path": "/v1/complete", "headers": headers, "query_string": b""}

    def comes(self, part, *, more):
        self._coming.put_nowait({"type": "http.request", "body": part.removesuffix(b"..."), "more_body": more})

    def leave(self):
        self._coming.put_nowait({"type": "http.disconnect"})

    async def receive(self):
        return await self._coming.get()

    async def send(self, message):
        self.sent.append(message)


async def test_who_leaves_while_it_waits_frees_its_place(world):
    """Nothing was begun, and nobody is there to be told."""
    app, key = Busy(world, CrowdLimits(working=1, waiting=5, patience_s=60)), await world.key()
    await app.fill()
    wire = Wire(key, json.dumps(ASKS["/v1/complete"]).encode())
    serving = asyncio.create_task(app(wire.scope, wire.receive, wire.send))
    await until(lambda: app.limiter.waiting == 1)
    wire.leave()
    await serving
    assert (app.limiter.waiting, app.limiter.working, wire.sent) == (0, 1, [])
    assert await world.records() == []


async def test_what_was_sent_while_it_waited_is_read_then(world):
    """Its body arrives meanwhile."""
    app, key = Busy(world, CrowdLimits(working=1, waiting=5, patience_s=60)), await world.key()
    await app.fill()
    body = json.dumps(ASKS["/v1/complete"]).encode()
    wire = Wire(key, body[:10] + b"...")
    serving = asyncio.create_task(app(wire.scope, wire.receive, wire.send))
    await until(lambda: app.limiter.waiting == 1)
    wire.comes(body[10:], more=False)
    app.limiter.release(Claim("other"))
    await serving
    assert wire.sent[0]["status"] == 200


async def test_a_slow_body_keeps_nobody_from_work(world):
    """Who sends it has no slot until it is there."""
    app, key = Busy(world, CrowdLimits(working=1, waiting=5, patience_s=60)), await world.key()
    body = json.dumps(ASKS["/v1/complete"]).encode()
    wire = Wire(key, body[:10] + b"...")
    serving = asyncio.create_task(app(wire.scope, wire.receive, wire.send))
    async with client_of(app, key) as client:
        assert (await client.post("/v1/complete", json=ASKS["/v1/complete"])).status_code == 200
    wire.comes(body[10:], more=False)
    await serving
    assert wire.sent[0]["status"] == 200


async def test_an_ear_keeps_one_piece_at_most():
    """A client that waits with a long body does not fill the memory meanwhile."""
    wire = Wire("any", b"one...", b"two...", b"three")
    ear = Ear(wire.receive)
    listening = asyncio.create_task(ear.left())
    for _ in range(10):
        await asyncio.sleep(0)
    assert wire._coming.qsize() == 2
    listening.cancel()
    assert [(await ear())["body"] for _ in range(3)] == [b"one", b"two", b"three"]


async def test_the_questions_of_a_batch_have_slots_of_their_own(world):
    """One batch takes no more of the process than its project's share, and answers all."""
    app = Busy(world, CrowdLimits(working=1, waiting=5, patience_s=60))
    questions = [{"index": n, "question": "Hello?", "model": "first"} for n in range(1, 9)]
    async with client_of(app, await world.key()) as client:
        answer = await client.post("/ask", json={"questions": questions})
    assert [one["status"] for one in answer.json()["results"]] == ["success"] * 8
    assert (app.limiter.working, app.limiter.waiting) == (0, 0)


async def test_mcp_waits_too(world):
    """503 in the gateway's shape before any library of MCP sees the request."""
    front = McpWorld(world, McpSettings(is_local=True, crowd=ONE))
    limiter = Limiter(world.services.telemetry.crowded, ONE)
    await limiter.enter(Claim("other"), ONE)
    app = front.app

    async def busy(scope, receive, send):
        scope.setdefault("state", {})[LIMITER] = limiter
        await app(scope, receive, send)

    front.app = busy
    answer = await front.ask("tools/list")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "overloaded"
    assert int(answer.headers["retry-after"]) >= 1
