"""The clients that people use, both eras, over real HTTP."""

import asyncio

import httpx2
import pytest
from fastmcp.exceptions import ToolError
from mcp.shared.exceptions import MCPError

from tests.functions.mcp_front.conftest import fast, official

TOOLS = [
    "complete",
    "stream_complete",
    "litellm_batch_ask",
    "batch_status",
    "batch_cancel",
    "embed",
    "get_usage",
    "health_check",
    "list_models",
    "count_tokens",
]
HELLO = {"messages": [{"role": "user", "content": "hello there"}]}
ERAS = pytest.mark.parametrize(("mode", "version"), [("auto", "2026-07-28"), ("legacy", "2025-11-25")])


@ERAS
async def test_the_official_client_uses_every_tool(mcp, mcp_url, mode, version):
    """Negotiates its era, lists the tools and gets results that fit their schemas, which it checks itself."""
    async with official(mcp_url, await mcp.world.key(), mode) as client:
        assert client.session.protocol_version == version
        assert [tool.name for tool in (await client.list_tools()).tools] == TOOLS
        answer = await client.call_tool("complete", HELLO)
        assert [block.text for block in answer.content] == ["hello there"]
        assert answer.structured_content["model"] == "first"
        vectors = await client.call_tool("embed", {"input": ["one two", "three"]})
        assert vectors.structured_content["embeddings"] == [[2.0], [1.0]]
        report = await client.call_tool("get_usage", {"group_by": "model"})
        assert {"first", "vectors"} == {row["model"] for row in report.structured_content["rows"]}
        fleet = await client.call_tool("health_check")
        assert {"healthy"} == {provider["status"] for provider in fleet.structured_content["providers"]}
        catalog = await client.call_tool("list_models", {})
        told = catalog.structured_content
        assert "first" in [model["id"] for model in told["models"]]
        assert "reasoning" in [group["id"] for group in told["groups"]]
        assert not {"reasoning"} & {model["id"] for model in told["models"]}
        counted = await client.call_tool("count_tokens", {"text": "one two three", "model": "first"})
        assert counted.structured_content == {"model": "first", "input_tokens": 3, "method": "words"}


@ERAS
async def test_fastmcps_client_uses_the_tools(mcp, mcp_url, mode, version):
    """With the other header for the key."""
    async with fast(mcp_url, await mcp.world.key(), mode) as client:
        assert [tool.name for tool in await client.list_tools()] == TOOLS
        answer = await client.call_tool("complete", HELLO)
        assert answer.structured_content["content"] == "hello there"
        with pytest.raises(ToolError, match=r"^invalid_request: messages: field required"):
            await client.call_tool("complete", {})


@ERAS
async def test_an_unknown_tool_is_a_protocol_error(mcp, mcp_url, mode, version):
    """-32602, as MCP has it, and the name is not echoed."""
    async with official(mcp_url, await mcp.world.key(), mode) as client:
        with pytest.raises(MCPError) as caught:
            await client.call_tool("no_such_tool", {})
    assert (caught.value.code, "no_such" in caught.value.message) == (-32602, False)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_wrong_key_cannot_connect(mcp, mcp_url, mode):
    """401 before anything of MCP."""
    with pytest.raises((MCPError, httpx2.HTTPStatusError, BaseExceptionGroup)):
        async with official(mcp_url, "gk_alpha_wrong", mode) as client:
            await client.list_tools()
    assert mcp.invoker.asked == []


async def test_many_calls_at_once(mcp, mcp_url):
    """Each gets its own answer, over one connection pool."""
    async with official(mcp_url, await mcp.world.key(), "auto") as client:
        say = [{"messages": [{"role": "user", "content": f"number {number}"}]} for number in range(12)]
        answers = await asyncio.gather(*(client.call_tool("complete", arguments) for arguments in say))
    assert [f"number {number}" for number in range(12)] == [answer.structured_content["content"] for answer in answers]


async def test_both_eras_at_once_with_several_keys(mcp, mcp_url):
    """Requests share nothing: each is counted for its own project."""

    async def ask(project, mode):
        async with official(mcp_url, await mcp.world.key(project), mode) as client:
            await asyncio.gather(*(client.call_tool("complete", HELLO) for _ in range(2)))

    await asyncio.gather(*(ask(project, mode) for project in ("alpha", "beta") for mode in ("auto", "legacy")))
    assert [len(await mcp.world.records(project)) for project in ("alpha", "beta")] == [4, 4]
