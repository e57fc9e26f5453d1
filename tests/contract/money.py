"""A gateway before a provider of bytes, and what its books say of one request."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from gateway_core.adapters.models import model_provider
from gateway_core.adapters.upstream.provider import UpstreamProvider
from gateway_core.api.body import validate
from gateway_core.api.chat import ChatBody
from gateway_core.bootstrap import with_gateway
from gateway_core.config.documents import Document
from gateway_core.config.settings import GatewaySettings
from gateway_core.domain.answer import Chunk
from gateway_core.domain.caller import Attribution
from gateway_core.domain.catalog import Catalog
from gateway_core.domain.chat import ChatRequest, Model
from gateway_core.domain.credentials import Credential, Secret
from gateway_core.domain.errors import LLMError
from gateway_core.services import Services
from gateway_core.store.messages import Admission, Candidate, Terms, Ticket
from gateway_core.store.records import UsageRecord
from tests.conftest import World, one_counter
from tests.contract.raw_provider import Act, RawProvider
from tests.manual_clock import ManualClock

BASES = {"openai": "/v1", "anthropic": "", "gemini": "/v1beta", "deepseek": "/v1"}
NOWHERE = "http://127.0.0.1:1"
KEY = "sk-key-of-the-gateway-0123456789"
CONFIG = """
providers: {{{providers}}}
failover: {{retries: 0}}
models:
  speaking: {{provider: openai, upstream: gpt-audio, tier: 1, context_window: 128000, max_output_tokens: 16000}}
  thrice: {{provider: openai, upstream: gpt-5.1, map_key: gpt-5.1, tier: 1, fixed_params: {{n: 3}}}}
pricing:
  models:
    gpt-5.1:
      input: 1
      output: 10
      service_tiers: {{flex: {{input: 0.5, output: 5}}, priority: {{input: 2, output: 20}}}}
    speaking: {{input: 1, output: 10, audio_input: 30, audio_output: 60}}
    thrice: {{input: 1, output: 10}}
    codex-max: {{input: 1, output: 10}}
    claude-haiku-3.5: {{input: 1, output: 10}}
    gemini-flash: {{input: 1, output: 10}}
    deepseek-v3.2: {{input: 1, output: 10}}
"""
"""1000 nano-USD for a token of input and 10,000 for one of output, unless a service tier or sound cost more."""


@dataclass(frozen=True)
class Booked:
    """What became of a request: nano-USD spent and held, its record, and what the provider was sent.

    `code` is that of the error it ended in; `is_held` tells that a hold is open, and unconfirmed; `most` is what was
    held while it ran, and nothing that is spent is more.
    """

    code: str
    spent: int
    held: int
    is_held: bool
    most: int
    record: UsageRecord
    sent: dict[str, Any]
    heard: tuple[Chunk, ...]

    @property
    def tokens(self) -> tuple[int, int]:
        return self.record.input_tokens, self.record.output_tokens


def asked(body: dict[str, Any], *, forwarded: bool = True) -> ChatRequest:
    """The request in a body of OpenAI's wire; the same on a wire of ours if it is not `forwarded`."""
    request = validate(ChatBody, body).to_request(Attribution("alpha"), None, body["model"], 60, body)
    return request if forwarded else ChatRequest(request.messages, request.attribution, model=request.model)


async def booked(act: Act, request: ChatRequest, engine: str, *, streams: bool, leaves: int = 0) -> Booked:
    """Play it to its end, or until the caller leaves after so many chunks with content."""
    async with RawProvider(act).serve() as raw, _world(raw.url, engine) as world:
        caller = await world.services.authenticator.authenticate(await world.key())
        heard: list[Chunk] = []
        code = ""
        gateway, most = world.services.gateway, _held_by(world)
        try:
            if streams:
                async with aclosing(gateway.stream(request, caller, "req_1", timeout_s=60)) as parts:
                    async for part in parts:
                        heard += [part] if isinstance(part, Chunk) else []
                        if leaves and sum(chunk.is_content for chunk in heard) == leaves:
                            break
            else:
                await gateway.complete(request, caller, "req_1", timeout_s=60)
        except LLMError as error:
            code = error.code
        spent, held = await world.spent()
        (record,) = await world.records()
        holds = await world.store.open_holds("alpha", month="202611")
        assert [hold.hold_nano for hold in holds if hold.unconfirmed] == ([held] if held else [])
        assert spent + held <= most[0]
        return Booked(code, spent, held, bool(holds), most[0], record, raw.seen[0].json, tuple(heard))


def _held_by(world: World) -> list[int]:
    """Collects the bound of each candidate that is admitted."""
    admit, bounds = world.store.admit, list[int]()

    async def watched(ticket: Ticket, candidates: Sequence[Candidate], terms: Terms) -> Admission:
        bounds.extend(candidate.hold_nano for candidate in candidates)
        return await admit(ticket, candidates, terms)

    world.store.admit = watched  # type: ignore[method-assign]
    return bounds


@contextlib.asynccontextmanager
async def _world(root: str, engine: str) -> AsyncIterator[World]:
    catalog = _catalog(_settings(engine), root)
    world = World(catalog, replace(_settings(engine), catalog=catalog))
    provider = _provider().with_credentials(
        {name: Credential(Secret(KEY), root + base) for name, base in BASES.items()}
    )
    world.services = with_gateway(_light(world), provider, lambda: 0.5)
    try:
        yield world
    finally:
        await provider.close()


@cache
def _settings(engine: str) -> GatewaySettings:
    """For providers at a place that is none: a catalog takes a while to load."""
    providers = ", ".join(f"{name}: {{base_url: '{NOWHERE}{base}', engine: {engine}}}" for name, base in BASES.items())
    return GatewaySettings.from_env({}, [Document("config.yaml", CONFIG.format(providers=providers))])


def _catalog(settings: GatewaySettings, root: str) -> Catalog:
    """Its models, at the providers below `root`."""
    models = settings.catalog.models.items()
    return replace(settings.catalog, models={name: _moved(model, root) for name, model in models})


def _moved(model: Model, root: str) -> Model:
    api_base = model.deployment.api_base.replace(NOWHERE, root)
    return replace(model, deployment=replace(model.deployment, api_base=api_base))


@cache
def _provider() -> UpstreamProvider:
    """One for all: engines and tokenisers take a while to load."""
    return model_provider({}, ManualClock(), counter=one_counter())


def _light(world: World) -> Services:
    s = world.services
    return Services(s.settings, s.store, s.authenticator, s.telemetry, s.clock, s.ledger, s.events)


def sse(events: Iterable[Any]) -> bytes:
    """Server-sent events, named where they have a type."""
    return b"".join(_event(event) for event in events)


def _event(event: Any) -> bytes:
    if isinstance(event, str):
        return f"data: {event}\n\n".encode()
    name = f"event: {event['type']}\n" if "type" in event else ""
    return f"{name}data: {json.dumps(event)}\n\n".encode()
