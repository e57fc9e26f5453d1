"""What the fork servers do before they fork: LiteLLM's seconds of CPU are paid once for all processes.

LiteLLM loads much with the first call of each kind only, so a call of each kind is made.
"""

from __future__ import annotations

import asyncio

from gateway_core.adapters.clock import SystemClock
from gateway_core.adapters.models import model_provider
from gateway_core.adapters.upstream.provider import UpstreamProvider
from gateway_core.api import ask, health, models, tokens
from gateway_core.config.catalog_loader import load_catalog
from gateway_core.domain.chat import Deployment, ProviderCall
from gateway_core.domain.credentials import Credential, Secret
from gateway_core.domain.embedding import EmbedCall
from gateway_core.mcp_front import app, stdio
from local import probing, stack
from local.providers import base_urls, create_app
from local.serving import serve
from tests.fleet import process

__all__ = ["app", "ask", "health", "models", "probing", "process", "stack", "stdio", "tokens"]
_HELLO = ({"role": "user", "content": "Hello"},)
_PROVIDERS = ("anthropic", "openai", "gemini", "deepseek")


async def _call(provider: UpstreamProvider, deployment: Deployment) -> None:
    if deployment.mode == "embedding":
        await provider.embed(EmbedCall(deployment, ("Hello",), None, 60, "req"))
        return
    call = ProviderCall(deployment, _HELLO, {}, 64, 60, "req")
    provider.count_tokens(deployment, _HELLO, {})
    await provider.complete(call)
    async for _chunk in provider.stream(call):
        pass


async def _call_all(url: str) -> None:
    catalog = load_catalog()
    bases = {name: base_urls(url)[f"{name.upper()}_API_BASE"] for name in _PROVIDERS}
    keys = {name: Credential(Secret("sk-warm-up"), base) for name, base in bases.items()}
    provider = model_provider(keys, SystemClock())
    for model in catalog.models.values():
        if base := bases.get(model.provider):
            seen = model.deployment
            await _call(provider, Deployment(seen.provider, seen.upstream_model, base, seen.mode))
    await provider.close()


with serve(create_app()) as _url:
    asyncio.run(_call_all(_url))
