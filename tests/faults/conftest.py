"""Gateways in this process, the simulator and a real store behind them, all over HTTP.

Every test that asks runs twice: what one gateway serves by wires of our own, another does by LiteLLM.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack

import httpx
import pytest

from gateway_core.adapters.upstash import UpstashStore
from gateway_core.store.virtual_keys import KeyRecord, digest_of, new_key
from local.providers import create_app as create_providers
from local.providers.control import Control
from local.serving import serve
from local.upstash.app import create_app as create_store
from local.valkey import Valkey
from tests.engines import OURS
from tests.faults.case import Case
from tests.faults.expectations import EMBEDDING, GIVEN_UP_S, MODELS
from tests.faults.harness import HELLO, Gateways
from tests.faults.pace import PATIENT
from tests.patience import patience

TOKEN = "faults-token"
CHATS = {
    "/v1/tokens": {"text": "Hello"},
    "/v1/complete": {"messages": HELLO},
    "/v1/stream": {"messages": HELLO},
}


@pytest.fixture(scope="package")
def simulator_url() -> Iterator[str]:
    """The providers."""
    with serve(create_providers()) as url:
        yield url


@pytest.fixture(scope="package")
def store_url() -> Iterator[str]:
    """An empty store."""
    with Valkey() as valkey, serve(create_store(redis_port=valkey.port, token=TOKEN)) as url:
        yield url


@pytest.fixture(scope="package")
def all_gateways(tmp_path_factory, simulator_url, store_url) -> Iterator[Gateways]:
    """Gateways by configuration; LiteLLM is loaded once for all of them."""
    environ = {"UPSTASH_REDIS_REST_URL": store_url, "UPSTASH_REDIS_REST_TOKEN": TOKEN}
    with ExitStack() as stack:
        made = Gateways(stack, tmp_path_factory.mktemp("faults"), environ, simulator_url)
        for ours in OURS:
            warm_up(made.of(ours).get(PATIENT).url, store_url)
        yield made


@pytest.fixture(params=OURS, ids=["ours-but-openai", "litellm-but-openai"])
def gateways(request, all_gateways) -> Gateways:
    """Those with these engines."""
    return all_gateways.of(request.param)


def warm_up(url: str, store_url: str) -> None:
    """Load what LiteLLM loads with the first call of each kind: else those who are in a hurry wait for it."""
    key = new_key("warm-up")
    asyncio.run(put_key(store_url, key))
    with httpx.Client(
        base_url=url, headers={"authorization": f"Bearer {key}"}, timeout=GIVEN_UP_S, trust_env=False
    ) as http:
        for model in MODELS:
            asks = {"/v1/embeddings": {"input": "Hello"}} if model in EMBEDDING else CHATS
            for path, body in asks.items():
                assert http.post(path, json={**body, "model": model.key}).status_code == httpx.codes.OK


async def put_key(store_url: str, key: str) -> None:
    """Make the key known."""
    opened = UpstashStore(store_url, TOKEN, connect_timeout_s=30, timeout_s=30)
    await opened.put_key(KeyRecord(project_id="warm-up", digest=digest_of(key)))
    await opened.close()


@pytest.fixture
async def store(store_url) -> AsyncIterator[UpstashStore]:
    """The store itself, emptied."""
    async with httpx.AsyncClient(
        base_url=store_url, headers={"authorization": f"Bearer {TOKEN}"}, timeout=patience(30)
    ) as http:
        assert (await http.post("/", json=["FLUSHALL"])).status_code == 200
    opened = UpstashStore(store_url, TOKEN, connect_timeout_s=30, timeout_s=30)
    yield opened
    await opened.close()


@pytest.fixture
def simulator(simulator_url) -> Iterator[Control]:
    """Its controls, without faults and with counts at zero."""
    with Control(simulator_url) as control:
        control.reset()
        yield control
        control.heal()


@pytest.fixture
async def case(gateways, simulator, store) -> Case:
    """A fresh project with a key of its own, so that its books hold this test's request and no other."""
    key = new_key("matrix")
    await store.put_key(KeyRecord(project_id="matrix", digest=digest_of(key)))
    return Case(gateways, simulator, store, key)
