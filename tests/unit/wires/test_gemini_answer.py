"""What Gemini's bodies say, whole and streamed."""

from __future__ import annotations

import json
import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.domain.answer import Chunk, ToolCall, ToolCallDelta, Usage
from gateway_core.wires.gemini.codec import GEMINI_CODEC
from gateway_core.wires.gemini.record import GEMINI
from tests.unit.wires.gemini_calls import call_with, called, calling, contents, result, user

CALL = call_with()
PING = {"functionCall": {"name": "ping"}}


def body(*parts, **candidate):
    return {"candidates": [{"content": {"role": "model", "parts": list(parts)}, "index": 0, **candidate}]}


def answered(*parts, **candidate):
    return GEMINI_CODEC.answer(CALL, body(*parts, **candidate))


def streamed(*events):
    reader = GEMINI_CODEC.reader(CALL)
    return [reader.chunk(event) for event in events], reader


def test_texts_and_thoughts_are_told_apart():
    """How it ended and what it used are the record's to say."""
    found = answered(
        {"text": "hm ", "thought": True},
        {"text": "so", "thought": True},
        {"text": "Hel"},
        {"text": "lo", "thoughtSignature": "SIG"},
        finishReason="STOP",
        avgLogprobs=math.log(0.5),
    )
    assert (found.content, found.reasoning) == ("Hello", "hm so")
    assert (found.finish_reason, found.usage, found.tool_calls) == ("", Usage(), ())
    assert found.confidence == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("args", "arguments"),
    [
        ({}, "{}"),
        ({"args": None}, "{}"),
        ({"args": {}}, "{}"),
        ({"args": {"q": "é", "n": 1.5}}, '{"q": "é", "n": 1.5}'),
        ({"args": {"q": "\ud800"}}, '{"q": "?"}'),
    ],
)
def test_arguments_are_json_even_where_there_are_none(args, arguments):
    """`args` is optional; whole and streamed it is the same."""
    part = {"functionCall": {"name": "ping", "id": "c1", **args}}
    assert answered(part).tool_calls == (ToolCall("c1", "ping", arguments),)
    (chunk,), reader = streamed(body(part, finishReason="STOP"))
    assert chunk.tool_calls == (ToolCallDelta(0, "c1", "ping", arguments),)
    assert reader.called
    assert reader.last() == Chunk()


def test_a_call_without_arguments_ends_as_a_call():
    """As it does with some."""
    assert GEMINI.finish_of(body(PING, finishReason="STOP")) == "tool_calls"


def test_calls_without_ids_get_their_own():
    """Two of an answer differ even if they are the same otherwise, and streamed they are the same as whole."""
    whole = [call.id for call in answered(PING, PING).tool_calls]
    chunks, _ = streamed(body(PING), body({"text": "and"}), body(PING))
    assert [piece.id for chunk in chunks for piece in chunk.tool_calls] == whole
    assert len(set(whole)) == 2
    assert all(one.startswith("call_") and len(one) <= 40 for one in whole)
    assert [piece.index for chunk in chunks for piece in chunk.tool_calls] == [0, 1]


def test_a_signature_travels_in_the_id_and_comes_back():
    """Clients keep ids; 20 kB is what some models sign with."""
    signature = "Ab+/" * 5000
    part = {"functionCall": {"name": "look_up", "args": {"q": "x"}, "id": "c1"}, "thoughtSignature": signature}
    (made,) = answered(part).tool_calls
    assert made.id == f"c1__thought__{signature}"
    turns = contents(user("q"), called(calling(made.id, made.arguments)), result(made.id, "r"))
    assert turns[1]["parts"] == [part]


@pytest.mark.parametrize(
    "empty",
    [
        {},
        {"candidates": []},
        {"candidates": None},
        {"candidates": ["x"]},
        {"candidates": [{"finishReason": "STOP"}]},
        {"candidates": [{"content": {"role": "model"}, "finishReason": "MAX_TOKENS"}]},
        {"candidates": [{"content": None, "finishReason": "MALFORMED_FUNCTION_CALL"}]},
        {"promptFeedback": {"blockReason": "SAFETY"}},
        body({"text": ""}),
        body({"executableCode": {"language": "PYTHON", "code": "1"}}, {"codeExecutionResult": {"output": "1"}}, None),
    ],
)
def test_a_body_may_say_nothing(empty):
    """It is the record that judges how it ended."""
    found = GEMINI_CODEC.answer(CALL, empty)
    assert (found.content, found.tool_calls, found.reasoning, found.confidence) == ("", (), "", None)
    (chunk,), reader = streamed(empty)
    assert not chunk.is_content
    assert not reader.called


def test_no_body_is_no_answer():
    """Not even an empty one: a list reads as nothing, and has no end."""
    assert GEMINI_CODEC.answer(CALL, None).content == ""
    assert GEMINI.finish_of(None) == ""


@pytest.mark.parametrize(
    "part",
    [
        {"text": 7},
        {"functionCall": {"args": {}}},
        {"functionCall": {"name": 3}},
        {"functionCall": {"name": "f", "args": "{}"}},
        {"functionCall": {"name": "f", "args": [1]}},
        {"functionCall": None},
        {"functionCall": {"name": "f"}, "thoughtSignature": 5},
    ],
)
def test_what_is_no_text_and_no_call_is_refused(part):
    """Rather than invented."""
    with pytest.raises((TypeError, ValueError)):
        answered(part)
    with pytest.raises((TypeError, ValueError)):
        streamed(body(part))


def cut(text, places):
    marks = sorted({0, len(text), *(place % (len(text) + 1) for place in places)})
    return [text[begin:end] for begin, end in pairwise(marks)]


@given(
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30),
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30),
    st.lists(st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3), max_size=2), max_size=3),
    st.lists(st.integers(0, 100), max_size=5),
)
def test_a_stream_says_what_the_whole_says(thought, text, argued, places):
    """Wherever it is cut."""
    calls = [{"functionCall": {"name": "f", "args": args}} for args in argued]
    whole = answered({"text": thought, "thought": True}, {"text": text}, *calls)
    events = [body({"text": piece, "thought": True}) for piece in cut(thought, places)]
    events += [body({"text": piece}) for piece in cut(text, places)]
    chunks, _ = streamed(*events, *(body(one) for one in calls))
    assert "".join(chunk.text for chunk in chunks) == whole.content == text
    assert "".join(chunk.reasoning for chunk in chunks) == whole.reasoning == thought
    pieces = [piece for chunk in chunks for piece in chunk.tool_calls]
    assert [ToolCall(piece.id, piece.name, piece.arguments) for piece in pieces] == list(whole.tool_calls)
    assert [json.loads(piece.arguments) for piece in pieces] == argued
