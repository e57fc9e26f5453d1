"""The streaming runtime under AWS's own Runtime Interface Emulator, in both of its modes."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway_core.lambda_stream import prelude
from tests.lambda_runtime.emulator import rie
from tests.lambda_runtime.emulator.events import rest_event

WORKERS = 2


@pytest.fixture(scope="module")
def binary() -> Path:
    """The emulator's program."""
    found = rie.binary()
    if found is None:
        pytest.skip("aws-sam-cli brings no Runtime Interface Emulator for this machine")
    return found


@pytest.fixture(scope="module")
async def plain(binary, gate, tmp_path_factory) -> AsyncIterator[rie.Rie]:
    """Lambda as it is by default."""
    folder = tmp_path_factory.mktemp("rie")
    async with rie.plain(binary, folder, {"GATE_PORT": str(gate.port)}) as emulator:
        yield emulator


@pytest.fixture(scope="module")
async def managed(binary, gate, tmp_path_factory) -> AsyncIterator[rie.Rie]:
    """Lambda Managed Instances."""
    if reason := rie.obstacle():
        pytest.skip(f"Managed Instances mode cannot run here: {reason}")
    folder = tmp_path_factory.mktemp("managed")
    async with rie.managed_instance(binary, folder, {"GATE_PORT": str(gate.port)}, WORKERS) as emulator:
        yield emulator


async def test_plain_mode_takes_a_stream(plain):
    """Prelude, separator and body arrive whole, and the next invocation is served."""
    await echoed(plain)


async def test_managed_mode_takes_a_stream(managed):
    """As in plain mode."""
    await echoed(managed)


async def test_plain_mode_survives_a_cut_answer(plain):
    """Our trailers are small enough for Go's server: the environment lives on."""
    assert (await plain.invoke(rest_event("GET", "/cut?" + "x" * 2000))).content.endswith(b"partial")
    assert (await plain.invoke(rest_event("GET", "/many-headers"))).content.endswith(bytes(range(256)))


async def test_plain_mode_gets_function_errors(plain):
    """What fails before the status line goes the ordinary way."""
    assert (await plain.invoke(rest_event("GET", "/early"))).json()["errorType"] == "KeyError"
    assert (await plain.invoke({"source": "aws.events"})).json() == {"ignored": True}


async def test_managed_mode_reads_our_trailers(managed):
    """It reports the type that the trailers name, which it does for `Function.` names only."""
    answer = await managed.invoke(rest_event("GET", "/cut"))
    assert answer.headers["error-type"] == "Function.ValueError"
    assert answer.json()["errorType"] == "Function.ValueError"


async def test_managed_mode_streams_from_several_processes(managed, gate):
    """Each of the invocations that are open at once has a worker of its own."""
    asked = [asyncio.create_task(managed.invoke(rest_event("GET", "/meet"))) for _ in range(WORKERS)]
    met = [await gate.hold() for _ in asked]
    assert len({pid for pid, _ in met}) == WORKERS
    for _, app in met:
        gate.release(app)
    for answer in asked:
        head, body = prelude.decode((await answer).content)
        assert (head.status, body) == (200, b"met")


async def echoed(emulator: rie.Rie) -> None:
    for body in (b"one", b"two"):
        answer = await emulator.invoke(rest_event("POST", "/echo", body=body))
        head, rest = prelude.decode(answer.content)
        assert (head.status, json.loads(rest)["path"]) == (201, "/live/echo")
        assert base64.b64decode(json.loads(rest)["body"]) == body
