"""The emulator is as strict as Lambda where the other tests rely on it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import httpx
import pytest

from tests.lambda_runtime.emulator.answer import collect
from tests.lambda_runtime.emulator.environment import Function, deployed
from tests.lambda_runtime.emulator.fronts import lambda_api
from tests.lambda_runtime.emulator.runtime_api import MOST_BYTES, MOST_WHOLE_BYTES, End, Failed, RuntimeApi, too_large
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


@pytest.mark.parametrize(
    ("sent", "last"),
    [
        (b"x" * MOST_WHOLE_BYTES, End()),
        (b"x" * (MOST_WHOLE_BYTES + 1), too_large()),
        ([b"x" * 50] * 2, End()),
        ([b"x" * 50] * 3, Failed("Runtime.TruncatedResponse")),
    ],
    ids=["whole", "whole, too large", "streamed", "streamed, too large"],
)
async def test_answers_have_to_fit(sent, last):
    """6 MB where they are whole, 200 MB where they stream (here 100 bytes)."""

    async def parts():
        for part in sent:
            yield part

    content = sent if isinstance(sent, bytes) else parts()
    async with RuntimeApi().serve() as api, httpx.AsyncClient(timeout=patience(30)) as http:
        api.most_streamed_bytes = 100
        answer = asyncio.ensure_future(collect(api.invoke(b"{}", patience(10))))
        root = f"http://{api.address}/2018-06-01/runtime/invocation"
        request_id = (await http.get(f"{root}/next")).headers["lambda-runtime-aws-request-id"]
        try:
            status = (await http.post(f"{root}/{request_id}/response", content=content)).status_code
        except httpx.TransportError:
            status = 0
        assert (await answer).last == last
        assert (status == 202) is isinstance(last, End)


@pytest.mark.parametrize(("kind", "most"), MOST_BYTES.items())
async def test_events_have_to_fit(kind, most):
    """6 MB where somebody waits for the answer, 1 MB where nobody does."""
    asked = []

    async def invoke(event, timeout_s=0.0):
        asked.append(event)
        yield End()

    url = "/2015-03-31/functions/probe/invocations"
    async with lambda_api({"probe": SimpleNamespace(invoke=invoke)}) as base, httpx.AsyncClient(base_url=base) as http:
        told = [
            (await http.post(url, content=b'"%b"' % (b"x" * size), headers={"x-amz-invocation-type": kind})).status_code
            for size in (most - 2, most - 1)
        ]
    assert (told, len(asked)) == ([200, 413], 1)


async def test_a_function_that_does_not_end_is_ended():
    """At the timeout its process is killed, and the environment takes no more events."""
    async with deployed(Function(handler="probe.blocking")) as environment:
        assert (await collect(environment.invoke({}, 0.2))).last == Failed("Sandbox.Timedout")
        assert await environment.exited() < 0
        assert (await collect(environment.invoke({}))).last == Failed("Runtime.ExitError")
