"""What Claude takes on Bedrock beyond other models: marks for its cache, and its own signed thoughts over turns."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest

from gateway_core.domain.answer import ToolCall
from gateway_core.wires.anthropic.thoughts import OWN_SIGNATURE, thoughts_in, with_thoughts
from local.providers import create_app
from local.providers.bedrock.rules import signature_of
from local.providers.control import Control
from local.serving import serve
from tests.contract.simulator_desk import WEATHER
from tests.contract.test_litellm_bedrock import BOTH, MODEL, SIGNED, Asker, provider_at

MARK = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}
POINT = {"cachePoint": {"type": "default"}}
OLD = "anthropic.claude-3-opus-20240229-v1:0"
UNHEARD_OF = "anthropic.claude-opus-99-v1:0"
NOVA = "amazon.nova-lite-v1:0"


@pytest.fixture(scope="module")
def root() -> Iterator[str]:
    """The simulator."""
    with serve(create_app()) as url:
        yield url


@pytest.fixture
def simulator(root: str) -> Iterator[Control]:
    """Its controls, with nothing set and nothing counted."""
    with Control(root) as control:
        control.reset()
        yield control


@pytest.fixture
async def asker(root: str, simulator: Control) -> AsyncIterator[Asker]:
    """Who asks there, and signs."""
    base = f"{root}/bedrock"
    provider = provider_at(base, SIGNED)
    yield Asker(provider, base)
    await provider.close()


async def ask(asker: Asker, *messages: Any, streams: bool = False, model: str = MODEL, **params: Any) -> Any:
    """The call ids and what was dropped, for a conversation behind the asker's own first words."""
    call = asker.call("[[tool]] Hi.", *messages, model=model, **params)
    if not streams:
        answer = await asker.provider.complete(call)
        return answer.tool_calls, answer.dropped_params
    chunks = [chunk async for chunk in asker.provider.stream(call)]
    deltas = [delta for chunk in chunks for delta in chunk.tool_calls]
    named = [ToolCall(delta.id, delta.name, "") for delta in deltas if delta.name]
    return tuple(named), {name for chunk in chunks for name in chunk.dropped_params}


def sent_by(simulator: Control, number: int = -1) -> Any:
    """The body of a request."""
    return simulator.calls()["requests"][number]["body"]


def calling(*ids: str, **more: Any) -> dict[str, Any]:
    """A turn of the assistant's that called."""
    function = {"name": "get_weather", "arguments": '{"city": "Ulm"}'}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": one, "type": "function", "function": function} for one in ids],
        **more,
    }


def results(*ids: str, **more: Any) -> list[dict[str, Any]]:
    return [{"role": "tool", "tool_call_id": one, "content": "Sun.", **more} for one in ids]


def user(content: Any, **more: Any) -> dict[str, Any]:
    return {"role": "user", "content": content, **more}


@pytest.mark.parametrize(
    "messages",
    [
        [user([{"type": "text", "text": "a", "cache_control": MARK}, {"type": "text", "text": "b"}])],
        [user("a", cache_control=MARK)],
        [user([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], cache_control=MARK)],
        [{"role": "assistant", "content": "a", "cache_control": MARK}, user("b")],
        [calling("1", cache_control=MARK), *results("1")],
        [calling("1"), *results("1", cache_control=MARK)],
    ],
    ids=["part", "text", "parts", "assistant", "calls", "result"],
)
async def test_a_mark_is_a_point_behind_what_it_marks(asker, simulator, messages):
    """Wherever it stands. It is one point, and nothing is named as left out."""
    _, dropped = await ask(asker, {"role": "assistant", "content": "Yes?"}, *_after(messages), tools=[WEATHER])
    assert "cache_control" not in dropped
    found = [block for message in sent_by(simulator)["messages"] for block in message["content"]]
    assert found.count(POINT) == 1
    marked = found[found.index(POINT) - 1]
    assert marked != POINT


def _after(messages: list[Any]) -> list[Any]:
    """The assistant never speaks twice in a row."""
    return messages if messages[0]["role"] == "user" else [user("Go on."), *messages]


