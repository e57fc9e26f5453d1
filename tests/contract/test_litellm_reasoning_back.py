"""An answer's reasoning that a client sends back: one provider wants it, the others know no such field."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from local.providers import create_app
from local.serving import serve
from tests.contract.litellm_paths import NAMES, PATHS, Path
from tests.contract.streaming import DEEPSEEK, Heard, StreamDesk, opened, tool

THOUGHT = "I recall the rain in Portree."
CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
HISTORY = (
    {"role": "user", "content": "Weather?"},
    {"role": "assistant", "tool_calls": [CALL], "reasoning_content": THOUGHT},
    {"role": "tool", "tool_call_id": "c1", "content": "Rain."},
)


@pytest.fixture(scope="module")
async def desk() -> AsyncIterator[StreamDesk]:
    with serve(create_app()) as url:
        async with opened(url) as made:
            yield made


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
@pytest.mark.parametrize("streamed", [True, False], ids=["stream", "whole"])
async def test_reasoning_goes_back_to_who_wants_it(path: Path, desk: StreamDesk, *, streamed: bool) -> None:
    """The conversation goes on with all of them, and the caller's messages stay as they were."""
    await desk.cleared()
    call = replace(desk.call(path, tools=[tool("weather")]), messages=HISTORY)
    if streamed:
        assert (await Heard().listen(desk.provider.stream(call))).end[0] == "stop"
    else:
        assert (await desk.provider.complete(call)).finish_reason == "stop"
    (body,) = await desk.bodies()
    assert (THOUGHT in str(body)) == (path is DEEPSEEK)
    assert call.messages[1]["reasoning_content"] == THOUGHT
