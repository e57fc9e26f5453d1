"""What else Anthropic's clients ask: tokens, models, whether anybody is there; and names that they choose."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from gateway_core.api import chat, health, models
from gateway_core.api.anthropic import counting, messages
from gateway_core.api.app import create_app
from tests.conftest import World, catalog_of, model, settings_for

VERSION = {"anthropic-version": "2023-06-01"}
ASKED = [{"role": "user", "content": "one two three"}]
NAMES = (("claude-haiku-*", "first"), ("claude-*", "code"))


@pytest.fixture
async def world() -> World:
    """Three models, and names of clients for them."""
    catalog = catalog_of(
        model("first"), model("second"), model("third"), groups={"fast": ("first",), "code": ("second", "third")}
    )
    catalog = replace(catalog, client_names=NAMES)
    return World(catalog, settings_for(catalog))


@pytest.fixture
async def http(world) -> AsyncIterator[httpx.AsyncClient]:
    """Speaks as Anthropic's clients do."""
    app = create_app(world.services, *(part.router for part in (messages, counting, models, health, chat)))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    headers = {"x-api-key": await world.key(), **VERSION}
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as client:
        yield client


async def test_tokens_are_counted_here(http, world):
    """Of system, tools and messages, for any model; nobody is asked, and nothing is billed."""
    body = {"model": "claude-opus-4-8", "messages": ASKED, "system": "four five", "tools": []}
    answer = await http.post("/v1/messages/count_tokens?beta=true", json=body)
    assert (answer.status_code, answer.json()) == (200, {"input_tokens": 5})
    assert answer.headers["request-id"]
    assert (await http.post("/v1/messages/count_tokens", json={"model": "first", "messages": ASKED})).json() == {
        "input_tokens": 3
    }
    assert (world.provider.calls, await world.records()) == ([], [])


@pytest.mark.parametrize(
    ("body", "status", "kind", "param"),
    [
        ({"model": "first", "messages": ASKED, "max_tokens": 5}, 400, "invalid_request_error", "max_tokens"),
        ({"model": "nobody", "messages": ASKED}, 404, "not_found_error", "model"),
        ({"model": "first"}, 400, "invalid_request_error", "messages"),
    ],
)
async def test_what_is_refused_of_a_count(http, body, status, kind, param):
    """In the wire's form, with the field."""
    answer = await http.post("/v1/messages/count_tokens", json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["param"]) == (status, kind, param)


async def test_models_in_anthropics_form(http):
    """In pages, forwards and backwards; groups are named like models."""
    first = (await http.get("/v1/models?limit=2")).json()
    assert first["data"][0] == {
        "type": "model",
        "id": "first",
        "display_name": "first",
        "created_at": "2026-01-01T00:00:00.000Z",
        "max_input_tokens": 100_000,
        "max_tokens": 8192,
    }
    assert (first["has_more"], first["first_id"], first["last_id"]) == (True, "first", "second")
    rest = (await http.get("/v1/models?after_id=second")).json()
    assert ([one["id"] for one in rest["data"]], rest["has_more"]) == (["third", "fast", "code"], False)
    before = (await http.get("/v1/models?before_id=fast&limit=2")).json()
    assert ([one["id"] for one in before["data"]], before["has_more"]) == (["second", "third"], True)
    assert (await http.get("/v1/models?after_id=code")).json() == {
        "data": [],
        "has_more": False,
        "first_id": None,
        "last_id": None,
    }
    assert (await http.get("/v1/models/claude-opus-4-8")).json()["id"] == "code"
    for path, status in (("/v1/models?limit=0", 400), ("/v1/models?after_id=x", 400), ("/v1/models/nobody", 404)):
        answer = await http.get(path)
        assert (answer.status_code, answer.json()["type"]) == (status, "error")
    del http.headers["anthropic-version"]
    assert (await http.get("/v1/models")).json()["object"] == "list"
    assert "type" not in (await http.get("/v1/models/nobody")).json()


async def test_somebody_is_there(http):
    """`HEAD /` is how clients look; it needs no key."""
    del http.headers["x-api-key"]
    assert ((await http.head("/")).status_code, (await http.get("/")).json()["name"]) == (200, "llm-gateway")


@pytest.mark.parametrize(
    ("name", "asked"), [("claude-haiku-4-5", "first"), ("claude-opus-4-8", "second"), ("third", "third")]
)
async def test_names_that_clients_choose(http, name, asked):
    """On Anthropic's wire and on OpenAI's."""
    body = {"model": name, "max_tokens": 9, "messages": ASKED}
    answer = await http.post("/v1/messages", json=body)
    assert (answer.json()["model"], answer.headers["x-gateway-model"]) == (asked, asked)
    assert (await http.post("/v1/chat/completions", json=body)).json()["model"] == asked


async def test_rights_hold_after_the_map(http, world):
    """A name leads nobody to what the key may not use."""
    http.headers["x-api-key"] = await world.key(groups=("fast",))
    refused = await http.post("/v1/messages", json={"model": "claude-opus-4-8", "max_tokens": 9, "messages": ASKED})
    assert (refused.status_code, refused.json()["error"]["type"]) == (403, "permission_error")
    taken = await http.post("/v1/messages", json={"model": "claude-haiku-4-5", "max_tokens": 9, "messages": ASKED})
    assert taken.status_code == 200
    http.headers["x-api-key"] = await world.key(tools=("complete",))
    streamed = await http.post(
        "/v1/messages", json={"model": "first", "max_tokens": 9, "messages": ASKED, "stream": True}
    )
    assert streamed.status_code == 403
