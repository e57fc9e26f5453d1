"""Callers of a gateway with a response cache."""

import pytest

from tests.caching import Callers


@pytest.fixture
def callers(world):
    return Callers(world)


@pytest.fixture
async def caller(callers):
    return await callers.caller()
