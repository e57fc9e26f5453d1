"""A conversation that began with another provider: what only that one understands is left out for the others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from gateway_core.domain.answer import ProviderAnswer
from gateway_core.domain.chat import Json, ProviderCall
from local.providers import create_app
from local.serving import serve
from tests.contract.litellm_paths import EACH, EACH_NAME, Path
from tests.contract.streaming import DEEPSEEK, GEMINI, Heard, StreamDesk, opened, tool

THOUGHT = "I recall the rain in Portree."
every_path = pytest.mark.parametrize("path", EACH, ids=EACH_NAME)


@pytest.fixture(scope="module")
async def booth() -> AsyncIterator[StreamDesk]:
    with serve(create_app()) as url:
        async with opened(url) as made:
            yield made


@pytest.fixture
async def desk(booth: StreamDesk) -> StreamDesk:
    return await booth.cleared()


def going_on(desk: StreamDesk, path: Path, *said: Json, call_id: str) -> ProviderCall:
    """A call whose conversation has these answers, the last of which called a tool."""
    question = {"role": "user", "content": "Weather?"}
    result = {"role": "tool", "tool_call_id": call_id, "content": "Rain."}
    return replace(desk.call(path, tools=[tool("weather")]), messages=(question, *said, result))


def calling(call_id: str, **more: str) -> Json:
    """An answer that called the tool."""
    called = {"id": call_id, "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    return {"role": "assistant", "tool_calls": [called], **more}


@every_path
@pytest.mark.parametrize("streamed", [True, False], ids=["stream", "whole"])
async def test_reasoning_goes_back_to_who_wants_it(path: Path, desk: StreamDesk, *, streamed: bool) -> None:
    """The conversation goes on with all of them, and the caller's messages stay as they were."""
    call = going_on(desk, path, calling("c1", reasoning_content=THOUGHT), call_id="c1")
    if streamed:
        assert (await Heard().listen(desk.provider.stream(call))).end[0] == "stop"
    else:
        assert (await desk.provider.complete(call)).finish_reason == "stop"
    (body,) = await desk.bodies()
    assert (THOUGHT in str(body)) == (path == DEEPSEEK)
    assert call.messages[1]["reasoning_content"] == THOUGHT


@every_path
async def test_a_signature_goes_back_to_who_signed(path: Path, desk: StreamDesk) -> None:
    """Gemini gets its own again; the others get an id that is as short as their own."""
    signed = await call_of_gemini(desk)
    (called,) = signed.tool_calls
    assert "__thought__" in called.id
    signature = called.id.partition("__thought__")[2]
    call = going_on(desk, path, calling(called.id), call_id=called.id)
    assert (await desk.provider.complete(call)).finish_reason == "stop"
    body = str((await desk.bodies())[-1])
    assert "__thought__" not in body
    assert (signature in body) == (path == GEMINI)
    assert call.messages[2]["tool_call_id"] == called.id


async def call_of_gemini(desk: StreamDesk) -> ProviderAnswer:
    """An answer of Gemini's that calls the tool."""
    return await desk.provider.complete(desk.call(GEMINI, "[[tool=weather]]", tools=[tool("weather")]))
