"""Equal questions at once: one asks, and nobody waits for longer than it may."""

import asyncio

import pytest

from gateway_core.domain.answer import Cost, ProviderAnswer, Usage
from gateway_core.domain.errors import DeadlineExceeded
from gateway_core.pipeline.single_flight import SingleFlight
from gateway_core.store.kept_answers import KeptAnswer
from tests.loop_time import loop_time

ANSWER = KeptAnswer(ProviderAnswer("hi", (), "stop", Usage()), "first", Cost(0, 0, "list"))


async def waiting(flights, count, key="q"):
    """So many requests that wait for their turn."""
    tasks = [asyncio.create_task(flights.join(key, 60)) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


async def test_who_comes_first_leads():
    """Others wait until it has landed, and have its answer at once."""
    flights = SingleFlight()
    first = await flights.join("q", 60)
    tasks = await waiting(flights, 3)
    assert first.leads
    assert not any(task.done() for task in tasks)
    first.land(ANSWER)
    turns = await asyncio.gather(*tasks)
    assert [(turn.leads, turn.answer) for turn in turns] == [(False, ANSWER)] * 3


async def test_other_questions_do_not_wait():
    """Each has its own flight."""
    flights = SingleFlight()
    assert (await flights.join("q", 60)).leads
    assert (await flights.join("other", 60)).leads


async def test_an_answer_that_is_nobody_elses_sends_all_on():
    """Each asks for itself, none waits for another."""
    flights = SingleFlight()
    first = await flights.join("q", 60)
    tasks = await waiting(flights, 3)
    first.land(None)
    turns = await asyncio.gather(*tasks)
    assert [(turn.leads, turn.answer) for turn in turns] == [(False, None)] * 3


async def test_who_ends_without_an_answer_hands_over_to_one():
    """A failure is not shared: the next one leads, the rest goes on waiting."""
    flights = SingleFlight()
    first = await flights.join("q", 60)
    second, third = await waiting(flights, 2)
    first.end()
    turn = await second
    await asyncio.sleep(0)
    assert turn.leads
    assert not third.done()
    turn.land(ANSWER)
    assert (await third).answer == ANSWER


async def test_who_comes_after_the_landing_asks_anew():
    """By then the answer is in the store."""
    flights = SingleFlight()
    first = await flights.join("q", 60)
    first.land(ANSWER)
    later = await flights.join("q", 60)
    assert (later.leads, later.answer) == (True, None)
    first.end()
    assert len(flights) == 1
    later.end()
    assert len(flights) == 0


async def test_nobody_waits_beyond_its_deadline():
    """What was left of it decides, not the leader's."""
    flights = SingleFlight()
    first = await flights.join("q", 60)
    for left_s in (0, -5):
        with pytest.raises(DeadlineExceeded):
            await flights.join("q", left_s)
    first.end()
    assert len(flights) == 0


async def test_who_leaves_while_it_waits_is_forgotten():
    """The one behind it takes its place."""
    flights = SingleFlight()
    first = await flights.join("q", 60)
    second, third = await waiting(flights, 2)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    first.end()
    turn = await third
    assert turn.leads
    turn.end()
    turn.end()
    assert len(flights) == 0


async def test_only_the_one_that_leads_can_land():
    """A late word of a follower changes nothing."""
    flights = SingleFlight()
    first = await flights.join("q", 60)
    (task,) = await waiting(flights, 1)
    first.land(ANSWER)
    first.land(None)
    follower = await task
    newer = await flights.join("q", 60)
    follower.land(None)
    (next_one,) = await waiting(flights, 1)
    assert newer.leads
    assert not next_one.done()
    newer.land(ANSWER)
    assert (await next_one).answer == ANSWER


async def test_a_short_deadline_is_not_made_longer():
    """Half a second is half a second."""
    flights = SingleFlight()
    await flights.join("q", 60)
    with loop_time() as time:
        late = asyncio.ensure_future(flights.join("q", 0.5))
        await asyncio.sleep(0)
        await time.passes(0.49)
        assert not late.done()
        await time.passes(0.02)
        assert late.done()
    with pytest.raises(DeadlineExceeded) as caught:
        await late
    assert caught.value.message == (
        "An equal request did not answer before this one's deadline. Raise timeout_s or try again."
    )
