"""Which answers the response cache keeps, and what becomes of requests without the store."""

from dataclasses import replace

import pytest

from gateway_core.domain.answer import ProviderAnswer, ToolCall, Usage
from gateway_core.domain.provider_errors import ProviderUnavailable
from gateway_core.store.response_cache import CachePolicy
from tests.caching import COST_NANO, HELLO, Callers, Outage, request
from tests.conftest import World, model

# What is kept.


@pytest.mark.parametrize(
    ("answer", "is_kept"),
    [
        (ProviderAnswer("hi", (), "stop", Usage(3, 1)), True),
        (ProviderAnswer("", (ToolCall("1", "f", "{}"),), "tool_calls", Usage(3, 1)), True),
        (ProviderAnswer("hi", (), "length", Usage(3, 1)), False),
        (ProviderAnswer("", (), "stop", Usage(3, 0)), False),
    ],
)
async def test_whole_answers_are_kept(world, callers, caller, answer, is_kept):
    """Others are asked for again."""
    world.behave["first"] = lambda _call: answer
    await callers.ask(caller)
    again = await callers.ask(caller)
    assert (again.cached, again.answer) == (is_kept, answer)


async def test_what_is_not_accepted_is_neither_kept_nor_given(world, callers, caller):
    """Kept without a validator, it is asked for again where one says no; the new one takes its place."""
    assert not (await callers.ask(caller, accept=lambda _answer: False)).cached
    assert not (await callers.ask(caller)).cached
    assert (await callers.ask(caller)).cached
    world.behave["first"] = lambda _call: ProviderAnswer("better", (), "stop", Usage(3, 1))
    done = await callers.ask(caller, accept=lambda answer: answer.content == "better")
    assert (done.cached, done.answer.content) == (False, "better")
    assert (await callers.ask(caller)).answer.content == "better"
    assert await world.spent() == (3 * COST_NANO - 4 * 1000, 0)


async def test_an_answer_of_another_model_is_not_kept(world, callers, caller):
    """A fallback's answer is not the one that was asked for."""
    world.behave["first"] = lambda _call: (_ for _ in ()).throw(ProviderUnavailable("down"))
    assert (await callers.ask(caller)).model.key == "second"
    assert (await callers.ask(caller)).model.key == "second"
    del world.behave["first"]
    assert (await callers.ask(caller)).model.key == "first"
    assert (await callers.ask(caller)).cached


async def test_whoever_is_the_fastest_may_have_answered(world, callers, caller):
    """Routing by latency asks nobody for a hit, and takes any of its candidates' answers."""
    fastest = request(routing="latency", fallback=False, explain=True)
    first = await callers.ask(caller, fastest)
    state = world.store.deployment_states
    world.store.deployment_states = None
    again = await callers.ask(caller, fastest)
    world.store.deployment_states = state
    assert (again.cached, again.model) == (True, first.model)
    assert not (await callers.ask(caller, request())).cached


async def test_an_answer_that_is_too_large_is_given_and_not_kept(world):
    """By configuration."""
    small = World(world.catalog, replace(world.settings, cache=CachePolicy(max_bytes=100)))
    callers = Callers(small)
    caller = await callers.caller()
    for _ in range(2):
        assert not (await callers.ask(caller)).cached
    assert small.store._state.answers == {}


async def test_keep_is_for_answers_that_became_good(world, callers, caller):
    """What a repetition gave is found by who asks the first question."""
    done = await callers.ask(caller, request(messages=HELLO * 2))
    await world.services.gateway.keep(request(), caller, done)
    again = await callers.ask(caller)
    assert (again.cached, again.answer, again.saved_nano) == (True, done.answer, done.cost.total_nano)
    await world.services.gateway.keep(request(max_output_tokens=5), caller, again)
    assert not (await callers.ask(caller, request(max_output_tokens=5))).cached


async def test_keep_raises_nothing(world, callers, caller):
    """Neither for a model that is gone meanwhile, nor for an answer that is none."""
    done = await callers.ask(caller)
    await world.services.gateway.keep(request(model_group="gone"), caller, done)
    await world.services.gateway.keep(request(max_output_tokens=9), caller, replace(done, model=model("other")))
    assert len(world.store._state.answers) == 1


async def test_a_damaged_value_is_a_miss(world, callers, caller):
    """The model is asked, and its answer takes the place of what was there."""
    await callers.ask(caller)
    ((place, (value, until)),) = world.store._state.answers.items()
    world.store._state.answers[place] = (value[:-3], until)
    assert not (await callers.ask(caller)).cached
    assert (await callers.ask(caller)).cached
    assert await world.spent() == (2 * COST_NANO, 0)


# Without the store.


async def test_a_look_up_that_fails_is_a_miss(world, callers, caller):
    """The answer comes from the model, and is not kept: that would cost another deadline."""
    outage = Outage(world.store, "look_up", "keep")
    assert not (await callers.ask(caller)).cached
    assert outage.asked == ["look_up"]
    assert '"message":"cache failed"' in world.log.getvalue()


async def test_an_answer_that_cannot_be_kept_is_given(world, callers, caller):
    """Silently for the caller; the operator is told."""
    outage = Outage(world.store, "keep")
    assert (await callers.ask(caller)).answer.content == "one two three"
    assert outage.asked == ["keep"]
    assert '"message":"cache failed"' in world.log.getvalue()


async def test_a_hit_whose_record_cannot_be_written_is_given(world, callers, caller):
    """The record goes to the log, as any does."""
    await callers.ask(caller)
    Outage(world.store, "settle")
    assert (await callers.ask(caller)).cached
    assert '"message":"usage not settled"' in world.log.getvalue()
