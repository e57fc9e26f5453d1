"""GET /openapi.json: where the operator allows it."""

import httpx
import pytest

from gateway_core.api import openapi
from gateway_core.api.app import create_app
from gateway_core.config.documents import Document
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
