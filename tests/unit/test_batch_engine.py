"""The engine: order, concurrency, failures, the deadline, and a caller who leaves. In virtual time."""

import asyncio
from contextlib import aclosing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_core.batch.engine import BatchLimits, Engine
from gateway_core.batch.graph import build
from gateway_core.batch.questions import Answer, Question
from tests.manual_clock import ManualClock
from tests.unit.batches import FATES, Fate, ScriptedAnswerer, batches, expected_prompt
from tests.virtual_time import LoopClock, run

FOREVER_S = 1e6


def engine(answerer, crashes=None, concurrency=16, question_timeout_s=FOREVER_S, prompt_bytes=10_000):
    limits = BatchLimits(concurrency, question_timeout_s, prompt_bytes)
    return Engine(answerer, LoopClock(), limits, [].append if crashes is None else crashes.append)


def answers_to(questions, answerer, timeout_s=FOREVER_S, **limits):
    """All answers in the order in which they were given, and when the last one was."""

    async def collect():
        given_answers = [
            answer async for answer in engine(answerer, **limits).run(build(questions), timeout_s=timeout_s)
        ]
        return given_answers, asyncio.get_running_loop().time()

    return run(collect())


def chain(*texts, method="sequential"):
    return [Question(index, text, method) for index, text in enumerate(texts, 1)]


def told(answers):
    return {answer.index: answer.error_code or answer.result for answer in answers}


@settings(deadline=None)  # a busy machine is no failure
@given(batches(), st.data(), st.integers(1, 4))
def test_each_question_is_asked_when_its_turn_has_come(questions, data, concurrency):
    """Once, with the answers that it cites, after all that it waits for, with few enough beside it."""
    nodes = build(questions)
    answerer = ScriptedAnswerer({node.number: data.draw(FATES) for node in nodes})
    answers, _ = answers_to(questions, answerer, concurrency=concurrency)
    assert sorted(a.index for a in answers) == sorted(q.index for q in questions)
    status = {answer.index: answer.status for answer in answers}
    assert answerer.most_at_once <= concurrency
    for node in nodes:
        lacks = [n for n in node.cites if status[questions[n - 1].index] == "error"]
        assert (node.number in answerer.prompts) == (not lacks)
        if lacks:
            continue
        assert answerer.prompts[node.number] == expected_prompt(node)
        fate = answerer.fates[node.number]
        assert (status[node.question.index] == "error") == (fate.fails or fate.crashes)
        for number in node.waits_for & answerer.ended_s.keys():
            assert answerer.ended_s[number] <= answerer.begun_s[node.number]


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


def test_independent_questions_run_at_once_and_are_given_as_they_come():
    """The slowest decides when all are there."""
    fates = {1: Fate(3), 2: Fate(1), 3: Fate(2)}
    answers, ended_s = answers_to(chain("a", "b", "c", method="concurrent"), ScriptedAnswerer(fates))
    assert [answer.index for answer in answers] == [2, 3, 1]
    assert ended_s == pytest.approx(3)


def test_sequential_questions_run_one_after_the_other():
    """Concurrent ones do not wait for them."""
    questions = [*chain("a", "b", "c"), Question(4, "d")]
    answers, ended_s = answers_to(questions, ScriptedAnswerer())
    assert [answer.index for answer in answers] == [1, 4, 2, 3]
    assert ended_s == pytest.approx(3)


def test_so_many_at_once():
    """Ten of a second each, four at a time: three seconds, in list order."""
    answerer = ScriptedAnswerer()
    answers, ended_s = answers_to(chain(*"abcdefghij", method="concurrent"), answerer, concurrency=4)
    assert (answerer.most_at_once, ended_s) == (4, pytest.approx(3))
    assert [answer.index for answer in answers] == list(range(1, 11))


def test_whose_turn_has_come_is_asked_in_list_order():
    """Also those whose turn came later than that of others behind them."""
    questions = [Question(1, "a"), Question(2, "{Q1_result}"), Question(3, "c"), Question(4, "d")]
    answers, _ = answers_to(questions, ScriptedAnswerer(), concurrency=1)
    assert [answer.index for answer in answers] == [1, 2, 3, 4]


