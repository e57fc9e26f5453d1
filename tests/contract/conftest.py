"""The same tests for every store: in memory, and in Upstash by way of the REST stand-in over a private Valkey.

Upstash is reached by the client of the request path, and for keys, budgets and holds by the command line's as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, cast

import httpx
import pytest

from gateway_core.adapters.memory import MemoryStore
from gateway_core.adapters.spread import SpreadStore
from gateway_core.adapters.upstash import UpstashStore
from gateway_core.adapters.upstash.sdk import SdkKeyStore
from gateway_core.ports import OperatorStore, Store
from gateway_core.store.placement import FIRST, Placement
from local.serving import serve
from local.upstash.app import create_app
from local.upstash.faults import Faults
from local.valkey import Valkey
from tests.contract.desk import Desk
from tests.contract.scripted_store import Server
from tests.patience import patience

TOKEN = "contract-token"


@dataclass(frozen=True)
class Redis:
    """The REST API of a store, for what a test asks of Redis itself."""

    url: str
    port: int
    http: httpx.Client
    token: str = TOKEN

    def run(self, *command: str | int) -> Any:
        response = self.http.post("/", json=list(command))
        assert response.status_code == 200, response.text
        return response.json()["result"]

    def fail(self, kind: str, **knobs: int) -> None:
        """Let the next requests fail, see `local.upstash.faults`."""
        response = self.http.post("/__faults", json=[{"kind": kind, **knobs}])
        assert response.status_code == 200, response.text

    def connect(self) -> UpstashStore:
        """A store with patience: these machines may be busy."""
        return UpstashStore(self.url, self.token, connect_timeout_s=30, timeout_s=30)

    def hash(self, key: str) -> dict[str, str]:
        flat = self.run("HGETALL", key)
        return dict(zip(flat[::2], flat[1::2], strict=True))


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Redis]:
    """One Valkey and one stand-in for all tests of a worker."""
    with Valkey() as valkey, serve(create_app(redis_port=valkey.port, token=TOKEN, faults=Faults())) as url:
        headers = {"authorization": f"Bearer {TOKEN}"}
        with httpx.Client(base_url=url, headers=headers, timeout=patience(30), trust_env=False) as http:
            yield Redis(url, valkey.port, http)


@pytest.fixture
def redis(redis_server: Redis) -> Iterator[Redis]:
    """An empty database without faults."""
    redis_server.run("FLUSHALL")
    yield redis_server
    redis_server.http.post("/__faults", json=[])


@pytest.fixture
async def upstash(redis: Redis) -> AsyncIterator[UpstashStore]:
    store = redis.connect()
    yield store
    await store.close()


class Administered:
    """A store whose keys, budgets and holds are administered as by the command line; the rest is the gateway's."""

    def __init__(self, gateway: UpstashStore, operator: SdkKeyStore) -> None:
        self._gateway, self._operator = gateway, operator

    def __getattr__(self, name: str) -> Any:
        return getattr(self._operator if hasattr(OperatorStore, name) else self._gateway, name)


@pytest.fixture
async def administered(redis: Redis, upstash: UpstashStore) -> AsyncIterator[Store]:
    operator = SdkKeyStore(redis.url, redis.token, timeout_s=30)
    yield cast("Store", Administered(upstash, operator))
    await operator.close()


@pytest.fixture
async def host() -> AsyncIterator[Server]:
    scripted = Server()
    listening = await asyncio.start_server(scripted.serve, "127.0.0.1", 0)
    scripted.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    yield scripted
    listening.close()
    for task in scripted.tasks:
        task.cancel()
    await asyncio.gather(*scripted.tasks, return_exceptions=True)


@pytest.fixture(params=["memory", "spread", "upstash"])
def store(request: pytest.FixtureRequest) -> Store:
    match request.param:
        case "memory":
            return MemoryStore()
        case "spread":
            return spread_store()
    return request.getfixturevalue("upstash")


def spread_store() -> Store:
    """Two databases, in memory; the tests' project is not in the first."""
    return SpreadStore({FIRST: MemoryStore(), "second": MemoryStore()}, Placement({"beta": FIRST}, ("second",)))


@pytest.fixture
async def desk(store: Store) -> Desk:
    """A key without limits in the project `alpha`."""
    return await Desk(store).open()
