"""What the fork servers do before they fork: what takes seconds of CPU is paid once for all processes.

Much is loaded with the first call of each kind only, so a call of each kind is made. `tests/preload_litellm.py` has
LiteLLM make them as well.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from gateway_core.adapters.clock import SystemClock
from gateway_core.adapters.models import model_provider
from gateway_core.adapters.upstream.provider import UpstreamProvider
from gateway_core.api import ask, health, models, tokens
from gateway_core.config.catalog_loader import load_catalog
from gateway_core.domain.chat import Deployment, Engine, ProviderCall
from gateway_core.domain.credentials import Credential, Secret
from gateway_core.domain.embedding import EmbedCall
from gateway_core.mcp_front import app, stdio
from local import probing, stack
from local.providers import base_urls, create_app
from local.serving import serve
from tests.fleet import process

__all__ = ["app", "ask", "call_all", "health", "models", "probing", "process", "stack", "stdio", "tokens"]
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


async def _call_each(url: str, engine: Engine) -> None:
    catalog = load_catalog()
    bases = {name: base_urls(url)[f"{name.upper()}_API_BASE"] for name in _PROVIDERS}
    keys = {name: Credential(Secret("sk-warm-up"), base) for name, base in bases.items()}
    provider = model_provider(keys, SystemClock())
    for model in catalog.models.values():
        if base := bases.get(model.provider):
            await _call(provider, replace(model.deployment, api_base=base, engine=engine))
    await provider.close()


def call_all(engine: Engine) -> None:
    """Call each model of the simulated providers by this engine."""
    with serve(create_app()) as url:
        asyncio.run(_call_each(url, engine))


call_all("native")