def test_a_failure_ends_what_cites_it_and_nothing_else():
    """Without a call, each naming the one before; a sequential question that does not cite it is asked."""
    questions = [
        Question(10, "a", "sequential"),
        Question(20, "{Q10_result}", "sequential"),
        Question(30, "{Q20_result}"),
        Question(40, "free", "sequential"),
    ]
    answerer = ScriptedAnswerer({1: Fate(fails=True)})
    answers, _ = answers_to(questions, answerer)
    by_index = {answer.index: answer for answer in answers}
    assert told(answers) == {10: "provider_error", 20: "dependency_failed", 30: "dependency_failed", 40: "<4>"}
    assert by_index[20].error_message == (
        "Not asked: it needs the answer to question 10, which failed (provider_error)."
    )
    assert "question 20, which failed (dependency_failed)" in by_index[30].error_message
    assert set(answerer.prompts) == {1, 4}


def test_a_failed_citation_does_not_let_its_successor_overtake():
    """The third waits for the first: the second fails only when its turn would have come."""
    questions = [
        Question(0, "fails at once"),
        Question(1, "slow", "sequential"),
        Question(2, "{Q0_result}", "sequential"),
        Question(3, "last", "sequential"),
    ]
    answerer = ScriptedAnswerer({1: Fate(0, fails=True), 2: Fate(5)})
    answers_to(questions, answerer)
    assert answerer.begun_s[4] == pytest.approx(5)


def test_a_long_chain_of_failures_is_no_recursion():
    """Five thousand fall like dominoes."""
    questions = chain("a", *(f"{{Q{index}_result}}" for index in range(1, 5000)))
    answers, _ = answers_to(questions, ScriptedAnswerer({1: Fate(fails=True)}))
    assert {answer.error_code for answer in answers[1:]} == {"dependency_failed"}
    assert len(answers) == 5000


def test_an_answer_is_never_filled_in_again():
    """Placeholders in an answer are its text, also two questions later."""

    class Hostile:
        async def answer(self, question, prompt, number, *, timeout_s):
            prompts.append(prompt)
            return Answer(question.index, "success", "{Q1_result} {Q3_result} {0.__class__}")

    prompts: list[str] = []
    answers_to(chain("a", "<{Q1_result}>", "<{Q2_result}>"), Hostile())
    assert prompts == ["a", *["<{Q1_result} {Q3_result} {0.__class__}>"] * 2]


def test_a_parsed_object_is_cited_as_json():
    """In the characters that it has."""

    class Objects:
        async def answer(self, question, prompt, number, *, timeout_s):
            prompts.append(prompt)
            return Answer(question.index, "success", {"größe": [1, None]})

    prompts: list[str] = []
    answers_to(chain("a", "{Q1_result}"), Objects())
    assert prompts[1] == '{"größe": [1, null]}'


def test_a_prompt_that_would_grow_too_large_is_not_made():
    """A few bytes may name a long answer thousands of times; what follows such a question fails with it."""
    questions = chain("a", "{Q1_result}" * 100, "{Q2_result}", "free")
    answerer = ScriptedAnswerer()
    answers, _ = answers_to(questions, answerer, prompt_bytes=299)
    assert told(answers) == {1: "<1>", 2: "invalid_request", 3: "dependency_failed", 4: "<4>"}
    assert "longer than 299 bytes" in answers[1].error_message
    assert told(answers_to(questions, ScriptedAnswerer(), prompt_bytes=300)[0])[2] == "<2>"


def test_a_crash_is_one_questions_error():
    """The others go on; the text of the exception reaches nobody."""
    crashes: list[BaseException] = []
    answerer = ScriptedAnswerer({1: Fate(crashes=True)})
    answers, _ = answers_to(chain("a", "b"), answerer, crashes=crashes)
    assert told(answers) == {1: "internal_error", 2: "<2>"}
    assert [type(error) for error in crashes] == [ZeroDivisionError]
    assert "prompt text" not in answers[0].error_message


def test_a_library_that_cancels_by_itself_is_a_crash():
    """Nobody wanted this question to end."""

    class Cancelling:
        async def answer(self, question, prompt, number, *, timeout_s):
            if number == 1:
                raise asyncio.CancelledError
            return Answer(question.index, "success", "fine")

    assert told(answers_to(chain("a", "b"), Cancelling())[0]) == {1: "internal_error", 2: "fine"}


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
