"""When configuration is read again, and what counts as news."""

from hypothesis import given
from hypothesis import strategies as st

from gateway_core.config.freshness import Freshness, is_due, version_of

TIMES = st.floats(0, 1e9)


@given(read_s=TIMES, now_s=TIMES, max_age_s=st.floats(0.001, 86_400))
def test_it_is_due_from_its_age_on(read_s, now_s, max_age_s):
    """And when the clock went back, which says nothing about the age."""
    assert is_due(read_s, now_s, max_age_s) == (now_s < read_s or now_s - read_s >= max_age_s)


@given(now_s=TIMES, max_age_s=st.floats(0.001, 86_400))
def test_what_was_never_read_is_due(now_s, max_age_s):
    """As after a snapshot is restored."""
    assert is_due(None, now_s, max_age_s)


@given(read_s=st.none() | TIMES, now_s=TIMES)
def test_zero_turns_it_off(read_s, now_s):
    """Whatever the time."""
    assert not is_due(read_s, now_s, 0)


def test_news_are_neither_in_use_nor_refused():
    """What was refused stays refused until something else is accepted."""
    known = Freshness("v1", 0.0, 0.0)
    assert [known.is_news(version) for version in ("v1", "v2")] == [False, True]
    known = known.rejected("v2")
    assert [known.is_news(version) for version in ("v1", "v2", "v3")] == [False, False, True]
    known = known.accepted("v3")
    assert [known.is_news(version) for version in ("v1", "v2", "v3")] == [True, True, False]


@given(st.lists(st.tuples(st.text(), st.text()), max_size=3), st.lists(st.tuples(st.text(), st.text()), max_size=3))
def test_a_version_tells_documents_apart(one, other):
    """By names, texts and their order; moving text from one document to the next makes another version."""
    assert (version_of(one) == version_of(other)) == (one == other)
    assert len(version_of(one)) == 16
