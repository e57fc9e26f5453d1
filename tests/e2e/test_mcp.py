"""POST /mcp of the running stack: FastMCP, the functions, LiteLLM and the simulated providers together."""

import asyncio

import httpx
import pytest

from tests.e2e.conftest import KEY
from tests.functions.mcp_front.conftest import official
from tests.patience import patience

pytestmark = pytest.mark.xdist_group("e2e")

HELLO = {"messages": [{"role": "user", "content": "Say hello"}], "model_group": "fast"}


@pytest.fixture
def url(gateway):
    """The endpoint, with providers as new."""
    return f"{gateway.base_url}/mcp".replace("//mcp", "/mcp")


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_every_tool_works(url, mode):
    """With the official client, which checks results against the tools' schemas."""
    async with official(url, KEY, mode) as client:
        answer = await client.call_tool("complete", HELLO)
        assert not answer.is_error, answer.content
        assert answer.structured_content["provider"] == "anthropic"
        assert answer.content[0].text == answer.structured_content["content"]
        vectors = await client.call_tool("embed", {"input": "one", "dimensions": 8})
        assert [len(vector) for vector in vectors.structured_content["embeddings"]] == [8]
        counted = await client.call_tool("count_tokens", {"text": "one two", "model": "gpt-5.1"})
        assert counted.structured_content["input_tokens"] > 1
        for tool in ("get_usage", "health_check", "list_models"):
            assert not (await client.call_tool(tool, {})).is_error, tool


async def test_a_failed_provider_is_passed_over(url, providers):
    """The client reads who answered."""
    providers.post("/__faults", json={"provider": "anthropic", "kind": "server_error"}).raise_for_status()
    async with official(url, KEY, "auto") as client:
        answer = await client.call_tool("complete", HELLO)
    assert [attempt["outcome"] for attempt in answer.structured_content["attempts"]] == ["failed", "ok"]


async def test_many_calls_at_once(url):
    """None waits for another's session."""
    async with official(url, KEY, "auto") as client:
        answers = await asyncio.gather(*(client.call_tool("complete", HELLO) for _ in range(24)))
    assert not any(answer.is_error for answer in answers)


def test_a_wrong_key_is_401(url):
    """As on every route."""
    answer = httpx.post(url, json={}, headers={"x-api-key": "gk_dev_wrong"}, timeout=patience(30))
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.json()["error"]["code"] == "unauthenticated"
