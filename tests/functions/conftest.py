"""An HTTP client against the routes over the in-memory world."""

from collections.abc import AsyncIterator

import httpx
import pytest

from gateway_core.adapters.tokens import PromptCounter
from gateway_core.api import (
    ask,
    chat,
    complete,
    dashboard,
    embeddings,
    health,
    holds,
    invoices,
    key,
    models,
    stream,
    tokens,
    usage,
)
from gateway_core.api.app import create_app
from gateway_core.api.openai_responses import responses
from gateway_core.services import Jobs
from tests.conftest import World
from tests.functions.job_desk import JobDesk, Starter, app_of
from tests.functions.upstream import Door, open_door

PARTS = (
    ask,
    complete,
    stream,
    chat,
    responses,
    embeddings,
    health,
    models,
    tokens,
    usage,
    holds,
    key,
    invoices,
    dashboard,
)


@pytest.fixture
async def client(world) -> AsyncIterator[httpx.AsyncClient]:
    """Speaks to the app with a valid key of project `alpha`."""
    app = create_app(world.services, *(part.router for part in PARTS))
    headers = {"authorization": f"Bearer {await world.key()}"}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as http:
        yield http


@pytest.fixture
async def door(counter: PromptCounter) -> AsyncIterator[Door]:
    """The chat door over wires of our own, at a scripted network."""
    async for opened in open_door(counter):
        yield opened


@pytest.fixture
async def desk(world: World) -> AsyncIterator[JobDesk]:
    """The routes of jobs, asked with a key of project `alpha`."""
    starter = Starter()
    transport = httpx.ASGITransport(app_of(world, Jobs(world.store, starter)), raise_app_exceptions=False)
    headers = {"authorization": f"Bearer {await world.key()}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as http:
        yield JobDesk(world, http, starter)
