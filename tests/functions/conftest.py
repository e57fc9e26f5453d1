"""An HTTP client against the routes over the in-memory world."""

from collections.abc import AsyncIterator

import httpx
import pytest

from gateway_core.api import complete, health
from gateway_core.api.app import create_app


@pytest.fixture
async def client(world) -> AsyncIterator[httpx.AsyncClient]:
    """Speaks to the app with a valid key of project `alpha`."""
    app = create_app(world.services, complete.router, health.router)
    headers = {"authorization": f"Bearer {await world.key()}"}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as http:
        yield http
