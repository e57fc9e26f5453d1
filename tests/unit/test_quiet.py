"""What is written of what is sent: nothing."""

import logging

import pytest

from gateway_core.adapters.upstash.rest import RestClient
from gateway_core.adapters.upstream.connections import Connections
from gateway_core.http1 import Request, Url
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


@pytest.mark.parametrize("reach", ["any", "private"])
async def test_no_key_of_a_provider_is_written(loud, reach):
    """Whichever connections it goes over."""
    with serve(_answer) as url:
        connections, sent = Connections(), []
        request = Request("POST", Url.parse(url), {"authorization": f"Bearer {KEY}"}, b"{}")
        answer = await connections.network(reach).send(request, lambda: sent.append(True))
        assert (await answer.read(), sent) == (b'{"result": "T0s="}', [True])
        await connections.close()
    assert KEY not in loud.text


async def test_no_token_of_the_store_is_written(loud):
    """It goes with each command."""
    with serve(_answer) as url:
        client = RestClient(url, KEY)
        await client.execute("GET", "a")
        await client.close()
    assert KEY not in loud.text
