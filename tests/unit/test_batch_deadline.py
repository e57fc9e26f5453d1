"""The engine's deadline, and a caller who leaves. In virtual time."""

import asyncio
from contextlib import aclosing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_core.batch.engine import BatchLimits, Engine
from gateway_core.batch.graph import build
from gateway_core.batch.questions import Answer, Question
from tests.manual_clock import ManualClock
from tests.unit.batches import FATES, Fate, ScriptedAnswerer, batches
from tests.unit.engine_runs import FOREVER_S, answers_to, chain, engine, told
from tests.virtual_time import run


@settings(deadline=None)
@given(batches(), st.data(), st.sampled_from([0.0, 0.3, 1.0, 2.5, 30.0]), st.sampled_from([0.0, 0.2, 5.0]))
def test_the_batch_never_outlasts_its_limit(questions, data, timeout_s, stubborn_s):
    """Every question has one answer by then; what was answered in time is given, and the rest says why not."""
    fates = {number: data.draw(FATES) for number in range(1, len(questions) + 1)}
    answerer = ScriptedAnswerer(fates, stubborn_s)
    answers, ended_s = answers_to(questions, answerer, timeout_s, concurrency=3)
    assert ended_s <= timeout_s + 1e-6
    assert sorted(a.index for a in answers) == sorted(q.index for q in questions)
    by_index = {answer.index: answer for answer in answers}
    for number in answerer.prompts:
        answer = by_index[questions[number - 1].index]
        if number in answerer.cancelled:
            assert answer.error_code == "deadline_exceeded"
        elif not (fates[number].fails or fates[number].crashes):
            assert answer.result == f"<{number}>"
    for number in set(fates) - answerer.prompts.keys():
        assert by_index[questions[number - 1].index].error_code in {"deadline_exceeded", "dependency_failed"}


def test_what_has_not_ended_at_the_deadline_says_so():
    """What runs is cancelled, what waits is not asked, what was answered stays."""
    questions = [*chain("a", "b", "c"), Question(4, "d"), Question(5, "{Q4_result}")]
    answerer = ScriptedAnswerer({2: Fate(100), 4: Fate(100)}, stubborn_s=0.4)
    answers, ended_s = answers_to(questions, answerer, timeout_s=10)
    assert told(answers) == {1: "<1>", **dict.fromkeys((2, 3, 4, 5), "deadline_exceeded")}
    assert sorted(answerer.cancelled) == [2, 4]
    assert ended_s == pytest.approx(9.9)
    assert "raise timeout_s" in answers[-1].error_message


def test_what_takes_too_long_to_settle_is_not_waited_for():
    """The answers are given at the limit."""
    answerer = ScriptedAnswerer({1: Fate(100)}, stubborn_s=60)
    answers, ended_s = answers_to(chain("a"), answerer, timeout_s=10)
    assert (told(answers), ended_s) == ({1: "deadline_exceeded"}, pytest.approx(10))


def test_an_answer_that_comes_while_it_is_cut_counts():
    """It is paid."""

    class Late:
        async def answer(self, question, prompt, number, *, timeout_s):
            try:
                await asyncio.sleep(100)
            except asyncio.CancelledError:
                return Answer(question.index, "success", "just")

    assert told(answers_to(chain("a", "b"), Late(), timeout_s=10)[0]) == {1: "just", 2: "deadline_exceeded"}


def test_calls_are_told_how_long_they_may_take():
    """What is left of the batch, less a second for settling; never more than a single request may take."""
    answerer = ScriptedAnswerer({1: Fate(20), 2: Fate(3)})
    answers_to(chain("a", "b", "c"), answerer, timeout_s=30, question_timeout_s=25)
    assert answerer.timeouts == {1: 25, 2: pytest.approx(9), 3: pytest.approx(6)}


def test_of_a_short_batch_a_tenth_is_kept():
    """A second would be half of it."""
    answerer = ScriptedAnswerer()
    answers_to(chain("a"), answerer, timeout_s=2)
    assert answerer.timeouts == {1: pytest.approx(1.8)}


def test_nobody_is_asked_when_there_is_no_time():
    """A call that is bound to be late would be billed all the same."""
    answerer = ScriptedAnswerer()
    answers, _ = answers_to(chain("a", "b"), answerer, timeout_s=0.05)
    assert told(answers) == dict.fromkeys((1, 2), "deadline_exceeded")
    assert not answerer.prompts


def test_a_clock_that_obeys_moves_the_deadline():
    """The port's clock counts, not the loop's: when it has moved past the deadline nobody else is asked."""
    clock, asked = ManualClock(), []

    class Slow:
        async def answer(self, question, prompt, number, *, timeout_s):
            asked.append(number)
            await clock.sleep(4)
            return Answer(question.index, "success", "slow")

    async def collect():
        slow = Engine(Slow(), clock, BatchLimits(16, FOREVER_S, 1000), [].append)
        return [answer async for answer in slow.run(build(chain(*"abcd")), timeout_s=10)]

    assert told(run(collect())) == {1: "slow", 2: "slow", 3: "slow", 4: "deadline_exceeded"}
    assert asked == [1, 2, 3]


def test_a_caller_who_leaves_cancels_what_runs_and_waits_for_it():
    """Nothing is asked afterwards, and nothing runs on."""
    answerer = ScriptedAnswerer({2: Fate(100), 3: Fate(100)}, stubborn_s=5)
    questions = [*chain("a", "b", method="concurrent"), Question(3, "c"), Question(4, "{Q1_result}{Q2_result}")]

    async def leave():
        async with aclosing(engine(answerer).run(build(questions), timeout_s=FOREVER_S)) as answers:
            first = await anext(answers)
        return first.index, len(asyncio.all_tasks()), asyncio.get_running_loop().time()

    assert run(leave()) == (1, 1, pytest.approx(6))
    assert (sorted(answerer.cancelled), set(answerer.prompts)) == ([2, 3], {1, 2, 3})


def test_being_cancelled_settles_too():
    """As when the platform ends the request."""
    answerer = ScriptedAnswerer({1: Fate(100)}, stubborn_s=5)

    async def all_of():
        return [answer async for answer in engine(answerer).run(build(chain("a")), timeout_s=FOREVER_S)]

    async def cancel():
        task = asyncio.create_task(all_of())
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return len(asyncio.all_tasks()), asyncio.get_running_loop().time()

    assert run(cancel()) == (1, pytest.approx(6))
    assert answerer.cancelled == [1]
