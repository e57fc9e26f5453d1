"""One provider of the simulator as a test meets it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx

from gateway_core.adapters.upstream.provider import UpstreamProvider
from gateway_core.domain.answer import ProviderAnswer
from gateway_core.domain.chat import Json, ProviderCall
from gateway_core.domain.provider_errors import (
    ProviderError,
)
from local.providers import base_urls
from tests.contract.litellm_paths import Path
from tests.contract.streaming import error_of, under_way
from tests.loop_time import ends_after
from tests.patience import patience

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


class Desk:
    """A provider under test, at a simulator whose faults can be set and whose calls can be counted."""

    def __init__(self, root: str, provider: UpstreamProvider, http: httpx.AsyncClient) -> None:
        self._bases = base_urls(root)
        self._provider = provider
        self._http = http

    async def ask(
        self,
        path: Path,
        content: Any = "Hello.",
        *more: Json,
        timeout_s: float = 10.0,
        limit: int = 256,
        **params: Any,
    ) -> ProviderAnswer:
        """One call with this user message, and what follows it."""
        deployment = replace(path.call("").deployment, api_base=self._bases[f"{path.provider.upper()}_API_BASE"])
        messages = ({"role": "system", "content": "Be brief."}, {"role": "user", "content": content}, *more)
        call = ProviderCall(deployment, messages, params, limit, timeout_s, "req-1", rules=path.rules)
        return await self._provider.complete(call)

    async def fault(self, path: Path, kind: str, **params: Any) -> None:
        """Let the provider play this fault once."""
        body = {"provider": path.provider, "kind": kind, "times": 1, **params}
        (await self._http.post("/__faults", json=body)).raise_for_status()

    async def counted(self) -> dict[str, int]:
        """The simulator's totals, once no call is under way."""
        calls = (await self._http.get("/__calls", params={"wait_idle_s": patience(5)})).json()
        return dict(calls["totals"])

    async def bodies(self) -> list[Any]:
        """The request bodies that came in."""
        return [call["body"] for call in (await self._http.get("/__calls")).json()["requests"]]

    async def failure(self, path: Path, **kwargs: Any) -> ProviderError:
        """The error of one call; there must have been exactly one request."""
        error = await error_of(self.ask(path, **kwargs))
        assert (await self.counted())["calls"] == 1
        return error

    async def silence(self, path: Path, timeout_s: float) -> ProviderError:
        """The error of one call that the provider leaves open: it comes at the deadline, and not sooner."""
        return await ends_after(timeout_s, self.failure(path, timeout_s=timeout_s), under_way(self._http))
