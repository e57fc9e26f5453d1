"""Streams of Anthropic's Messages."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.domain.answer import Chunk, ToolCall
from gateway_core.wires.anthropic.codec import ANTHROPIC_CODEC
from gateway_core.wires.anthropic.thoughts import thoughts_in
from tests.unit.wires.claude import LOOK_UP, call

JSON_MODE = {"response_format": {"type": "json_object"}}


def start(index: int, **block: Any) -> dict[str, Any]:
    """A block begins."""
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, kind: str, **more: Any) -> dict[str, Any]:
    """It grows."""
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **more}}


def stop(index: int) -> dict[str, Any]:
    """It ends."""
    return {"type": "content_block_stop", "index": index}


def said(index: int, *texts: str) -> list[dict[str, Any]]:
    """A block of text."""
    return [start(index, type="text", text=""), *(delta(index, "text_delta", text=one) for one in texts), stop(index)]


def used(index: int, *pieces: str, name: str = "look_up", **more: Any) -> list[dict[str, Any]]:
    """A block of a call."""
    block = {"type": "tool_use", "id": f"toolu_{index}", "name": name, "input": {}, **more}
    return [start(index, **block), *(delta(index, "input_json_delta", partial_json=one) for one in pieces), stop(index)]


def thought(index: int, *texts: str, signature: str = "sig") -> list[dict[str, Any]]:
    """A block of thinking."""
    return [
        start(index, type="thinking", thinking="", signature=""),
        *(delta(index, "thinking_delta", thinking=one) for one in texts),
        delta(index, "signature_delta", signature=signature),
        stop(index),
    ]


def read(events: Iterable[dict[str, Any]], **params: Any) -> tuple[list[Chunk], bool]:
    """What the events say, and whether a call began."""
    reader = ANTHROPIC_CODEC.reader(call(**params))
    chunks = [reader.chunk(event) for event in events]
    return [*chunks, reader.last()], reader.called


def whole(events: Iterable[dict[str, Any]], **params: Any) -> tuple[str, str, list[ToolCall]]:
    """Text, reasoning and calls, put together."""
    chunks, _ = read(events, **params)
    pieces = [piece for chunk in chunks for piece in chunk.tool_calls]
    calls = [
        ToolCall(*("".join(getattr(piece, name) for piece in pieces if piece.index == index) for name in _FIELDS))
        for index in sorted({piece.index for piece in pieces})
    ]
    return "".join(chunk.text for chunk in chunks), "".join(chunk.reasoning for chunk in chunks), calls


_FIELDS = ("id", "name", "arguments")


def test_text_comes_as_it_is_said() -> None:
    """An event a chunk, and nothing for what holds no content."""
    events = [{"type": "message_start", "message": {}}, *said(0, "a", "b"), {"type": "ping"}, {"type": "message_stop"}]
    chunks, called = read(events)
    assert [chunk.text for chunk in chunks if chunk.is_content] == ["a", "b"]
    assert not called


def test_a_block_may_begin_with_its_text() -> None:
    """Some servers send it so."""
    assert whole([start(0, type="text", text="a"), stop(0)])[0] == "a"
    assert whole([start(0, type="thinking", thinking="hm"), stop(0)])[1] == "hm"


def test_the_pieces_of_a_call() -> None:
    """Id and name first, then arguments as they come."""
    chunks, called = read(used(1, "", '{"q"', ': "x"}'))
    pieces = [piece for chunk in chunks for piece in chunk.tool_calls]
    assert [(piece.id, piece.name, piece.arguments) for piece in pieces] == [
        ("toolu_1", "look_up", ""),
        ("", "", '{"q"'),
        ("", "", ': "x"}'),
    ]
    assert called


def test_calls_are_told_apart() -> None:
    """Whatever their ids are."""
    events = [*used(1, '{"q": 1}', id=""), *used(2, '{"q": 2}', id="")]
    assert [made.arguments for made in whole(events)[2]] == ['{"q": 1}', '{"q": 2}']


@pytest.mark.parametrize(("given_", "arguments"), [({}, "{}"), (None, "{}"), ({"q": 1}, '{"q": 1}')])
def test_a_call_without_pieces(given_: Any, arguments: str) -> None:
    """It has no arguments, or has told them as it began."""
    assert whole(used(0, input=given_))[2] == [ToolCall("toolu_0", "look_up", arguments)]
    assert whole(used(0, "", input=given_))[2][0].arguments == arguments


def test_thoughts_are_shown_and_travel_in_the_id() -> None:
    """With their signatures; redacted ones are not shown."""
    redacted = {"type": "redacted_thinking", "data": "opaque"}
    events = [
        *thought(0, "h", "m"),
        start(1, **redacted),
        stop(1),
        *said(2, "a"),
        *used(3, "{}"),
        *thought(4, "ah"),
        *used(5, "{}"),
        *used(6, "{}"),
    ]
    _, reasoning, calls = whole(events)
    assert reasoning == "hmah"
    assert [thoughts_in(made.id) for made in calls] == [
        [{"type": "thinking", "thinking": "hm", "signature": "sig"}, redacted, 1],
        [{"type": "thinking", "thinking": "ah", "signature": "sig"}],
        [],
    ]
    assert calls[2].id == "toolu_6"


def test_unknown_blocks_and_deltas_are_passed_over() -> None:
    """Those of server tools, citations, and what is invented later."""
    events = [
        start(0, type="server_tool_use", id="s", name="web_search", input={}),
        delta(0, "input_json_delta", partial_json="{}"),
        stop(0),
        start(1, type="text", text=""),
        delta(1, "citations_delta", citation={}),
        {"type": "new"},
        *said(2, "a"),
    ]
    assert whole(events) == ("a", "", [])


@pytest.mark.parametrize(
    "event",
    [
        {"type": "content_block_delta"},
        delta(0, "text_delta"),
        {"type": "content_block_start"},
        delta(0, "text_delta", text=1),
    ],
)
def test_an_event_that_does_not_hold_what_it_should_raises(event: dict[str, Any]) -> None:
    """Nothing is invented."""
    reader = ANTHROPIC_CODEC.reader(call())
    with pytest.raises((AttributeError, KeyError, TypeError)):
        reader.chunk(event)


class TestJsonMode:
    """The answering tool's arguments are the text."""

    def test_the_text_is_json_as_it_comes(self) -> None:
        """And no call has begun, so that the answer ends with `stop`."""
        chunks, called = read(used(0, '{"a"', ": 1}", name="json_answer"), **JSON_MODE)
        assert [chunk.text for chunk in chunks if chunk.is_content] == ['{"a"', ": 1}"]
        assert not called

    def test_an_answer_of_nothing(self) -> None:
        """An empty object."""
        assert whole(used(0, name="json_answer"), **JSON_MODE) == ("{}", "", [])

    def test_words_and_further_answers_are_no_part_of_it(self) -> None:
        """They would spoil the JSON."""
        events = [
            *said(0, "Sure:"),
            *used(1, "{}", name="json_answer"),
            *used(2, "[]", name="json_answer"),
            *said(3, "!"),
        ]
        assert whole(events, **JSON_MODE) == ("{}", "", [])

    def test_a_call_of_the_callers_is_a_call(self) -> None:
        """Without words."""
        text, _, calls = whole([*said(0, "Let me see."), *used(1, "{}")], tools=[LOOK_UP], **JSON_MODE)
        assert (text, [made.name for made in calls]) == ("", ["look_up"])

    def test_words_without_an_answer_are_told_at_the_end(self) -> None:
        """A refusal comes so."""
        chunks, _ = read(said(0, "I will ", "not."), **JSON_MODE)
        assert chunks[-1] == Chunk(text="I will not.")


