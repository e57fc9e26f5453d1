"""Tool calls of a stream are told apart whatever the provider numbers them by."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway_core.domain.answer import ToolCallDelta
from gateway_core.wires.calls import CallNumbers


def test_pieces_belong_to_the_call_of_their_index() -> None:
    """Whatever the indexes are, ours count from 0."""
    calls = CallNumbers()
    assert calls.delta(4, "a", "f", "") == ToolCallDelta(0, "a", "f")
    assert calls.delta(9, "b", "g", "{") == ToolCallDelta(1, "b", "g", "{")
    assert calls.delta(4, "", "", "[]") == ToolCallDelta(0, arguments="[]")
    assert calls.delta(9, "", "", "}") == ToolCallDelta(1, arguments="}")


def test_a_repeated_id_and_name_are_told_once() -> None:
    """Whoever puts the pieces together would repeat them."""
    calls = CallNumbers()
    calls.delta(0, "a", "f", "")
    assert calls.delta(0, "a", "f", "{}") == ToolCallDelta(0, arguments="{}")
    assert calls.delta(0, "a", "f", "") is None


def test_an_id_or_a_name_that_comes_late_is_told_then() -> None:
    """Some begin with an index alone."""
    calls = CallNumbers()
    assert calls.delta(0, "", "", "") == ToolCallDelta(0)
    assert calls.delta(0, "a", "", "") == ToolCallDelta(0, "a")
    assert calls.delta(0, "a", "f", "") == ToolCallDelta(0, "", "f")


def test_another_id_is_another_call() -> None:
    """Even with the same index: some give all calls the index 0."""
    calls = CallNumbers()
    calls.delta(0, "a", "f", "{}")
    assert calls.delta(0, "b", "f", "{}") == ToolCallDelta(1, "b", "f", "{}")
    assert calls.delta(0, "", "", " ") == ToolCallDelta(1, arguments=" ")


def test_a_piece_without_index_goes_on_with_the_last_call() -> None:
    """Unless its id begins another."""
    calls = CallNumbers()
    assert not calls.any
    assert calls.delta(None, "a", "f", "") == ToolCallDelta(0, "a", "f")
    assert calls.delta(None, "", "", "{}") == ToolCallDelta(0, arguments="{}")
    assert calls.delta(None, "b", "g", "") == ToolCallDelta(1, "b", "g")
    assert calls.any


@given(st.lists(st.tuples(st.integers(0, 4), st.text("ab", max_size=2)), max_size=40), st.booleans())
def test_whatever_the_order_each_call_gets_its_own_arguments(pieces: list[tuple[int, str]], again: bool) -> None:
    """Interleaved calls with one index each, which repeat their id and name or do not."""
    calls, told = CallNumbers(), dict[int, list[str]]()
    begun: list[int] = []
    for index, text in pieces:
        new = index not in begun
        begun += [index] if new else []
        known = (f"id{index}", f"name{index}") if new or again else ("", "")
        if delta := calls.delta(index, *known, text):
            for place, piece in enumerate((delta.id, delta.name, delta.arguments)):
                told.setdefault(delta.index, ["", "", ""])[place] += piece
    assert list(told) == list(range(len(begun)))
    for number, index in enumerate(begun):
        assert told[number] == [f"id{index}", f"name{index}", "".join(text for at, text in pieces if at == index)]
