"""Answers beyond the 6 MB at which Lambda ends one that does not stream, and events that every function reads alike."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from decimal import Decimal

import httpx
import pytest

from gateway_core.triggers.preflight import event_for, fault_of
from tests.functions.mcp_front.conftest import fast
from tests.lambda_runtime.calls import ask, post
from tests.lambda_runtime.deployment import EVENTS, Backend, Routed, deployed_functions, running_backend
from tests.lambda_runtime.emulator.environment import Environment
from tests.lambda_runtime.emulator.fronts import rest_api
from tests.lambda_runtime.emulator.runtime_api import MOST_WHOLE_BYTES, Chunk
from tests.patience import patience

pytestmark = pytest.mark.xdist_group("lambda-large")
MODEL = "text-embedding-3-large"
NAMES = ("admin", "complete", "embed", "health", "mcp", "models", "stream", "tokens", "usage")
ROUTES = {
    "complete": "complete", "embed": "embed", "health": "health", "models": "models", "stream": "stream",
    "tokens": "tokens", "usage": "usage",
}  # fmt: skip
"""A function, and the event of `events/` that asks for one of its routes."""


@pytest.fixture(scope="module")
async def backend(tmp_path_factory) -> AsyncIterator[Backend]:
    """Store and providers."""
    async with running_backend(tmp_path_factory.mktemp("large")) as found:
        yield found


@pytest.fixture(scope="module")
async def functions(backend) -> AsyncIterator[dict[str, Environment]]:
    """One environment of each."""
    async with deployed_functions(backend, NAMES) as found:
        yield found


async def test_as_many_vectors_as_openai_gives(functions, backend):
    """Through API Gateway, each at its place; booked once."""
    body = {"model": MODEL, "input": [f"text {n}" for n in range(2048)], "encoding_format": "base64"}
    headers = {"authorization": f"Bearer {await backend.key('large')}"}
    async with rest_api(Routed(functions)) as url, httpx.AsyncClient(timeout=patience(60)) as http:
        answer = await http.post(f"{url}/v1/embeddings", json=body, headers=headers)
    rows = answer.json()["data"]
    assert (answer.status_code, len(answer.content) > 5 * MOST_WHOLE_BYTES) == (200, True)
    assert [row["index"] for row in rows] == list(range(2048))
    assert {len(base64.b64decode(row["embedding"])) for row in rows} == {3072 * 4}
    assert len({row["embedding"] for row in rows}) == 2048
    (record,) = await backend.records("large")
    assert (record.error_code, record.cost_nano) == ("", Decimal(answer.headers["x-gateway-cost-usd"]) * 10**9)


async def test_mcp_gets_what_is_too_large_for_invoke(functions, backend):
    """The functions behind it are asked by InvokeWithResponseStream."""
    async with rest_api(Routed(functions)) as url, fast(f"{url}/mcp", await backend.key("tools"), "auto") as client:
        answer = await client.call_tool("embed", {"input": [f"text {n}" for n in range(110)], "model": MODEL})
    vectors = answer.structured_content["embeddings"]
    assert (len(vectors), {len(vector) for vector in vectors}) == (110, {3072})
    assert len(json.dumps(vectors)) > MOST_WHOLE_BYTES
    assert len(await backend.records("tools")) == 1


@pytest.mark.parametrize("name", ROUTES)
async def test_each_function_reads_events_alike(functions, backend, name):
    """Below a custom domain's base path; and what is no request is nobody's error."""
    event = json.loads(json.dumps(EVENTS[ROUTES[name]]))
    event["headers"]["authorization"] = f"Bearer {await backend.key('based')}"
    event["multiValueHeaders"]["authorization"] = [event["headers"]["authorization"]]
    event["path"] = event["requestContext"]["path"] = f"/llm{event['path']}"
    _seen, answer = await ask(functions[name], event)
    assert answer.status == 200, answer.body
    _seen, answer = await ask(functions[name], post(f"/llm{event['path']}", "gk_based_wrong"))
    assert answer.status == 404, answer.body


@pytest.mark.parametrize("name", NAMES)
async def test_each_function_passes_the_look_at_a_new_version(functions, name):
    """The event that CodeDeploy's hook sends, and what it wants to see."""
    physical = f"llm-gateway-{name.capitalize()}-a1B2"
    items = [item async for item in functions[name].invoke(event_for(physical))]
    assert fault_of(physical, b"".join(item.data for item in items if isinstance(item, Chunk))) == ""


@pytest.mark.parametrize("name", NAMES)
async def test_each_function_leaves_other_events_alone(functions, name):
    """Such as those that keep environments warm."""
    items = [item async for item in functions[name].invoke({"source": "warmup"})]
    assert [json.loads(item.data) for item in items if isinstance(item, Chunk)] == [{"ignored": True}]
