"""`{Q<index>_result}`: what counts as one, and that nothing else does."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_core.batch.substitution import cited, fill, filled_size

ANSWERS = {"1": "one", "-1": "minus one", "20": "{Q1_result} {0} {Q1_result.__class__} \\1 \\g<0>"}
PIECES = ["{Q1_result}", "{Q-1_result}", "{Q20_result}", "{", "}", "Q1_result", "{Q", "_result}", "é", "\n", "{0}"]


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("({Q1_result})", "(one)"),
        ("{Q1_result}{Q1_result}", "oneone"),
        ("{Q-1_result}", "minus one"),
        ("{{Q1_result}}", "{one}"),
        ('{"a": {Q1_result}}', '{"a": one}'),
        ("{Q20_result}!", ANSWERS["20"] + "!"),
    ],
)
def test_each_placeholder_gets_its_answer(text, filled):
    """Once: what an answer says is text, whatever it looks like, and braces around are kept."""
    assert fill(text, ANSWERS) == filled


@pytest.mark.parametrize(
    "text",
    [
        "{Q1_result.__class__}",
        "{Q1_result!r}",
        "{Q1_result:>1000000000}",
        "{Q1_result[0]}",
        "{Q 1_result}",
        "{Q1 _result}",
        "{Q+1_result}",
        "{Q--1_result}",
        "{Q1.0_result}",
        "{Q1e3_result}",
        "{Q1_000_result}",
        "{Q_result}",
        "{Q1_RESULT}",
        "{q1_result}",
        "{Q\u0661_result}",
        "{Q1_result",
        "Q1_result}",
        "${Q1_result\n}",
        "%(Q1_result)s",
        "{0.__globals__} {} {{}} %s $Q1_result",
    ],
)
def test_anything_else_is_text(text):
    """No attributes, no formats, no other spelling."""
    assert not cited(text)
    assert fill(text, {}) == text


def test_what_is_cited_is_counted_in_order():
    """As the prompt writes it: the same number in another spelling is another name."""
    assert list(cited("{Q20_result} {Q1_result} {Q20_result} {Q01_result}").items()) == [("20", 2), ("1", 1), ("01", 1)]


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_the_size_is_known_before(text):
    """In bytes, to the byte, so that nothing huge has to be made to be refused."""
    assert filled_size(text, ANSWERS) == len(fill(text, ANSWERS).encode())


@settings(deadline=None)
@given(st.lists(st.sampled_from(sorted(ANSWERS)) | st.text(st.characters(exclude_characters="{}")).map(list)))
def test_one_pass_over_the_prompt(parts):
    """Text stays, a placeholder gives way to its answer."""
    prompt = "".join(f"{{Q{part}_result}}" if isinstance(part, str) else "".join(part) for part in parts)
    filled = "".join(ANSWERS[part] if isinstance(part, str) else "".join(part) for part in parts)
    assert fill(prompt, ANSWERS) == filled
