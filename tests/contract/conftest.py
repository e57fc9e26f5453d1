"""The same tests for every store: in memory, and in Upstash by way of the REST stand-in over a private Valkey.

Upstash is reached by the client of the request path, and for keys, budgets and holds by the command line's as well.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NoReturn, cast

import httpx
import pytest

from gateway_core.adapters.memory import MemoryStore
from gateway_core.adapters.spread import SpreadStore
from gateway_core.adapters.upstash import UpstashStore
from gateway_core.adapters.upstash.sdk import SdkKeyStore
from gateway_core.cli.arguments import make_parser
from gateway_core.cli.main import main
from gateway_core.http1 import LazyTls, Pool
from gateway_core.ports import OperatorStore, Store
from gateway_core.store.placement import FIRST, Placement
from local.serving import serve
from local.upstash.app import create_app
from local.upstash.faults import Faults
from local.valkey import Valkey
from tests.contract.databases import Two
from tests.contract.desk import Desk
from tests.contract.http1_calls import PATIENT, Wall
from tests.contract.redis import TOKEN, Redis, clear
from tests.contract.scripted_store import Server
from tests.contract.wire import Wire, at_once
from tests.patience import patience
from tests.plain_http import NOBODY


@contextmanager
def redis_of_ours() -> Iterator[Redis]:
    faults = Faults()
    with Valkey() as valkey, serve(create_app(redis_port=valkey.port, token=TOKEN, faults=faults)) as url:
        headers = {"authorization": f"Bearer {TOKEN}"}
        with httpx.Client(base_url=url, headers=headers, timeout=patience(30), trust_env=False, verify=NOBODY) as http:
            wire = Wire(valkey.port)
            yield Redis(url, valkey.port, http, wire, faults)
            at_once(wire.close())


@pytest.fixture(scope="session", autouse=True)
def one_parser() -> Iterator[None]:
    """The command line's, made once: nothing that it parses changes it, and it takes ten milliseconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway_core.cli.main.make_parser", cache(make_parser))
        yield


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Redis]:
    """One Valkey and one stand-in for all tests of a worker."""
    with redis_of_ours() as redis:
        yield redis


@pytest.fixture
def redis(redis_server: Redis) -> Iterator[Redis]:
    """An empty database without faults."""
    clear(redis_server.port, b"FLUSHALL")
    yield redis_server
    redis_server.faults.plan()


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


@pytest.fixture(scope="session")
def east_server() -> Iterator[Redis]:
    """A second one, for the tests of several databases."""
    with redis_of_ours() as redis:
        yield redis


@pytest.fixture
def east(east_server: Redis) -> Iterator[Redis]:
    """The second database, empty."""
    clear(east_server.port, b"FLUSHALL")
    yield east_server
    east_server.faults.plan()


@pytest.fixture
async def two(redis: Redis, east: Redis) -> AsyncIterator[Two]:
    made = Two(redis, east, [])
    yield made
    for store in made.stores:
        await store.close()


@pytest.fixture
def operate(two: Two, capsys: pytest.CaptureFixture[str]) -> Any:
    """The command line: lines as JSON, or what it says on stderr."""

    async def run(line: str, **environ: str) -> Any:
        code = await asyncio.to_thread(main, line.split(), two.environ(**environ))
        printed = capsys.readouterr()
        return [json.loads(text) for text in printed.out.splitlines()] if code == 0 else printed.err

    return run


@pytest.fixture
def gateway(redis: Redis, capsys: pytest.CaptureFixture[str]) -> Callable[[str], list[Any]]:
    """Runs a command that succeeds and gives its lines."""

    def run(command: str) -> list[Any]:
        assert main(command.split(), redis.environ()) == 0
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return run


@pytest.fixture
def refused(redis: Redis, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs a command that fails and gives what it says."""

    def run(command: str, exits: int = 2, **changes: str) -> str:
        try:
            code = main(command.split(), redis.environ() | changes)
        except SystemExit as leaving:
            code = leaving.code
        printed = capsys.readouterr()
        assert (code, printed.out) == (exits, "")
        return printed.err

    return run


@pytest.fixture
def wall() -> Wall:
    """Of the HTTP client's pool."""
    return Wall()


@pytest.fixture
async def pool(wall: Wall) -> AsyncIterator[Pool]:
    """The gateway's HTTP client."""
    made = Pool(PATIENT, LazyTls(), wall)
    yield made
    await made.close()


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whoever connects anywhere fails the test."""

    def connect(*_args: object) -> NoReturn:
        raise AssertionError("counting needs no network")

    with monkeypatch.context() as patch:
        patch.setattr("socket.socket.connect", connect)
        patch.setattr("socket.getaddrinfo", connect)
        yield
