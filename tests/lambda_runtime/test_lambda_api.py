"""The function behind Lambda's own API, as other functions call it: boto3 against the emulator."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from gateway_core.lambda_stream import prelude
from tests.lambda_runtime.emulator.events import rest_event
from tests.lambda_runtime.emulator.fronts import lambda_api


@pytest.fixture(scope="module")
async def client(probe) -> AsyncIterator[Any]:
    """The official client, with no retries and no credentials of anybody."""
    async with lambda_api({"probe": probe}) as url:
        found = boto3.client(
            "lambda",
            endpoint_url=url,
            region_name="eu-central-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
        )
        yield found
        found.close()


def payload(target: str) -> bytes:
    return json.dumps(rest_event("GET", target)).encode()


async def stream(client, target: str) -> Any:
    call = client.invoke_with_response_stream
    return (await asyncio.to_thread(call, FunctionName="probe", Payload=payload(target)))["EventStream"]


async def test_an_invoked_stream_comes_chunk_by_chunk(client, gate):
    """The caller has an event's bytes while the function waits to make the next."""
    events = iter(await stream(client, "/steps"))
    said, app = await gate.hold()
    head, rest = prelude.decode((await asyncio.to_thread(next, events))["PayloadChunk"]["Payload"])
    assert (said, head.status, rest) == ("before 0", 200, b"")
    gate.release(app)
    assert (await asyncio.to_thread(next, events))["PayloadChunk"]["Payload"] == b"data: 0\n\n"
    await gate.hear()
    await gate.hear()
    rest = [event async for event in remaining(events)]
    assert [sorted(event) for event in rest] == [["PayloadChunk"], ["PayloadChunk"], ["InvokeComplete"]]
    assert "ErrorCode" not in rest[-1]["InvokeComplete"]


async def test_an_invoked_stream_that_was_cut_says_so(client):
    """The last event has the error's type."""
    *chunks, last = [event async for event in remaining(iter(await stream(client, "/cut")))]
    assert chunks[-1]["PayloadChunk"]["Payload"] == b"partial"
    assert last["InvokeComplete"]["ErrorCode"] == "Function.ValueError"


async def test_a_plain_invoke_gets_the_same_bytes(client):
    """Lambda collects the stream: prelude, separator and body in one payload."""
    answer = await asyncio.to_thread(client.invoke, FunctionName="probe", Payload=payload("/echo"))
    head, body = prelude.decode(answer["Payload"].read())
    assert (head.status, json.loads(body)["path"]) == (201, "/live/echo")
    assert "FunctionError" not in answer


async def test_a_function_error_is_one_for_the_caller(client):
    """What is raised before the status line is in the payload, and marked."""
    answer = await asyncio.to_thread(client.invoke, FunctionName="probe", Payload=payload("/early"))
    assert (answer["FunctionError"], json.load(answer["Payload"])["errorType"]) == ("Unhandled", "KeyError")


async def test_a_name_that_is_not_deployed_is_unknown(client):
    """As in Lambda."""
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        await asyncio.to_thread(client.invoke, FunctionName="another", Payload=payload("/echo"))


async def remaining(events: Any) -> AsyncIterator[Any]:
    """The rest of a blocking iterator."""
    end = object()
    while (event := await asyncio.to_thread(next, events, end)) is not end:
        yield event
