"""One Valkey and one stand-in for all tests of a worker; every test starts with an empty database."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from local.serving import serve
from local.upstash.app import create_app
from local.upstash.faults import Faults
from local.valkey import Valkey
from tests.contract.redis import clear
from tests.patience import patience

TOKEN = "full-token"
READ_ONLY_TOKEN = "read-token"


@dataclass(frozen=True)
class Api:
    """The REST API as a plain HTTP client sees it."""

    http: httpx.Client
    url: str
    token: str = TOKEN
    read_only_token: str = READ_ONLY_TOKEN

    def post(self, body: Any, path: str = "/", **headers: str) -> httpx.Response:
        return self.http.post(path, json=body, headers=headers)

    def raw(self, body: bytes, path: str = "/") -> httpx.Response:
        return self.http.post(path, content=body)

    def run(self, *command: Any, **headers: str) -> Any:
        """Result of one command, which must succeed."""
        response = self.post(list(command), **headers)
        assert response.status_code == 200, response.text
        return response.json()["result"]

    def error(self, *command: Any) -> str:
        """Error of one command, which must fail."""
        response = self.post(list(command))
        assert response.status_code == 400, response.text
        return str(response.json()["error"])

    def pipeline(self, *commands: list[Any]) -> Any:
        return self.post(list(commands), "/pipeline").json()

    def multi(self, *commands: list[Any]) -> httpx.Response:
        return self.post(list(commands), "/multi-exec")

    def read_only(self, *command: Any) -> httpx.Response:
        return self.post(list(command), authorization=f"Bearer {self.read_only_token}")


@pytest.fixture(scope="session")
def valkey() -> Iterator[Valkey]:
    with Valkey() as server:
        yield server


@pytest.fixture(scope="session")
def upstash_faults() -> Faults:
    return Faults()


@pytest.fixture(scope="session")
def upstash_url(valkey: Valkey, upstash_faults: Faults) -> Iterator[str]:
    app = create_app(redis_port=valkey.port, token=TOKEN, read_only_token=READ_ONLY_TOKEN, faults=upstash_faults)
    with serve(app) as url:
        yield url


@pytest.fixture(scope="session")
def upstash_http(upstash_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=upstash_url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=patience(30)
    ) as client:
        yield client


@pytest.fixture
def api(valkey: Valkey, upstash_url: str, upstash_http: httpx.Client, upstash_faults: Faults) -> Api:
    upstash_faults.plan()
    clear(valkey.port, b"FLUSHALL", b"SCRIPT FLUSH")
    return Api(upstash_http, upstash_url)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Lets programs that a test starts be interrupted, also where the tests themselves run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
