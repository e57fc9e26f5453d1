"""The emulator is as strict as Lambda where the other tests rely on it."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from tests.lambda_runtime.emulator.answer import collect
from tests.lambda_runtime.emulator.environment import Function, deployed
from tests.lambda_runtime.emulator.runtime_api import Failed, RuntimeApi
from tests.patience import patience

ERROR_TYPE = b"Lambda-Runtime-Function-Error-Type"


@pytest.mark.parametrize(
    ("trailers", "is_taken"),
    [
        (ERROR_TYPE + b": Function.X\r\n", True),
        (ERROR_TYPE + b": Function." + b"X" * 4100 + b"\r\n", False),
        (b"Undeclared: 1\r\n", False),
    ],
    ids=["short", "4 KB", "undeclared"],
)
async def test_trailers_have_to_be_short_and_declared(trailers, is_taken):
    """Go's server panics at 4 KB of them, and drops what was not announced."""
    async with RuntimeApi().serve() as api:
        answer = asyncio.ensure_future(collect(api.invoke(b"{}", patience(10))))
        async with httpx.AsyncClient(base_url=f"http://{api.address}", timeout=patience(30)) as http:
            polled = await http.get("/2018-06-01/runtime/invocation/next")
        reader, writer = await asyncio.open_connection(*api.address.split(":"))
        request_id = polled.headers["lambda-runtime-aws-request-id"].encode()
        writer.write(b"POST /2018-06-01/runtime/invocation/%b/response HTTP/1.1\r\n" % request_id)
        writer.write(b"Transfer-Encoding: chunked\r\nTrailer: %b\r\n\r\n0\r\n%b\r\n" % (ERROR_TYPE, trailers))
        assert isinstance((await answer).last, Failed) is not is_taken
        assert (b"202" in await reader.readline()) is is_taken
        writer.close()


async def test_a_function_that_does_not_end_is_ended():
    """At the timeout its process is killed, and the environment takes no more events."""
    async with deployed(Function(handler="probe.blocking")) as environment:
        assert (await collect(environment.invoke({}, 0.2))).last == Failed("Sandbox.Timedout")
        assert await environment.exited() < 0
        assert (await collect(environment.invoke({}))).last == Failed("Runtime.ExitError")
