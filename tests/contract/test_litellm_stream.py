"""Streams from the provider simulator: real wire formats, and its own count as the oracle."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from gateway_core.domain.answer import ToolCall
from gateway_core.domain.provider_errors import ContentFilterError
from local.providers import create_app
from local.serving import serve
from tests.contract.litellm_paths import EACH, EACH_NAME, PATHS, Path
from tests.contract.streaming import ANTHROPIC, DEEPSEEK, GEMINI, OPENAI, RESPONSES, StreamDesk, opened, tool

every_path = pytest.mark.parametrize("path", EACH, ids=EACH_NAME)
TOOLS = [tool("get_weather"), tool("get_tide")]


@pytest.fixture(scope="module")
async def booth() -> AsyncIterator[StreamDesk]:
    with serve(create_app()) as url:
        async with opened(url) as desk:
            yield desk


@pytest.fixture
async def desk(booth: StreamDesk) -> StreamDesk:
    return await booth.cleared()


@every_path
async def test_text_comes_in_pieces(path: Path, desk: StreamDesk) -> None:
    """Each as the provider sent it, then the end with every token that it counted."""
    heard = await desk.hear(path, "[[say=The otters of Skye 🦦 sleep.]]")
    assert heard.text == "The otters of Skye 🦦 sleep."
    assert [chunk.text for chunk in heard.chunks[:2]] == ["The", " otters"]
    assert heard.end == ("stop", await desk.oracle())
    assert (await desk.counted())["calls"] == 1


@every_path
async def test_tool_calls_come_in_pieces(path: Path, desk: StreamDesk) -> None:
    """Several in one answer, told apart by their index."""
    heard = await desk.hear(path, "[[tool=get_weather,get_tide]]", tools=TOOLS)
    assert [call.name for call in heard.tool_calls] == ["get_weather", "get_tide"]
    assert [json.loads(call.arguments) for call in heard.tool_calls] == [{"city": "text"}] * 2
    assert len({call.id for call in heard.tool_calls} - {""}) == 2
    assert (heard.text, heard.end) == ("", ("tool_calls", await desk.oracle()))


@pytest.mark.parametrize("path", [ANTHROPIC, GEMINI, DEEPSEEK], ids=lambda path: path.provider)
async def test_reasoning_comes_before_the_text(path: Path, desk: StreamDesk) -> None:
    """Where the provider shows it."""
    heard = await desk.hear(path, "[[reasoning=4]][[say=So it is.]]", reasoning_effort="low")
    assert (len(heard.reasoning.split()), heard.text) == (4, "So it is.")
    kinds = [bool(chunk.reasoning) for chunk in heard.chunks]
    assert kinds == sorted(kinds, reverse=True)
    assert heard.end == ("stop", await desk.oracle())


@every_path
@pytest.mark.parametrize("wish", ["[[cached=16]]", "[[reasoning=20]]", "[[words=400]]", "[[say=one]]"])
async def test_a_stream_says_what_a_whole_answer_says(path: Path, wish: str, desk: StreamDesk) -> None:
    """The same content, finish reason and usage, whichever way it is asked for."""
    text = f"{wish} " + "word " * 60
    whole, heard = await desk.provider.complete(desk.call(path, text)), await desk.hear(path, text)
    told = (heard.text, heard.reasoning, *heard.end)
    assert told == (whole.content, whole.reasoning, whole.finish_reason, whole.usage)
    assert (await desk.counted())["calls"] == 2


async def test_what_is_written_to_a_cache_is_counted(desk: StreamDesk) -> None:
    """Anthropic reports it at the beginning of the stream only."""
    heard = await desk.hear(ANTHROPIC, "[[cache_write=16]][[cached=8]] " + "word " * 60)
    _, usage = heard.end
    assert (usage.cache_write_tokens, usage.cached_input_tokens) == (16, 8)
    assert usage == await desk.oracle()


@every_path
async def test_an_answer_that_hits_the_limit_says_so(path: Path, desk: StreamDesk) -> None:
    """And is billed."""
    heard = await desk.hear(path, "[[words=500]]", limit=32)
    finish, usage = heard.end
    assert (finish, usage) == ("length", await desk.oracle())
    assert usage.output_tokens == 32


@every_path
async def test_usage_is_asked_for_where_it_must_be(path: Path, desk: StreamDesk) -> None:
    """OpenAI's chat wire reports none otherwise; the others do not know the option."""
    await desk.hear(path)
    (body,) = await desk.bodies()
    asked = {"include_usage": True} if path in (OPENAI, DEEPSEEK) else None
    assert body.get("stream_options") == asked
    assert body.get("stream", True) is True


