"""GET /openapi.json: where the operator allows it."""

import json

import httpx
import pytest

from gateway_core.api import openapi
from gateway_core.api.app import create_app
from gateway_core.config.documents import Document, packaged
from gateway_core.config.settings import GatewaySettings
from tests.conftest import World, settings_for


@pytest.mark.parametrize(
    ("text", "is_on_lambda", "status"),
    [
        ("", False, 200),
        ("", True, 404),
        ("serve_openapi: false", False, 404),
        ("serve_openapi: true", True, 200),
    ],
)
async def test_who_serves_it(world, text, is_on_lambda, status):
    """All but Lambda, unless the document says otherwise; without a key, as tools that read it have none."""
    allowed = GatewaySettings.from_env({}, [Document("config.yaml", text)]).serve_openapi
    app = create_app(World(world.catalog, settings_for(world.catalog, serve_openapi=allowed)).services, openapi.router)

    async def as_invoked(scope, receive, send):
        await app({**scope, **({"aws.event": {}} if is_on_lambda else {})}, receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(as_invoked), base_url="http://gateway") as http:
        answer = await http.get("/openapi.json")
    assert answer.status_code == status
    assert ("paths" in answer.json()) is (status == 200)


def told_of(document):
    """The routes that a message can name: they have no variable part, and are there on Lambda too."""
    elsewhere = {"/", "/openapi.json", "/register", "/v1/events", "/metrics"}
    for path, methods in document["paths"].items():
        if "{" in path or path.startswith(("/admin/", "/dashboard/", "/.well-known/")):
            continue
        if path not in elsewhere:
            yield ("POST" if "post" in methods else "GET"), path


@pytest.mark.parametrize("allowed", [True, False])
async def test_who_is_lost_is_told_where_to_look(world, allowed):
    """The routes and the document, if it is served; of a method that is wrong, the right ones."""
    app = create_app(World(world.catalog, settings_for(world.catalog, serve_openapi=allowed)).services, openapi.router)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as http:
        lost, wrong = await http.get("/v1/completions"), await http.put("/openapi.json")
    posted, read = lost.json()["error"]["message"].partition("POST ")[2].split("; GET ", 1)
    listed = {("POST", path) for path in posted.split(", ")} | {
        ("GET", path) for path in read.split(".")[0].split(", ")
    }
    assert listed == set(told_of(json.loads(packaged("openapi.json"))))
    assert "It takes GET." in wrong.json()["error"]["message"]
    for answer, status in ((lost, 404), (wrong, 405)):
        assert answer.status_code == status
        assert ("GET /openapi.json describes" in answer.json()["error"]["message"]) is allowed
        assert "docs/" not in answer.text
