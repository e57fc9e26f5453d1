"""One client with one key: who it is, is asked anew for each request. The streams themselves are tests/e2e's."""

import json

import pytest
from fastmcp import Client
from fastmcp.exceptions import ToolError
from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference

from gateway_core.domain.errors import Unauthenticated
from gateway_core.mcp_front.server import create_server
from gateway_core.mcp_front.stdio import OneCaller, StdioServer
from gateway_core.store.virtual_keys import digest_of

HELLO = {"messages": [{"role": "user", "content": "hello there"}]}


@pytest.fixture
def connect(mcp):
    """FastMCP's client, in this process, for a key."""
    services = mcp.world.services

    def client(key):
        only = OneCaller(key, services.authenticator, mcp.settings, services.telemetry)
        return Client(create_server(mcp.invoker, services.telemetry, services.clock, only))

    return client


async def test_every_call_is_made_with_the_key(mcp, connect):
    """And counts for its project, under ids of its own."""
    key = await mcp.world.key("beta")
    async with connect(key) as client:
        answers = [await client.call_tool("complete", HELLO) for _ in range(2)]
    assert {request.headers["authorization"] for _, request in mcp.invoker.asked} == {f"Bearer {key}"}
    ids = {record.request_id for record in await mcp.world.records("beta")}
    assert ids == {answer.structured_content["id"] for answer in answers}


async def test_only_what_the_key_may_use_is_listed(mcp, connect):
    """And refused when called all the same."""
    async with connect(await mcp.world.key(tools=("complete",))) as client:
        assert [tool.name for tool in await client.list_tools()] == ["complete"]
        with pytest.raises(ToolError, match=r"^forbidden: "):
            await client.call_tool("get_usage", {})


async def test_what_is_read_and_completed_is_the_keys(mcp, connect):
    """As over HTTP, though no HTTP request carries the key."""
    async with connect(await mcp.world.key("beta")) as client:
        (budgets,) = await client.read_resource("usage://budgets")
        assert json.loads(budgets.text)["project_id"] == "beta"
        found = await client.complete(PromptReference(name="compare_models"), {"name": "models", "value": "sec"})
    assert found.values == ["second"]


async def test_a_revoked_key_is_refused(mcp, connect):
    """In the middle of the session, once what is remembered of it is old."""
    key = await mcp.world.key()
    async with connect(key) as client:
        await client.call_tool("complete", HELLO)
        await mcp.world.store.revoke_key(f"key_alpha_{digest_of(key)[:16]}", now_ms=mcp.world.clock.now_ms())
        mcp.world.clock.advance(31)
        with pytest.raises((MCPError, ToolError), match="unauthenticated: "):
            await client.call_tool("complete", HELLO)
    assert key not in mcp.world.log.getvalue()


async def test_an_unknown_key_serves_nobody(mcp):
    """It is found out before the first message."""
    services = mcp.world.services
    parts = (services.authenticator, mcp.settings, services.telemetry, services.clock)
    with pytest.raises(Unauthenticated):
        await StdioServer(mcp.invoker, *parts, "gk_alpha_unknown").run()
