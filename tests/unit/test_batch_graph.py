"""What a question waits for, and what is refused before anybody is asked."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_core.batch.graph import build
from gateway_core.batch.questions import Question
from gateway_core.domain.errors import InvalidRequest
from tests.unit.batches import batches


def concurrent(index, text="?"):
    return Question(index, text)


def sequential(index, text="?"):
    return Question(index, text, "sequential")


def waits(*questions):
    """By number, whose end each question waits for."""
    return [(node.cites, node.after) for node in build(questions)]


def refusal(*questions):
    with pytest.raises(InvalidRequest) as refused:
        build(questions)
    assert refused.value.schema
    assert refused.value.message.startswith(f"{refused.value.param}: ")
    return refused.value.param, refused.value.message


def test_the_specifications_example():
    """The second waits for the first, which it also cites; the third waits for nobody."""
    assert waits(sequential(1), sequential(2, "({Q1_result})"), concurrent(3)) == [((), None), ((1,), 1), ((), None)]


def test_sequential_ones_wait_for_the_one_before_in_the_list():
    """Whatever their indexes, and whatever stands between."""
    assert waits(sequential(9), concurrent(1), sequential(3), sequential(-5)) == [
        ((), None),
        ((), None),
        ((), 1),
        ((), 3),
    ]


def test_references_are_a_graph():
    """From and to either method, several at once, each once."""
    text = "{Q7_result} {Q-2_result} {Q7_result}"
    assert waits(concurrent(7), sequential(-2), concurrent(3, text), sequential(4, "{Q3_result}")) == [
        ((), None),
        ((), None),
        ((1, 2), None),
        ((3,), 2),
    ]


def test_earlier_is_the_place_and_not_the_index():
    """A smaller index may come later, and may be cited from there."""
    assert waits(concurrent(5), concurrent(1, "{Q5_result}"))[1] == ((1,), None)
    assert refusal(concurrent(1, "{Q5_result}"), concurrent(5))[0] == "questions.0.question"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{Q2_result}", "refers to its own answer"),
        ("{Q3_result}", "refers to question 3, which comes later in the list"),
        ("{Q4_result}", "there is no question 4"),
        ("{Q-1_result}", "there is no question -1"),
        ("{Q01_result}", "there is no question 01"),
        ("{Q-0_result}", "there is no question -0"),
        ("{Q99999999999999999999_result}", "there is no question 99999999999999999999 "),
        ("{Q" + "9" * 100_000 + "_result}", "there is no question 99999999999999999999... "),
        ("{{Q3_result}}", "question 3, which comes later"),
    ],
)
def test_references_that_lead_nowhere(text, why):
    """The error names the field and the index, not the prompt."""
    param, message = refusal(concurrent(1), concurrent(2, "secret plan " + text), concurrent(3))
    assert param == "questions.1.question"
    assert why in message
    assert "secret" not in message
    assert len(message) < 200


def test_an_index_is_used_once():
    """Also where nobody cites it."""
    assert refusal(concurrent(1), concurrent(2), sequential(1)) == (
        "questions.2.index",
        "questions.2.index: 1 is the index of another question, too.",
    )


@settings(deadline=None)
@given(batches())
def test_nobody_waits_for_what_comes_later(questions):
    """So there are no circles, whatever is asked."""
    for node in build(questions):
        assert all(number < node.number for number in node.waits_for)


@settings(deadline=None)
@given(st.lists(st.integers(), min_size=1, max_size=20), st.data())
def test_whatever_is_written_is_accepted_or_refused(indexes, data):
    """There is no third way: texts of braces, digits and underscores included."""
    text = st.text(alphabet="{}Q_result0123456789-.!:[]", max_size=40) | st.integers().map(lambda i: f"{{Q{i}_result}}")
    questions = [Question(index, data.draw(text)) for index in indexes]
    try:
        nodes = build(questions)
    except InvalidRequest:
        return
    assert [node.question for node in nodes] == questions
