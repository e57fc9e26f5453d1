"""Fleets of real gateways: LiteLLM, the Upstash adapter over a real Valkey, and the simulator, all over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from gateway_core.adapters.upstash import UpstashStore
from gateway_core.store.virtual_keys import KeyRecord, digest_of, new_key
from local.providers import base_urls
from local.providers import create_app as create_providers
from local.providers.control import Control
from local.serving import serve
from local.upstash.app import create_app as create_store
from local.valkey import Valkey
from tests.e2e.conftest import PROVIDER_KEYS
from tests.fleet.fleet import Fleet, Member
from tests.fleet.gate import Gate
from tests.patience import patience

TOKEN = "fleet-token"
LOG_SIZE = 10_000


@dataclass(frozen=True)
class Backend:
    """What the processes share: a store, and providers behind a gate that can hold Anthropic's calls."""

    store_url: str
    providers_url: str
    gate: Gate
    environ: dict[str, str] = field(default_factory=dict)

    def with_config(self, path: Any) -> dict[str, str]:
        """The environment of a process with this config.yaml."""
        return {**self.environ, "GATEWAY_CONFIG": str(path)}


@pytest.fixture(scope="package")
def backend() -> Iterator[Backend]:
    """One store and one simulator for all tests."""
    gate = Gate(create_providers(log_size=LOG_SIZE), "/anthropic")
    with (
        Valkey() as valkey,
        serve(create_store(redis_port=valkey.port, token=TOKEN)) as store_url,
        serve(gate) as providers_url,
    ):
        store = {"UPSTASH_REDIS_REST_URL": store_url, "UPSTASH_REDIS_REST_TOKEN": TOKEN}
        environ = {**PROVIDER_KEYS, **base_urls(providers_url), **store, "LOG_LEVEL": "CRITICAL"}
        yield Backend(store_url, providers_url, gate, environ)


@pytest.fixture
async def store(backend) -> AsyncIterator[UpstashStore]:
    """The store itself, emptied."""
    async with httpx.AsyncClient(
        base_url=backend.store_url, headers={"authorization": f"Bearer {TOKEN}"}, timeout=patience(30)
    ) as http:
        assert (await http.post("/", json=["FLUSHALL"])).status_code == 200
    opened = UpstashStore(backend.store_url, TOKEN, connect_timeout_s=30, timeout_s=30)
    yield opened
    await opened.close()


@pytest.fixture
def simulator(backend) -> Iterator[Control]:
    """Its controls, without faults and with counts at zero, and the gate open."""
    backend.gate.open()
    with Control(backend.providers_url) as control:
        control.reset()
        yield control
        backend.gate.open()
        control.heal()


@dataclass(frozen=True)
class Asker:
    """Asks members of a fleet for completions, one or all at once."""

    fleet: Fleet
    key: str

    def one(self, member: Member) -> list[tuple[str, str, str | None]]:
        """The attempts of a completion: model, outcome, error code. Raises httpx.HTTPError when the process dies."""
        body = {"messages": [{"role": "user", "content": "Hello"}], "model_group": "fast", "timeout_s": 60}
        headers = {"authorization": f"Bearer {self.key}"}
        answer = httpx.post(
            f"{member.url}/v1/complete", json=body, headers=headers, timeout=patience(90), trust_env=False
        )
        assert answer.status_code == httpx.codes.OK, answer.text
        return [(one["model"], one["outcome"], one["error_code"]) for one in answer.json()["attempts"]]

    def all(self, members: list[Member]) -> list[list[tuple[str, str, str | None]]]:
        """Ask each of them at the same time."""
        with ThreadPoolExecutor(len(members)) as pool:
            return list(pool.map(self.one, members))


@pytest.fixture
async def key(store) -> str:
    """A key without limits."""
    made = new_key("fleet")
    await store.put_key(KeyRecord(project_id="fleet", digest=digest_of(made)))
    return made
