"""LiteLLM is loaded when somebody is called through it first: who waits for that, and who does not."""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import replace

import pytest

from gateway_core.adapters.echo import EchoProvider
from gateway_core.adapters.invoke_asgi import AsgiInvoker
from gateway_core.adapters.models import model_provider
from gateway_core.adapters.upstream.provider import LazyEngine
from gateway_core.api import complete, stream
from gateway_core.api.app import create_app
from gateway_core.bootstrap import with_gateway
from gateway_core.domain.chat import Deployment
from gateway_core.invocation import HttpRequest
from tests.conftest import World
from tests.manual_clock import ManualClock

HELLO = [{"role": "user", "content": "one two three"}]
ROUTES = pytest.mark.parametrize(("part", "path"), [(complete, "/v1/complete"), (stream, "/v1/stream")])


class Loading(EchoProvider):
    """`first` cannot be called before `load` has ended."""

    def __init__(self, load):
        super().__init__()
        self._load, self.is_there = load, False

    def loading(self, deployment):
        return None if self.is_there or deployment.upstream_model != "first" else self._loaded()

    async def _loaded(self):
        await self._load()
        self.is_there = True


class Served:
    """A route over a world whose provider loads."""

    def __init__(self, world: World, part, path, load):
        self.provider = Loading(load)
        services = with_gateway(world.services, self.provider)
        self._invoker = AsgiInvoker({"it": create_app(services, part.router)})
        self._path, self._world = path, world

    async def ask(self, model: str, **fields):
        key = await self._world.key()
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        body = json.dumps({"messages": HELLO, "model": model, **fields}).encode()
        return await self._invoker.invoke("it", HttpRequest("POST", self._path, {}, headers, body, timeout_s=60))


@ROUTES
async def test_nobodys_deadline_counts_it(world, part, path):
    """Half a minute of loading, and a caller who waits for one second: the model has all of that."""
    served = Served(world, part, path, lambda: world.clock.sleep(30))
    answer = await served.ask("first", timeout_s=1)
    assert answer.status == 200
    assert b"three" in answer.body
    (call,) = served.provider.calls
    assert call.timeout_s == 1.0
    assert b'"error_code":null,"latency_ms":0}]' in answer.body
    assert await world.spent() == (9000, 0)


@ROUTES
async def test_others_are_served_meanwhile(world, part, path):
    """Whom no wire of ours speaks to is asked once all is there."""
    go, asked = asyncio.Event(), asyncio.Event()

    async def load():
        asked.set()
        await go.wait()

    served = Served(world, part, path, load)
    waiting = asyncio.create_task(served.ask("first"))
    await asked.wait()
    assert (await served.ask("second")).status == 200
    assert not waiting.done()
    go.set()
    assert (await waiting).status == 200
    assert [call.deployment.upstream_model for call in served.provider.calls] == ["second", "first"]


@ROUTES
async def test_who_leaves_meanwhile_pays_nothing(world, part, path):
    """Nothing was sent."""
    asked = asyncio.Event()

    async def load():
        asked.set()
        await asyncio.Event().wait()

    served = Served(world, part, path, load)
    waiting = asyncio.create_task(served.ask("first"))
    await asked.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await world.spent() == (0, 0)
    assert served.provider.calls == []


async def test_what_cannot_be_loaded_is_left_to_the_call(world):
    """Which says what there is to say."""

    async def load():
        raise ImportError("no such layer")

    served = Served(world, complete, "/v1/complete", load)
    assert (await served.ask("first")).status == 200
    assert len(served.provider.calls) == 1


class Gate:
    """Loads an engine once it is opened; `times` is how often it was asked to."""

    def __init__(self, *errors: Exception) -> None:
        self.opened, self.times, self._errors = threading.Event(), 0, list(errors)

    def load(self):
        self.times += 1
        self.opened.wait()
        if self._errors:
            raise self._errors.pop()
        return object()


async def test_an_engine_is_loaded_once_and_takes_no_thread_of_the_loop():
    """However many wait for it, names are looked up meanwhile; one who gives up takes it from nobody."""
    gate = Gate()
    lazy = LazyEngine(gate.load)
    waiting = [asyncio.create_task(lazy.get()) for _ in range(64)]
    assert await asyncio.to_thread(lambda: "free") == "free"
    assert not lazy.is_there
    waiting.pop().cancel()
    gate.opened.set()
    engines = await asyncio.gather(*waiting)
    assert {id(engine) for engine in engines} == {id(lazy.loaded())}
    assert await lazy.get() is engines[0]
    assert lazy.is_there
    assert gate.times == 1


async def test_an_engine_that_could_not_be_loaded_is_tried_anew():
    """By whoever asks next; all who waited hear why."""
    gate = Gate(ImportError("no such layer"))
    lazy = LazyEngine(gate.load)
    waiting = [asyncio.create_task(lazy.get()) for _ in range(2)]
    await asyncio.sleep(0)
    gate.opened.set()
    for error in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(error, ImportError)
    assert not lazy.is_there
    assert await lazy.get() is lazy.loaded()
    assert gate.times == 2


def test_only_chats_that_no_wire_of_ours_speaks_wait_for_it():
    """Embeddings are on OpenAI's wire everywhere."""
    provider = model_provider({}, ManualClock())
    spoken = Deployment("openai", "gpt-5.1", "https://h.example/v1", engine="native")
    assert provider.loading(spoken) is None
    assert provider.loading(replace(spoken, mode="embedding", engine="litellm")) is None
    waited_for = provider.loading(replace(spoken, engine="litellm"))
    assert waited_for is not None
    waited_for.close()  # nobody asked: nothing was begun
