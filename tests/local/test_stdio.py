"""The functions behind MCP over stdio, which load while a client already talks. tests/e2e starts the whole."""

import asyncio
import subprocess
import sys
import threading

import pytest
from starlette.responses import Response

from gateway_core.invocation import FunctionUnavailable, HttpRequest
from local.stdio import Loading
from tests.patience import patience

ASKED = HttpRequest("GET", "/health")


async def test_calls_wait_until_the_functions_are_there():
    """All of them, and what they load happens once."""
    go, loads = threading.Event(), []

    def load():
        go.wait(patience(10))
        loads.append(1)
        return {"health": Response(b"fine")}

    functions = Loading(load)
    calls = [asyncio.create_task(functions.invoke("health", ASKED)) for _ in range(3)]
    go.set()
    assert [answer.body for answer in await asyncio.gather(*calls)] == [b"fine"] * 3
    async with functions.stream("health", ASKED) as answer:
        assert [part async for part in answer.parts] == [b"fine"]
    assert loads == [1]


async def test_who_leaves_stops_nobody_else():
    """A call that is cancelled while they load leaves them loading."""
    go = threading.Event()

    def load():
        go.wait(patience(10))
        return {"health": Response(b"fine")}

    functions = Loading(load)
    impatient = asyncio.create_task(functions.invoke("health", ASKED))
    await asyncio.sleep(0)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    go.set()
    assert (await functions.invoke("health", ASKED)).body == b"fine"
    with pytest.raises(FunctionUnavailable):
        await functions.invoke("no-such", ASKED)


@pytest.mark.long
def test_a_client_waits_for_no_litellm():
    """Nothing of what talks to it loads LiteLLM, nor what will work on jobs: the functions do, in their thread."""
    code = "import local.stdio, sys; print({'litellm', 'openai'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
