"""One environment with the probe app for all tests of a worker, and the fronts before it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.lambda_runtime.emulator.environment import Environment, Function, deployed
from tests.lambda_runtime.emulator.fronts import function_url, rest_api
from tests.lambda_runtime.emulator.gate import Gate, open_gate
from tests.patience import patience


@pytest.fixture(scope="session")
async def gate() -> AsyncIterator[Gate]:
    """Where the apps report, and wait."""
    async with open_gate() as found:
        yield found


@pytest.fixture(scope="session")
async def probe(gate) -> AsyncIterator[Environment]:
    """The probe app under the streaming runtime."""
    async with deployed(Function(environ={"GATE_PORT": str(gate.port)})) as environment:
        yield environment


@pytest.fixture(scope="session")
async def rest(probe) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the REST API before it."""
    async with rest_api(probe) as url, httpx.AsyncClient(base_url=url, timeout=patience(20)) as client:
        yield client


@pytest.fixture(scope="session")
async def url(probe) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the function URL before it."""
    async with function_url(probe) as base, httpx.AsyncClient(base_url=base, timeout=patience(20)) as client:
        yield client