async def test_system_and_tools_are_marked(asker, simulator):
    """Each in the place that Converse has for it; an hour stays one where the model has it."""
    call = asker.call("Hi.", tools=[{**WEATHER, "cache_control": HOUR}])
    system = {"role": "system", "content": [{"type": "text", "text": "Be brief.", "cache_control": HOUR}]}
    answer = await asker.provider.complete(_with(call, (system, *call.messages[1:])))
    assert "cache_control" not in answer.dropped_params
    body = sent_by(simulator)
    hour = {"cachePoint": {"type": "default", "ttl": "1h"}}
    assert body["system"] == [{"text": "Be brief."}, hour]
    assert body["toolConfig"]["tools"][1] == hour


def _with(call: Any, messages: Any) -> Any:
    return replace(call, messages=messages)


@BOTH
@pytest.mark.parametrize("model", [NOVA, OLD, UNHEARD_OF])
async def test_what_has_no_marks_is_not_sent_any(asker, simulator, model, streams):
    """It would refuse the request; that they were left out is said."""
    marked = {**WEATHER, "cache_control": MARK}
    _, dropped = await ask(asker, *_told(user("b", cache_control=MARK)), model=model, streams=streams, tools=[marked])
    assert "cache_control" in dropped
    assert "cachePoint" not in str(sent_by(simulator))


def _told(*messages: Any) -> list[Any]:
    return [{"role": "assistant", "content": "Yes?"}, *messages]


async def test_an_hour_that_becomes_five_minutes_is_named(asker, simulator):
    """By models without it; the mark itself is set."""
    model = "anthropic.claude-3-7-sonnet-20250219-v1:0"
    _, dropped = await ask(asker, *_told(user("b", cache_control=HOUR)), model=model)
    assert "cache_control" in dropped
    assert POINT in sent_by(simulator)["messages"][-1]["content"]


@BOTH
async def test_thoughts_go_back_with_the_calls_that_they_led_to(asker, simulator, streams):
    """Signed as they came, which the simulator checks; the next turn thinks on."""
    asked = {"tools": [WEATHER], "reasoning_effort": "low"}
    call = asker.call("[[reasoning=7]] [[tool]] Weather?", **asked)
    if streams:
        chunks = [chunk async for chunk in asker.provider.stream(call)]
        (made,) = [delta for chunk in chunks for delta in chunk.tool_calls if delta.name]
    else:
        (made,) = (await asker.provider.complete(call)).tool_calls
    (thought,) = thoughts_in(made.id)
    assert thought["signature"] == signature_of(thought["thinking"])
    more = _with(call, (*call.messages, calling(made.id), *results(made.id)))
    await asker.provider.complete(more)
    body = sent_by(simulator)
    said = body["messages"][1]["content"]
    told = {"text": thought["thinking"], "signature": thought["signature"]}
    assert said[0] == {"reasoningContent": {"reasoningText": told}}
    used = said[1]["toolUse"]["toolUseId"]
    assert "__thought__" not in used
    assert body["messages"][2]["content"][0]["toolResult"]["toolUseId"] == used
    assert body["additionalModelRequestFields"]["thinking"]["type"] == "enabled"


def thought(text: str, **more: str) -> dict[str, Any]:
    return {"type": "thinking", "thinking": text, "signature": signature_of(text), **more}


@pytest.mark.parametrize(
    "turn",
    [
        calling("1"),
        calling(with_thoughts("1", [4, thought("late")])),
        calling(with_thoughts("1", [thought("a")]), with_thoughts("2", [thought("b")])),
        calling(with_thoughts("1", [thought("a"), {"type": "redacted_thinking", "data": "YQ=="}])),
        calling("1", thinking_blocks=[thought("a", signature=OWN_SIGNATURE)]),
    ],
    ids=["none", "behind a text", "between calls", "hidden", "another's"],
)
async def test_thoughts_that_cannot_go_back_as_they_came_stay(asker, simulator, turn):
    """LiteLLM would change their place or their form, and the request be refused: it goes on without thinking."""
    ids = [call["id"] for call in turn["tool_calls"]]
    _, dropped = await ask(asker, turn, *results(*ids), tools=[WEATHER], reasoning_effort="low")
    body = sent_by(simulator)
    assert "reasoningContent" not in str(body["messages"])
    assert "thinking" not in body.get("additionalModelRequestFields", {})
    assert "reasoning_effort" in dropped


async def test_others_are_sent_no_thoughts(asker, simulator):
    """Nova has not signed them."""
    turn = calling(with_thoughts("1", [thought("a")]))
    await ask(asker, turn, *results(turn["tool_calls"][0]["id"]), model=NOVA, tools=[WEATHER])
    assert "reasoningContent" not in str(sent_by(simulator))
