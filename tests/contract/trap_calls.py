"""Calls that a provider does not answer as it should."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from gateway_core.domain.answer import ProviderAnswer
from gateway_core.domain.chat import ProviderCall
from gateway_core.domain.provider_errors import ProviderError
from tests.contract.litellm_paths import EACH, EACH_NAME, Path, provider_at
from tests.contract.raw_provider import Act, RawProvider, Sight, respond

DEADLINE_S = 1.2
every_path = pytest.mark.parametrize("path", EACH, ids=EACH_NAME)


async def fails(path: Path, act: Act, **options: Any) -> tuple[ProviderError, RawProvider]:
    """The error of one call to a provider that acts like this, and what that provider saw."""
    async with RawProvider(act).serve() as raw:
        provider = provider_at(raw.url, **options)
        try:
            with pytest.raises(ProviderError) as caught:
                await provider.complete(path.call(raw.url))
        finally:
            await provider.close()
    return caught.value, raw


async def answers(call: ProviderCall, raw: RawProvider) -> ProviderAnswer:
    """The answer to one call."""
    provider = provider_at(raw.url)
    try:
        return await provider.complete(call)
    finally:
        await provider.close()


def numbered(path: Path) -> Act:
    """Answer request `number n!` with `n` in the text and in the usage; refuse one in five."""

    async def act(sight: Sight, writer: asyncio.StreamWriter) -> None:
        number = int(sight.body.decode().partition("number ")[2].partition("!")[0])
        good = json.dumps(path.good).replace(": 11", f": {1000 + number}").replace("Hello.", f"Hello {number}.")
        await (respond(429, {}) if number % 5 == 4 else respond(200, good.encode()))(sight, writer)

    return act
