"""What is written of a job comes back as it was, and adds up."""

from hypothesis import given
from hypothesis import strategies as st

from gateway_core.batch.job_log import JobAnswers, Line, pack_line, pack_questions, parse_line, parse_questions
from gateway_core.batch.questions import Answer, Question
from gateway_core.domain.answer import Cost, Usage
from gateway_core.domain.result import Attempt

texts = st.text(st.characters(exclude_categories=["Cs"]))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
options = st.dictionaries(texts, json_values, max_size=3)
questions = st.builds(
    Question,
    st.integers(-(2**53), 2**53),
    texts,
    st.sampled_from(["concurrent", "sequential"]),
    texts,
    st.none() | texts,
    texts,
    st.none() | texts,
    st.none() | options,
    st.integers(0, 10),
    st.none() | st.floats(0, 2),
    st.integers(1, 10**6),
    st.none() | texts,
    st.booleans(),
    options,
    options,
)
counts = st.integers(0, 2**53)
attempts = st.builds(Attempt, texts, texts, st.sampled_from(["ok", "failed", "skipped"]), st.none() | texts, counts)
answers = st.builds(
    Answer,
    st.integers(-(2**53), 2**53),
    st.sampled_from(["success", "error"]),
    json_values,
    st.none() | texts,
    st.none() | texts,
    st.none() | st.floats(0, 1),
    st.integers(0, 10),
    st.builds(Usage, counts, counts, counts, counts, counts),
    st.builds(Cost, counts, counts, texts),
    st.booleans(),
    counts,
    st.none() | texts,
    st.lists(attempts, max_size=3).map(tuple),
    st.none() | st.floats(0, 1e6),
)


@given(st.lists(questions, max_size=2))
def test_questions_come_back_as_they_were(asked):
    """Whatever is in them."""
    assert parse_questions(pack_questions(asked)) == asked


@given(st.integers(1, 10_000), answers, st.booleans())
def test_a_line_comes_back_as_it_was(number, answer, final):
    """It is one line, too."""
    text = pack_line(Line(number, answer, final))
    assert "\n" not in text
    assert parse_line(text) == Line(number, answer, final)


def test_what_everybody_leaves_out_takes_no_room():
    """Ten thousand short questions, at less than twenty bytes each, are far below what a command may hold."""
    assert len(pack_questions([Question(index, f"question {index}") for index in range(9000, 10_000)])) < 20_000


# What counts in sums, and no texts.
told_answers = st.builds(
    Answer,
    st.just(1),
    st.sampled_from(["success", "error"]),
    usage=st.builds(Usage, counts, counts, counts, counts, counts),
    cost=st.builds(Cost, counts, counts, st.just("list")),
    saved_nano=counts,
    cached=st.booleans(),
)


@given(st.lists(st.tuples(st.integers(1, 4), told_answers, st.booleans()), max_size=12))
def test_the_progress_is_the_sum_of_what_is_known(told):
    """However it is added: the first end of each question, and what those cost that have none yet."""
    known = JobAnswers()
    for number, answer, final in told:
        known.add(Line(number, known.whole(number, answer) if number not in known.known else answer, final))
    spent = [*known.known.values(), *known.unfinished.values()]
    progress = known.progress
    assert progress.answered == len(known.known)
    assert progress.succeeded == sum(answer.status == "success" for answer in known.known.values())
    assert progress.cost.total_nano == sum(answer.cost.total_nano for answer in spent)
    assert progress.usage == sum((answer.usage for answer in spent), Usage())
    assert progress.saved_nano == sum(answer.saved_nano for answer in known.known.values())
    assert known.lines == len(told)
    assert not known.known.keys() & known.unfinished.keys()
