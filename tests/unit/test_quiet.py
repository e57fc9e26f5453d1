"""`adapters/quiet.py`: what the HTTP library may say of what it sends."""

import logging

import httpx
import pytest

from gateway_core.adapters.upstash.rest import RestClient
from gateway_core.adapters.upstream.guarded import unshared_connections
from gateway_core.adapters.upstream.transport import connection_pool
from local.serving import serve

KEY = "sk-nobody-may-read-this"


async def _answer(_scope, _receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b'{"result": "T0s="}'})


@pytest.fixture
def loud(caplog):
    """Loggers that say all they have to, as where the root's level is DEBUG."""
    with caplog.at_level(logging.DEBUG):
        for name in ("httpx", "httpcore.connection", "httpcore.http11"):
            logging.getLogger(name).disabled = False
        yield caplog


@pytest.mark.parametrize("connect", [connection_pool, unshared_connections])
async def test_no_key_of_a_provider_is_written(loud, connect):
    """Whichever connections it goes over."""
    with serve(_answer) as url:
        pool = connect()
        request = httpx.Request("POST", url, headers={"authorization": f"Bearer {KEY}"}, content=b"{}")
        await (await pool.handle_async_request(request)).aread()
        await pool.aclose()
    assert KEY not in loud.text


async def test_no_token_of_the_store_is_written(loud):
    """It goes with each command."""
    with serve(_answer) as url:
        client = RestClient(url, KEY)
        await client.execute("GET", "a")
        await client.close()
    assert KEY not in loud.text
