"""Whole words out of pieces."""

from hypothesis import given
from hypothesis import strategies as st

from gateway_core.api.word_buffer import WordBuffer
from gateway_core.domain.answer import Chunk, ToolCallDelta


def run(*chunks):
    words = WordBuffer()
    out = [chunk for given in chunks for chunk in words.push(given)]
    return out + words.flush()


def test_text_goes_out_at_gaps():
    """A piece ends behind white space; what is open waits."""
    texts = [chunk.text for chunk in run(*(Chunk(text=t) for t in ("Hel", "lo wor", "ld, how ar", "e you")))]
    assert texts == ["Hello ", "world, how ", "are ", "you"]


def test_other_content_lets_text_go():
    """Order is kept: held text goes before a tool call, and with the end."""
    call = Chunk(tool_calls=(ToolCallDelta(0, "c", "f", "{}"),))
    assert run(Chunk(text="look"), call) == [Chunk(text="look"), call]
    assert run(Chunk(text="so"), Chunk(text="me", finish_reason="stop")) == [Chunk(text="some", finish_reason="stop")]


@given(st.lists(st.text(alphabet="ab \n", max_size=5)))
def test_nothing_is_lost_and_words_are_whole(parts):
    """Whatever the pieces, the text is the same, and no chunk but the last ends inside a word."""
    out = [chunk.text for chunk in run(*(Chunk(text=part) for part in parts))]
    assert "".join(out) == "".join(parts)
    assert all(text[-1].isspace() for text in out[:-1])
