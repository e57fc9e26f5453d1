"""The development key waits for a store that is slow to come."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from gateway_core.adapters.upstash import UpstashStore
from gateway_core.domain.errors import StoreUnavailable
from gateway_core.store.virtual_keys import digest_of
from local.dev_key import dev_key, stored, storing
from local.environment import StackError, read
from local.loopback import LOOPBACK
from local.serving import serve
from local.upstash.app import create_app
from local.valkey import Valkey
from tests.patience import patience

KEY = "gk_dev_waiting"


def free_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as held:
        return int(held.getsockname()[1])


def environment(port: int) -> dict[str, str]:
    return {"UPSTASH_REDIS_REST_URL": f"http://{LOOPBACK}:{port}", "UPSTASH_REDIS_REST_TOKEN": "t"}


async def is_known(port: int) -> bool:
    store = UpstashStore(f"http://{LOOPBACK}:{port}", "t", connect_timeout_s=30, timeout_s=30)
    try:
        found = await store.find_key("dev", digest_of(KEY))
    finally:
        await store.close()
    return found is not None and found.admin


def test_a_store_that_comes_late_gets_the_key(capsys):
    """The gateway is up before, says so, and does not end."""
    port, until = free_port(), time.monotonic() + patience(30)
    assert not stored(KEY, environment(port), is_own_store=False)
    assert "Everybody is refused until it does" in capsys.readouterr().err
    with (
        storing(KEY, environment(port), pause_s=0.02),
        Valkey() as valkey,
        serve(create_app(redis_port=valkey.port, token="t"), port),
    ):
        while not asyncio.run(is_known(port)):
            assert time.monotonic() < until
    assert "The key is stored." in capsys.readouterr().err


def test_a_store_that_never_comes_does_not_hold_the_end_up():
    """Leaving the block ends the tries."""
    with storing(KEY, environment(free_port()), pause_s=0.02):
        pass


def test_a_store_of_the_stacks_own_has_to_be_there():
    """It was started a moment ago: what is wrong with it does not heal."""
    with pytest.raises(StoreUnavailable):
        stored(KEY, environment(free_port()), is_own_store=True)


def test_without_a_key_the_store_is_not_asked():
    """Keys are made with the command line then."""
    assert stored("", environment(free_port()), is_own_store=True)


@pytest.mark.parametrize("key", ["gk_alpha_x", "foo", "gk_dev", "gk_dev_"])
def test_a_key_of_another_project_is_refused(key):
    """Before anything starts, and so is what is no key."""
    with pytest.raises(StackError, match="gk_dev_SECRET"):
        dev_key(read({"GATEWAY_DEV_KEY": key}))
