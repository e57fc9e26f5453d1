"""Gateways in this process, an engine each for one provider's models, with the simulator behind them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx

from gateway_core.access.authenticator import Authenticator
from gateway_core.adapters.clock import SystemClock
from gateway_core.adapters.degraded import ResilientLedger
from gateway_core.adapters.log_backlog import LogBacklog
from gateway_core.adapters.memory import MemoryStore
from gateway_core.adapters.models import model_provider
from gateway_core.api import chat, complete, stream
from gateway_core.api.anthropic import messages
from gateway_core.api.app import create_app
from gateway_core.api.openai_responses import responses
from gateway_core.bootstrap import read_settings, with_gateway
from gateway_core.domain.chat import Engine
from gateway_core.services import Services
from gateway_core.store.virtual_keys import KeyRecord, digest_of, new_key
from gateway_core.telemetry.sinks import EventLog, FanOut
from gateway_core.telemetry.telemetry import Telemetry
from local.providers import base_urls
from local.providers import create_app as create_providers
from tests.e2e.conftest import PROVIDER_KEYS
from tests.networks import OverHttpx
from tests.wires.answers import Json, Told, told
from tests.wires.reading import Sent, read
from tests.wires.responses_told import told_response

PARTS = (complete, stream, chat, messages, responses)
PROVIDERS_URL = "https://providers.example"


@dataclass(frozen=True, slots=True)
class Column:
    """A provider's wire, and the model by which it is asked."""

    name: str
    provider: str
    model: str


COLUMNS = (
    Column("anthropic", "anthropic", "claude-opus-4.5"),
    Column("gemini", "gemini", "gemini-3-pro"),
    Column("openai_chat", "openai", "gpt-5.1"),
    Column("deepseek", "deepseek", "deepseek-v3.2"),
    Column("openai_responses", "openai", "codex-max"),
)
ENGINES: tuple[Engine, ...] = ("native", "litellm")
_CONFIG = """
providers: {providers}
groups:
{groups}
failover: {{retries: 0}}
breaker: {{failures: 1000000}}
"""
"""One cell that fails is to leave the others alone."""
_OWN_KEYS = {"COMPATIBLE_API_KEY": "sk-proj-compatible", "AWS_BEARER_TOKEN_BEDROCK": "a-key-of-bedrocks"}
_OWN: Mapping[str, Any] = {
    "compatible": {"base_url": f"{PROVIDERS_URL}/openai/v1", "input_includes_cached": True},
    "bedrock": {"base_url": f"{PROVIDERS_URL}/bedrock", "region": "us-east-1", "input_includes_cached": False},
}
"""A server of somebody's own that speaks OpenAI's chat wire, and Bedrock, where a configuration has their models."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One request: what the caller was told, and what the providers were asked."""

    told: Told
    sent: tuple[Sent, ...]


class Lab:
    """All gateways of one engine. LiteLLM is loaded once for all of them, and by nobody without need."""

    def __init__(self, engine: Engine, folder: Path, columns: Sequence[Column] = COLUMNS, more: str = "") -> None:
        self._runner = asyncio.Runner()
        self._providers = create_providers(log_size=10)
        self._calls = self._providers.state.simulator.calls
        self._store, self._key = MemoryStore(), new_key("wires")
        self._provider = model_provider(
            {},
            SystemClock(),
            connect=lambda: OverHttpx(httpx.ASGITransport(self._providers, raise_app_exceptions=True)),
        )
        models, names = [one.model for one in columns], {one.provider for one in columns}
        self._https = {name: self._open(_config(engine, name, models, more), folder / f"{name}.yaml") for name in names}
        self._runner.run(self._store.put_key(KeyRecord(project_id="wires", digest=digest_of(self._key))))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for http in self._https.values():
            self._runner.run(http.aclose())
        self._runner.run(self._provider.close())
        self._runner.close()

    def ask(self, provider: str, path: str, body: Json) -> Heard:
        """One request of the gateway whose engine is used for this provider's models, from its start to its end."""
        return self._runner.run(self._ask(self._https[provider], path, body))

    def answer(self, provider: str, **params: Any) -> None:
        """Have the provider's models say this once, see the simulator's `wishes`."""
        self._providers.state.simulator.faults.add({"provider": provider, "kind": "answer", "times": 1, **params})

    async def _ask(self, http: httpx.AsyncClient, path: str, body: Json) -> Heard:
        self._calls.clear()
        answer = await http.post(path, content=json.dumps(body))
        asked = self._calls.as_json()["requests"]
        heard = told_response(answer) if path.endswith("/responses") else told(answer)
        return Heard(heard, tuple(read(call) for call in asked))

    def http(self, provider: str) -> httpx.AsyncClient:
        """The gateway whose engine is used for this provider's models, for who asks it by himself; see `run`."""
        return self._https[provider]

    def run[A](self, work: Coroutine[Any, Any, A]) -> A:
        """Do it on the loop of the gateways."""
        return self._runner.run(work)

    def _open(self, config: str, path: Path) -> httpx.AsyncClient:
        path.write_text(config)
        environ = {**PROVIDER_KEYS, **base_urls(PROVIDERS_URL), **_OWN_KEYS, "GATEWAY_CONFIG": str(path)}
        app = create_app(self._services(environ), *(part.router for part in PARTS))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        headers = {"authorization": f"Bearer {self._key}", "content-type": "application/json"}
        return httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers)

    def _services(self, environ: Mapping[str, str]) -> Any:
        """As in production, but for the store."""
        settings, clock = read_settings(environ), SystemClock()
        telemetry = Telemetry(level="CRITICAL", metrics=False)
        ledger = ResilientLedger(self._store, clock, LogBacklog(telemetry), degrade=False)
        events, keys = FanOut(EventLog(telemetry)), Authenticator(ledger, clock)
        light = Services(settings, self._store, keys, telemetry, clock, ledger, events)
        return with_gateway(light, self._provider.with_credentials(settings.credentials))


def _config(engine: Engine, provider: str, models: list[str], more: str) -> str:
    """With a group for each column's model, in which all others can take over."""
    groups = "\n".join(f"  first-{key}: [{', '.join(sorted(models, key=key.__ne__))}]" for key in models)
    own = {name: entry for name, entry in _OWN.items() if f"provider: {name}" in more}
    providers = own | {provider: {**own.get(provider, {}), "engine": engine}}
    return _CONFIG.format(providers=json.dumps(providers), groups=groups) + more