async def test_openai_is_told_not_to_store_a_stream(desk: StreamDesk) -> None:
    """The Responses API would keep it for 30 days."""
    await desk.hear(RESPONSES)
    assert (await desk.bodies())[0]["store"] is False


async def test_dropped_options_are_named_once(desk: StreamDesk) -> None:
    """By the first chunk, whatever it holds."""
    heard = await desk.hear(RESPONSES, "[[say=Two words]]", temperature=0.7, seed=3)
    assert [chunk.dropped_params for chunk in heard.chunks] == [("seed", "temperature"), (), ()]


@every_path
async def test_an_answer_without_content_still_ends(path: Path, desk: StreamDesk) -> None:
    """Its only chunk has all there is to say."""
    (chunk,) = (await desk.hear(path, "[[say=]]", verbosity="low", top_k=3, seed=7)).chunks
    assert (chunk.is_content, chunk.finish_reason) == (False, "stop")
    assert {"verbosity", "top_k", "seed"} & set(chunk.dropped_params)


@every_path
async def test_a_refusal_is_a_filtered_answer(path: Path, desk: StreamDesk) -> None:
    """What it says until then is delivered, and billed."""
    error, heard = await desk.failure(path, "[[refuse]][[say=I will not.]]")
    assert (type(error), heard.text, heard.open) == (ContentFilterError, "I will not.", True)
    assert (error.usage, error.unconfirmed) == (await desk.oracle(), False)


async def test_a_schema_by_way_of_a_tool_is_text(desk: StreamDesk) -> None:
    """LiteLLM asks older Claude models for JSON through a tool: nobody called one."""
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "place", "schema": schema}}
    call = desk.call(ANTHROPIC, "Where?", response_format=wanted)
    call = replace(call, deployment=replace(call.deployment, upstream_model="claude-3-5-haiku-20241022"))
    text, finish = "", ""
    async for chunk in desk.provider.stream(call):
        assert chunk.tool_calls == ()
        text, finish = text + chunk.text, chunk.finish_reason or finish
    assert (json.loads(text), finish) == ({"city": "text"}, "stop")
    assert (await desk.bodies())[0]["tools"]


async def test_calls_of_a_stream_can_be_answered(desk: StreamDesk) -> None:
    """Ids go back to the provider that gave them."""
    for path in PATHS:
        (call,) = (await desk.hear(path, "[[tool]]", tools=TOOLS[:1])).tool_calls
        asked = desk.call(path, "[[tool]]", tools=TOOLS[:1])
        more: Any = [
            {"role": "assistant", "content": None, "tool_calls": [_asked(call)]},
            {"role": "tool", "tool_call_id": call.id, "content": "Rain."},
        ]
        chunks = [chunk async for chunk in desk.provider.stream(replace(asked, messages=(*asked.messages, *more)))]
        assert chunks[-1].finish_reason == "stop"


async def test_parallel_streams_do_not_mix(desk: StreamDesk) -> None:
    """Each has its own text, its own end and its own tokens."""
    numbers = range(10)
    wishes = [f"[[reasoning={n}]][[say={'otter ' * (n + 1)}number {n}.]][[pace=1]]" for n in numbers]
    streams = [desk.hear(PATHS[n % 5], wishes[n]) for n in numbers]
    heard = await asyncio.gather(*streams)
    assert [one.text for one in heard] == [f"{'otter ' * (n + 1)}number {n}." for n in numbers]
    usages = [one.end[1] for one in heard]
    assert sum(usages[1:], usages[0]) == await desk.oracle()
    assert [usage.reasoning_tokens for usage in usages] == list(numbers)


def _asked(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
