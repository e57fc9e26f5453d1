"""A caller who leaves: what a model is asked is read to its end and billed, whatever the route, and nothing begun."""

import asyncio
import json
from dataclasses import replace

import pytest
from starlette.requests import Request

from gateway_core.adapters.invoke_asgi import AsgiInvoker
from gateway_core.api import ask, chat, complete, embeddings
from gateway_core.api.app import create_app
from gateway_core.api.disconnect import while_listening
from gateway_core.domain.answer import Usage
from gateway_core.domain.chat import Deployment
from gateway_core.domain.provider_errors import ProviderUnavailable
from gateway_core.invocation import HttpRequest
from tests.conftest import World, catalog_of, model, settings_for

HELLO = [{"role": "user", "content": "one two three"}]
CHARGE = 3 * 1000 + 3 * 2000
QUESTION = {"index": 0, "question": "one two three", "model": "first"}
COMPLETE = (complete, "/v1/complete", {"messages": HELLO, "model_group": "reasoning"})
CHAT = (chat, "/v1/chat/completions", {"messages": HELLO, "model": "reasoning"})
EMBED = (embeddings, "/v1/embeddings", {"input": ["one two three"], "model": "vectors"})
ASK = (ask, "/ask", {"questions": [QUESTION, {**QUESTION, "index": 1, "question": "{Q0_result}"}]})
ROUTES = pytest.mark.parametrize(("part", "path", "body"), [COMPLETE, CHAT, EMBED])


class Held:
    """A provider's call that takes until it is let go; `ended` tells how it did."""

    def __init__(self, world):
        self.asked, self.go, self.ended, self.error = asyncio.Event(), asyncio.Event(), [], None
        self._complete, self._embed = world.provider.complete, world.provider.embed
        world.provider.complete, world.provider.embed = self.complete, self.embed

    async def complete(self, call):
        await self._wait(call)
        return await self._complete(call)

    async def embed(self, call):
        await self._wait(call)
        return await self._embed(call)

    async def _wait(self, call):
        self.asked.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.ended.append("cut")
            raise
        self.ended.append(call.deployment.upstream_model)
        if self.error:
            raise self.error


@pytest.fixture
def world():
    """Three models for chats and one for vectors."""
    vectors = model("vectors", deployment=Deployment("v-provider", "vectors", "https://v.example", "embedding"))
    vectors = replace(vectors, capabilities=frozenset({"embeddings"}))
    names = ("first", "second", "third")
    catalog = catalog_of(*map(model, names), vectors, groups={"reasoning": names})
    return World(catalog, settings_for(catalog))


async def scope_of(world, path):
    headers = [(b"authorization", f"Bearer {await world.key()}".encode())]
    return {"type": "http", "method": "POST", "path": path, "headers": headers, "query_string": b""}


async def leaving(world, part, path, body, held):
    """The answers of a request whose caller leaves once a model is asked, as a task."""
    sent = [{"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}]
    answers = []

    async def receive():
        if sent:
            return sent.pop()
        await held.asked.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        answers.append(message)

    app, scope = create_app(world.services, part.router), await scope_of(world, path)
    return asyncio.create_task(app(scope, receive, send)), answers


async def turns(number=50):
    """Let all that can go on now do so."""
    for _ in range(number):
        await asyncio.sleep(0)


@ROUTES
async def test_what_is_under_way_is_read_to_its_end(world, part, path, body):
    """The request stays open meanwhile; then the bill is exact, and nothing stays held."""
    held = Held(world)
    task, answers = await leaving(world, part, path, body, held)
    await held.asked.wait()
    await turns()
    assert (task.done(), held.ended) == (False, [])
    held.go.set()
    await task
    assert answers[0]["status"] == 499
    assert held.ended == ["vectors" if part is embeddings else "first"]
    (record,) = await world.records()
    assert (record.error_code, record.attempts, record.estimated_nano) == ("cancelled", 1, 0)
    assert record.cost_nano == (3 * 1000 if part is embeddings else CHARGE)
    assert await world.spent() == (record.cost_nano, 0)


@ROUTES
async def test_nothing_further_is_begun(world, part, path, body):
    """No retry and no other model, though the call failed; what it cost is charged."""
    held = Held(world)
    held.error = ProviderUnavailable("down", usage=Usage(2, 0))
    task, answers = await leaving(world, part, path, body, held)
    await held.asked.wait()
    await turns()
    held.go.set()
    await task
    assert answers[0]["status"] == 499
    assert len(held.ended) == 1
    (record,) = await world.records()
    assert (record.error_code, record.cost_nano) == ("cancelled", 2000)


@pytest.mark.parametrize("has_left", [True, False])
async def test_a_drain_ends_it(world, has_left):
    """It is unconfirmed then, as an answer is that timed out."""
    held = Held(world)
    task, _answers = await leaving(world, *COMPLETE, held)
    await held.asked.wait()
    await turns(50 * has_left)
    task.cancel()
    await asyncio.wait([task])
    assert held.ended == ["cut"]
    (record,) = await world.records()
    (hold,) = await world.store.open_holds("alpha", month="202611")
    assert (record.error_code, record.cost_nano, hold.unconfirmed) == ("cancelled", 0, True)


async def test_questions_of_a_batch_are_heard_out(world):
    """Those that are being asked; those that wait for their answers are never asked."""
    held = Held(world)
    task, answers = await leaving(world, *ASK, held)
    await held.asked.wait()
    await turns()
    assert (task.done(), held.ended) == (False, [])
    held.go.set()
    await task
    assert answers[0]["status"] == 499
    assert held.ended == ["first"]
    assert await world.spent() == (CHARGE, 0)


async def test_a_call_of_the_mcp_server_is_heard_out(world):
    """Over the invoker in this process, which has no wire that could break."""
    held = Held(world)
    part, path, body = COMPLETE
    invoker = AsgiInvoker({"complete": create_app(world.services, part.router)})
    headers = {"authorization": f"Bearer {await world.key()}", "content-type": "application/json"}
    request = HttpRequest("POST", path, {}, headers, json.dumps(body).encode(), timeout_s=60)
    task = asyncio.create_task(invoker.invoke("complete", request))
    await held.asked.wait()
    task.cancel()
    await turns()
    held.go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert held.ended == ["first"]
    assert await world.spent() == (CHARGE, 0)


async def test_who_stays_gets_the_answer(world):
    """Nothing of this is in the way."""
    done = await while_listening(Request({"type": "http"}, asyncio.Event().wait), answered())
    assert done == "an answer"


async def answered():
    return "an answer"
