"""A 402 says what would fit, on every wire, and what it says is true."""

import re

import httpx
import pytest

from gateway_core.api import embeddings
from gateway_core.api.app import create_app
from gateway_core.store.messages import BreakerPolicy, Candidate, Terms, Ticket
from tests.conftest import World, catalog_of, model, settings_for
from tests.functions.mcp_front.conftest import McpWorld
from tests.functions.test_embeddings_route import embed, embedder

HELLO = {"messages": [{"role": "user", "content": "one two three"}]}
FITS = re.compile(r"Set max_tokens to ([0-9]+), which would fit")
LIMITS = [
    {"day_nano": 1_000_000},
    {"month_tokens": 150},
    {"day_nano": 10**7, "month_nano": 800_000, "day_tokens": 10**6},
]
WIRES = [
    ("/v1/complete", {}, "max_tokens"),
    ("/v1/stream", {}, "max_tokens"),
    ("/v1/chat/completions", {"model": "reasoning"}, "max_tokens"),
    ("/v1/chat/completions", {"model": "reasoning", "stream": True}, "max_completion_tokens"),
    ("/v1/chat/completions", {"model": "first", "max_tokens": 4000}, "max_tokens"),
]


def fitting(message):
    found = FITS.search(message)
    assert found, message
    return int(found[1])


@pytest.mark.parametrize("limits", LIMITS)
@pytest.mark.parametrize(("path", "fields", "cap"), WIRES)
async def test_the_cap_that_would_fit_fits_and_one_more_does_not(client, world, path, fields, cap, limits):
    """Whichever budget is the tightest, in money or in tokens; before anything is streamed."""
    await world.budget(**limits)
    body = {**HELLO, **fields}
    refused = await client.post(path, json=body)
    assert refused.status_code == 402
    fits = fitting(refused.json()["error"]["message"])
    assert (await client.post(path, json={**body, cap: fits + 1})).status_code == 402
    answer = await client.post(path, json={**body, cap: fits})
    assert answer.status_code == 200
    assert "budget_exceeded" not in answer.text


async def test_what_is_held_is_named_and_does_not_fit(client, world):
    """Money of a request that runs, or died, is neither left nor spent."""
    await world.budget(day_nano=1_000_000)
    caller = await world.services.authenticator.authenticate(await world.key())
    now = world.clock.now_ms()
    ticket = Ticket("dead", "alpha", caller.key_id, caller.digest, caller.rights_tag, now)
    dead = Candidate("first-provider", "first", hold_nano=600_000, hold_tokens=70)
    await world.store.admit(ticket, [dead], Terms(now, BreakerPolicy()))
    message = (await client.post("/v1/complete", json=HELLO)).json()["error"]["message"]
    assert message.startswith(
        "The daily budget of this project is 0.001 USD, of which 0.0004 USD are left and 0.0006 USD are held, and the "
    )
    fits = fitting(message)
    assert (await client.post("/v1/complete", json={**HELLO, "max_tokens": fits})).status_code == 200


async def test_mcp_tells_the_same():
    """In the text of the tool's error, and the arguments that it names are the tool's."""
    catalog = catalog_of(model("first"), groups={"reasoning": ("first",)})
    mcp = McpWorld(World(catalog, settings_for(catalog)))
    await mcp.world.budget(month_tokens=150)
    text = await mcp.text("complete", **HELLO)
    fits = fitting(text)
    assert fitting(await mcp.text("complete", **HELLO, max_tokens=fits + 1)) == fits
    assert not (await mcp.call("complete", **HELLO, max_tokens=fits)).get("isError")


async def test_a_question_of_a_batch_is_told_as_well(client, world):
    """In its result."""
    await world.budget(month_tokens=150)
    question = {"index": 0, "question": "one two three", "model": "first"}
    fits = fitting((await asked(client, {**question, "max_tokens": 4000}))["error_message"])
    assert (await asked(client, {**question, "max_tokens": fits + 1}))["error_code"] == "budget_exceeded"
    assert (await asked(client, {**question, "max_tokens": fits}))["error_code"] is None


async def asked(client, question):
    (result,) = (await client.post("/ask", json={"questions": [question]})).json()["results"]
    return result


async def test_an_embedding_has_no_such_cap():
    """It says to send less."""
    catalog = catalog_of(embedder("large"), groups={"embedding": ("large",)})
    world = World(catalog, settings_for(catalog))
    await world.budget(day_tokens=1)
    app = create_app(world.services, embeddings.router)
    headers = {"authorization": f"Bearer {await world.key()}"}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as http:
        message = (await embed(http)).json()["error"]["message"]
    assert "of which 1 tokens are left and 0 tokens are held" in message
    assert "Send less, or raise it: gateway budgets set" in message
