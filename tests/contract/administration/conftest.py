"""An operator at each store."""

import pytest

from gateway_core.access.administration import Administration
from gateway_core.adapters.memory import MemoryStore
from tests.contract.conftest import spread_store
from tests.contract.desk import NOON
from tests.manual_clock import ManualClock


@pytest.fixture(params=["memory", "spread", "upstash", "administered"])
def store(request):
    """The command line's way to a store beside the others."""
    if request.param == "memory":
        return MemoryStore()
    return spread_store() if request.param == "spread" else request.getfixturevalue(request.param)


@pytest.fixture
def clock():
    return ManualClock(NOON)


@pytest.fixture
def office(store, clock):
    return Administration(store, clock)
