"""Bedrock behind Anthropic in a group: who answers, and what is booked, to the nano-USD."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

import pytest

from gateway_core.adapters.models import model_provider
from gateway_core.adapters.upstream.network import signing_of
from gateway_core.bootstrap import with_gateway
from gateway_core.config.documents import Document
from gateway_core.config.settings import GatewaySettings
from gateway_core.domain.caller import Attribution
from gateway_core.domain.chat import ChatRequest
from gateway_core.services import Services
from local.providers import base_urls, create_app
from local.providers.bedrock.signature import SECRET
from local.providers.control import Control
from local.serving import serve
from tests.conftest import World
from tests.manual_clock import ManualClock

UPSTREAM = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
CONFIG = f"""
providers: {{bedrock: {{region: us-east-1, input_includes_cached: false, probe: false}}}}
failover: {{retries: 0}}
models:
  claude-bedrock:
    {{provider: bedrock, upstream: "{UPSTREAM}", map_key: "bedrock/{UPSTREAM}", tier: 3, max_image_tokens: 1600}}
groups: {{claude: [claude-haiku-3.5, claude-bedrock]}}
"""
ASKED = "[[cached=4]] [[cache_write=3]] [[words=6]]"


@dataclass(frozen=True)
class Shop:
    """A gateway and the simulator behind it."""

    world: World
    control: Control

    async def ask(self, *, streams: bool) -> None:
        """One request to the group, to its end."""
        gateway = self.world.services.gateway
        caller = await self.world.services.authenticator.authenticate(await self.world.key())
        messages = ({"role": "user", "content": ASKED},)
        request = ChatRequest(messages, Attribution("alpha"), model_group="claude")
        if not streams:
            await gateway.complete(request, caller, "req_1", timeout_s=60)
            return
        async with aclosing(gateway.stream(request, caller, "req_1", timeout_s=60)) as parts:
            async for _ in parts:
                pass


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    """With keys for Anthropic, and a signature for Bedrock."""
    with serve(create_app()) as root, Control(root) as control:
        environ = {**base_urls(root), "BEDROCK_API_BASE": f"{root}/bedrock", "ANTHROPIC_API_KEY": "a-key"}
        settings = GatewaySettings.from_env(environ, [Document("config.yaml", CONFIG)])
        world = World(settings.catalog, settings)
        signed = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": SECRET}
        provider = model_provider(settings.credentials, ManualClock(), signing=signing_of(signed))
        s = world.services
        light = Services(s.settings, s.store, s.authenticator, s.telemetry, s.clock, s.ledger, s.events)
        world.services = with_gateway(light, provider, lambda: 0.5)
        yield Shop(world, control)
        await provider.close()


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
async def test_it_takes_over_at_its_own_price(shop, streams):
    """1.1 USD a million of input, a tenth of it from the cache, 1.375 into it, 5.5 of output."""
    shop.control.fault("anthropic", "unavailable", times=1)
    await shop.ask(streams=streams)
    counts = shop.control.counts("bedrock", UPSTREAM)
    (record,) = await shop.world.records()
    fresh = counts["input_tokens"] - 4 - 3
    nano = fresh * 1100 + 4 * 110 + 3 * 1375 + counts["output_tokens"] * 5500
    assert (counts["calls"], counts["output_tokens"], fresh > 0) == (1, 6, True)
    assert (record.model, record.provider, record.attempts) == ("claude-bedrock", "bedrock", 2)
    assert (record.input_tokens, record.output_tokens) == (counts["input_tokens"], 6)
    assert await shop.world.spent() == (nano, 0)


async def test_a_cut_stream_of_its_is_charged_for_what_was_said(shop):
    """An estimate, and nothing stays held."""
    shop.control.fault("anthropic", "unavailable", times=1)
    shop.control.fault("bedrock", "cut", times=1, after_chunks=3)
    with pytest.raises(Exception, match="broke off"):
        await shop.ask(streams=True)
    spent, held = await shop.world.spent()
    assert spent >= 3 * 5500
    assert held == 0
