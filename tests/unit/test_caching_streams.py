"""Streams with the response cache: what of a hit is streamed, and when a stream is kept."""

from contextlib import aclosing

from gateway_core.domain.answer import ProviderAnswer, ToolCall, Usage
from gateway_core.domain.result import Completion, Opened
from gateway_core.store.kept_answers import PIECE
from tests.caching import request


async def test_a_hit_is_streamed(world, callers, caller):
    """Who answers, its text in pieces, its tool calls, its end; what a stream gave is found whole, and the reverse."""
    text = "word " * PIECE
    answer = ProviderAnswer(text, (ToolCall("1", "f", '{"a": 1}'),), "tool_calls", Usage(3, 4))
    world.behave["first"] = lambda _call: answer
    fresh = await callers.stream(caller)
    opened, *chunks, done = await callers.stream(caller)
    assert isinstance(fresh[-1], Completion)
    assert not fresh[-1].cached
    assert (opened.model.key, opened.attempts, opened.cached) == ("first", 0, True)
    assert isinstance(opened, Opened)
    assert "".join(chunk.text for chunk in chunks) == text
    assert max(len(chunk.text) for chunk in chunks) == PIECE
    assert [delta.arguments for chunk in chunks for delta in chunk.tool_calls] == ['{"a": 1}']
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == ["tool_calls"]
    assert (done.cached, done.answer, done.cost.total_nano) == (True, answer, 0)
    assert (await callers.ask(caller)).answer == answer
    assert len(callers.called) == 1


async def test_reasoning_is_streamed_before_the_text(world, callers, caller):
    """As providers do."""
    world.behave["first"] = lambda _call: ProviderAnswer("hi", (), "stop", Usage(3, 1), reasoning="hm")
    await callers.ask(caller)
    _opened, thought, said, _end, _done = await callers.stream(caller)
    assert (thought.reasoning, said.text) == ("hm", "hi")


async def test_a_stream_is_kept_before_its_end_is_told(world, callers, caller):
    """Who has read it to the end finds it."""
    async with aclosing(world.services.gateway.stream(request(), caller, "req_s", timeout_s=60)) as parts:
        async for part in parts:
            if isinstance(part, Completion):
                assert (await callers.ask(caller)).cached


async def test_what_is_not_accepted_is_neither_streamed_nor_kept(world, callers, caller):
    """As of whole answers."""
    await callers.ask(caller)
    *_, done = await callers.stream(caller, accept=lambda _answer: False)
    assert not done.cached
    world.behave["first"] = lambda _call: ProviderAnswer("better", (), "stop", Usage(3, 1))
    *_, done = await callers.stream(caller, accept=lambda answer: answer.content == "better")
    assert (done.cached, done.answer.content) == (False, "better")
    *_, done = await callers.stream(caller, accept=lambda answer: answer.content == "better")
    assert (done.cached, done.answer.content) == (True, "better")


async def test_a_stream_without_cache_goes_straight_through(callers, caller):
    """As a whole answer does."""
    for _ in range(2):
        parts = await callers.stream(caller, request(cache=False))
        assert not parts[-1].cached
    assert len(callers.called) == 2


async def test_a_hit_that_is_left_early_is_in_the_books(world, callers, caller):
    """It was given."""
    await callers.ask(caller)
    stream = world.services.gateway.stream(request(), caller, "req_s", timeout_s=60)
    assert (await anext(stream)).cached
    await stream.aclose()
    assert (await world.records())[-1].cache_hit
