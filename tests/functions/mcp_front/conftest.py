"""The MCP front over the real routes of the in-memory world, by raw requests and by the clients that people use."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, override

import httpx
import httpx2
import pytest
from fastmcp import Client as FastClient
from fastmcp.client.transports import StreamableHttpTransport
from mcp.client.client import Client as OfficialClient
from mcp.client.streamable_http import streamable_http_client
from starlette.types import ASGIApp

from gateway_core.adapters.invoke_asgi import AsgiInvoker
from gateway_core.api import complete, embeddings, health, models, stream, tokens, usage
from gateway_core.api.app import create_app
from gateway_core.domain.chat import Deployment
from gateway_core.invocation import HttpAnswer, HttpRequest
from gateway_core.mcp_front.app import create_mcp
from gateway_core.mcp_front.oauth.door import TokenDoor
from gateway_core.mcp_front.settings import McpSettings
from gateway_core.services import Current
from local.serving import serve
from tests.conftest import World, catalog_of, model, settings_for
from tests.patience import patience

MODERN = "2026-07-28"
ROUTERS = {
    "complete": complete,
    "stream": stream,
    "embed": embeddings,
    "tokens": tokens,
    "usage": usage,
    "models": models,
    "health": health,
}


class WatchedInvoker(AsgiInvoker):
    """Remembers what was asked; `instead` answers in place of a function, or raises."""

    def __init__(self, apps: dict[str, ASGIApp]) -> None:
        super().__init__(apps)
        self.asked: list[tuple[str, HttpRequest]] = []
        self.instead: dict[str, HttpAnswer | Exception] = {}

    @override
    async def invoke(self, function: str, request: HttpRequest) -> HttpAnswer:
        self.asked.append((function, request))
        prepared = self.instead.get(function)
        if isinstance(prepared, Exception):
            raise prepared
        return prepared or await super().invoke(function, request)


@dataclass
class McpWorld:
    """A world and its front."""

    world: World
    settings: Current[McpSettings] = field(default_factory=lambda: McpSettings(is_local=True))

    def __post_init__(self) -> None:
        services = self.world.services
        self.apps: dict[str, ASGIApp] = {name: create_app(services, made.router) for name, made in ROUTERS.items()}
        self.invoker = WatchedInvoker(self.apps)
        self.app = create_mcp(
            self.invoker, services.authenticator, self.settings, services.telemetry, services.clock, self._tokens()
        )

    def _tokens(self) -> TokenDoor | None:
        """Who lets tokens in; nobody does."""
        return None

    async def send(self, body: bytes, method: str = "POST", path: str = "/mcp", **headers: str) -> httpx.Response:
        """One raw request; `x_api_key` is the header `x-api-key`. A key that is not given is a fresh one."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if not {"authorization", "x-api-key"} & named.keys():
            named["x-api-key"] = await self.world.key()
        accept = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://localhost") as http:
            return await http.request(method, path, content=body, headers={**accept, **named})

    async def ask(self, rpc_method: str, *, era: str = MODERN, **params: Any) -> httpx.Response:
        """One JSON-RPC request of either era."""
        headers, body = message(rpc_method, era, params)
        return await self.send(body, **headers)

    async def call(self, tool: str, key: str = "", era: str = MODERN, **arguments: Any) -> dict[str, Any]:
        """The result of a tool."""
        headers, body = message("tools/call", era, {"name": tool, "arguments": arguments})
        answer = await self.send(body, **headers, **({"x_api_key": key} if key else {}))
        assert answer.status_code == 200, answer.text
        return result_of(answer)

    async def text(self, tool: str, **arguments: Any) -> str:
        """The text of a call that fails."""
        result = await self.call(tool, **arguments)
        assert result["isError"] is True
        (block,) = result["content"]
        return str(block["text"])


def message(method: str, era: str, params: dict[str, Any]) -> tuple[dict[str, str], bytes]:
    """Headers and body of a request."""
    headers = {"mcp_protocol_version": era}
    if era == MODERN:
        headers["mcp_method"] = method
        if "name" in params:
            headers["mcp_name"] = params["name"]
        prefix = "io.modelcontextprotocol"
        params = {**params, "_meta": {f"{prefix}/protocolVersion": era, f"{prefix}/clientCapabilities": {}}}
    return headers, json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()


def body_of(answer: httpx.Response) -> dict[str, Any]:
    """The JSON-RPC message, alone or as an event."""
    return json.loads(answer.text.rpartition("data: ")[2])


def result_of(answer: httpx.Response) -> dict[str, Any]:
    return body_of(answer)["result"]


@pytest.fixture
def mcp() -> McpWorld:
    """Three chat models in the group `reasoning`, one in `embedding`."""
    vectors = Deployment("vectors-provider", "vectors", "https://vectors.example", "embedding")
    catalog = catalog_of(
        model("first"),
        model("second"),
        model("third"),
        model("vectors", deployment=vectors),
        groups={"reasoning": ("first", "second", "third"), "embedding": ("vectors",)},
    )
    return McpWorld(World(catalog, settings_for(catalog)))


@pytest.fixture
def mcp_url(mcp) -> Iterator[str]:
    """The same, over real HTTP."""
    with serve(mcp.app) as url:
        yield f"{url}/mcp"


def official(url: str, key: str, mode: str) -> AbstractAsyncContextManager[OfficialClient]:
    """The SDK's client."""

    @asynccontextmanager
    async def connect() -> AsyncIterator[OfficialClient]:
        async with (
            httpx2.AsyncClient(headers={"authorization": f"Bearer {key}"}, timeout=patience(60)) as http,
            OfficialClient(streamable_http_client(url, http_client=http), mode=mode) as client,
        ):
            yield client

    return connect()


def fast(url: str, key: str, mode: str) -> FastClient[Any]:
    """FastMCP's client."""
    return FastClient(StreamableHttpTransport(url, headers={"x-api-key": key}), mode=mode)
