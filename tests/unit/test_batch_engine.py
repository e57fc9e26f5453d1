"""The engine: order, concurrency and failures. In virtual time."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_core.batch.graph import build
from gateway_core.batch.questions import Answer, Question
from tests.unit.batches import FATES, Fate, ScriptedAnswerer, batches, expected_prompt
from tests.unit.engine_runs import answers_to, chain, told


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