_BLOCKS = st.lists(
    st.one_of(
        st.builds(lambda said: {"type": "text", "text": said}, st.text(max_size=5)),
        st.builds(lambda said: {"type": "thinking", "thinking": said, "signature": "sig"}, st.text(max_size=5)),
        st.builds(lambda said: {"type": "redacted_thinking", "data": said}, st.text(min_size=1, max_size=3)),
        st.builds(
            lambda name, given_: {"type": "tool_use", "name": name, "input": given_},
            st.sampled_from(["look_up", "json_answer"]),
            st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
        ),
    ),
    max_size=6,
)


@given(_BLOCKS, st.integers(1, 4), st.sampled_from([{}, JSON_MODE]))
def test_a_stream_says_what_the_whole_answer_says(blocks: list[dict[str, Any]], size: int, params: Any) -> None:
    """Wherever it is cut."""
    numbered = [{**block, "id": f"toolu_{n}"} if "input" in block else block for n, block in enumerate(blocks)]
    made = ANTHROPIC_CODEC.answer(call(**params), {"content": numbered})
    events = [event for index, block in enumerate(numbered) for event in _streamed(index, block, size)]
    assert whole(events, **params) == (made.content, made.reasoning, list(made.tool_calls))


def _streamed(index: int, block: dict[str, Any], size: int) -> list[dict[str, Any]]:
    def cut(text: str) -> list[str]:
        return [text[at : at + size] for at in range(0, len(text), size)]

    match block["type"]:
        case "text":
            return said(index, *cut(block["text"]))
        case "thinking":
            return thought(index, *cut(block["thinking"]), signature=block["signature"])
        case "tool_use":
            pieces = cut(json.dumps(block["input"], ensure_ascii=False)) if block["input"] else []
            return used(index, *pieces, name=block["name"], id=block["id"])
        case _:
            return [start(index, **block), stop(index)]
