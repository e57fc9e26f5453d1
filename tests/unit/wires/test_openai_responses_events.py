"""What a stream of OpenAI's Responses says, event by event."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.domain.answer import Chunk, ToolCall, ToolCallDelta
from gateway_core.wires.openai_responses import OPENAI_RESPONSES
from gateway_core.wires.openai_responses.carried import lead_of, origin_of
from gateway_core.wires.openai_responses.codec import OPENAI_RESPONSES_CODEC
from tests.unit.wires.response_events import (
    CALL,
    MESSAGE,
    added,
    all_arguments,
    arguments,
    completed,
    done,
    event,
    reader,
    streamed,
)
from tests.unit.wires.response_inputs import HI, REASONING
from tests.unit.wires.responses import CODEX, call


def test_text_comes_piece_by_piece():
    """And not again once it is whole."""
    made = reader()
    events = [
        {"type": "response.created", "response": {"status": "in_progress", "output": []}},
        added({"type": "message", "content": []}),
        event("content_part.added", content_index=0, part={"type": "output_text", "text": ""}),
        event("output_text.delta", content_index=0, delta="Hel", logprobs=[]),
        {"type": "keepalive", "sequence_number": 3},
        event("output_text.delta", content_index=0, delta="lo"),
        event("output_text.done", content_index=0, text="Hello"),
        event("content_part.done", content_index=0, part=MESSAGE["content"][0]),
        done(MESSAGE),
        completed(MESSAGE),
    ]
    said = [chunk for chunk in map(made.chunk, events) if chunk.is_content]
    assert said == [Chunk(text="Hel"), Chunk(text="lo")]
    assert made.last() == Chunk()
    assert not made.called


def test_refusals_are_no_text():
    """A part of its own, in pieces of its own."""
    refused = {"type": "message", "content": [{"type": "refusal", "refusal": "I can't."}]}
    events = [event("refusal.delta", delta="I ca"), event("refusal.delta", delta="n't."), done(refused)]
    assert streamed(*events) == replace(streamed(), refusal="I can't.")
    assert streamed(done(refused)) == streamed(*events)


def test_a_message_that_comes_whole():
    """After one that came in pieces, too, and with a text beside a refusal."""
    both = {"type": "message", "content": [*MESSAGE["content"], {"type": "refusal", "refusal": "No."}]}
    assert streamed(event("output_text.delta", delta="A"), done(MESSAGE), done(both, 1)) == replace(
        streamed(), content="AHello", refusal="No."
    )
    assert streamed(event("output_text.delta", delta="Hello"), done(both)).refusal == "No."
    unended = [event("output_text.delta", delta="A"), added(MESSAGE, 1), done(MESSAGE, 1)]
    assert streamed(*unended).content == "AHello"


def test_reasoning_in_paragraphs():
    """Parts of a summary, and items, are apart; pieces of a part are not."""
    summary = [{"type": "summary_text", "text": "One."}, {"type": "summary_text", "text": "Two."}]
    first = [
        event("reasoning_summary_text.delta", summary_index=0, delta="On"),
        event("reasoning_summary_text.delta", summary_index=0, delta="e."),
        event("reasoning_summary_text.delta", summary_index=0, delta=""),
        event("reasoning_summary_text.delta", summary_index=1, delta="Two."),
        done({"type": "reasoning", "summary": summary}),
    ]
    open_ = {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "Three."}]}
    second = [event("reasoning_text.delta", 1, content_index=0, delta="Three."), done(open_, 1)]
    assert streamed(*first, *second).reasoning == "One.\n\nTwo.\n\nThree."
    assert streamed(first[-1], second[-1]).reasoning == "One.\n\nTwo.\n\nThree."
    unnumbered = [{name: one[name] for name in one if not name.endswith("_index")} for one in second]
    assert streamed(*unnumbered, *unnumbered).reasoning == "Three.\n\nThree."


CALLS = {
    "as documented": [added(CALL), arguments('{"q"'), arguments(':"x"}'), all_arguments('{"q":"x"}'), done(CALL)],
    "only in the event for all of them": [added(CALL), all_arguments('{"q":"x"}'), done(CALL)],
    "only in the item": [added(CALL), all_arguments(""), done(CALL)],
    "only in the item, which is not announced": [done(CALL)],
    "announced with them": [event("output_item.added", item=CALL), arguments('{"q":"x"}'), done(CALL)],
    "without the item": [added(CALL), arguments('{"q":"x"}')],
    "before the item is told": [arguments('{"q":"x"}'), done(CALL)],
    "without numbers": [
        added(CALL, None),
        arguments('{"q":"x"}', None),
        all_arguments('{"q":"x"}', None),
        done(CALL, None),
    ],
    "at the end alone": [completed(REASONING, CALL)],
    "announced, and then at the end alone": [added(REASONING), done(REASONING), completed(REASONING, CALL)],
}


@pytest.mark.parametrize("events", CALLS.values(), ids=CALLS)
def test_arguments_come_once(events):
    """Wherever a server puts them."""
    (found,) = streamed(*events).tool_calls
    assert (found.id.partition("__")[0], found.name, found.arguments) == ("call_1", "look_up", '{"q":"x"}')


@pytest.mark.parametrize("index", [0, None])
def test_calls_that_a_server_does_not_number(index):
    """All of them 0, or none numbered: one is done before the next begins."""
    calls = [{**CALL, "call_id": f"call_{number}", "arguments": f"{{{number}}}"} for number in range(3)]
    pieces = [
        one for item in calls for one in (added(item, index), arguments(item["arguments"], index), done(item, index))
    ]
    found = streamed(*pieces).tool_calls
    assert found == tuple(ToolCall(f"call_{number}", "look_up", f"{{{number}}}") for number in range(3))


def test_calls_side_by_side():
    """Pieces go to the call that has their number."""
    second = {**CALL, "call_id": "call_2"}
    begun = [added(CALL, 1), added(second, 2)]
    pieces = [arguments("{", 1), arguments("[", 2), arguments("}", 1), arguments("]", 2)]
    ends = [all_arguments("{}", 1), all_arguments("[]", 2), done({**CALL, "arguments": "{}"}, 1), done(second, 2)]
    assert streamed(*begun, *pieces, *ends).tool_calls == (
        ToolCall("call_1", "look_up", "{}"),
        ToolCall("call_2", "look_up", "[]"),
    )


def test_calls_without_arguments():
    """An empty object stands for them, in the end; for a custom tool's text nothing does."""
    bare = {**CALL, "arguments": ""}
    custom = {"type": "custom_tool_call", "call_id": "call_2", "name": "grep", "input": ""}
    made = reader()
    events = [added(bare), all_arguments(""), done(bare), added(custom, 1), done(custom, 1)]
    chunks = [made.chunk(one) for one in events]
    assert [chunk.tool_calls for chunk in chunks if chunk.is_content] == [
        (ToolCallDelta(0, "call_1", "look_up"),),
        (ToolCallDelta(1, "call_2", "grep", custom=True),),
    ]
    assert made.last() == Chunk(tool_calls=(ToolCallDelta(0, arguments="{}"),))
    assert made.called


def test_custom_tools():
    """Their input comes in events of its own."""
    item = {"type": "custom_tool_call", "call_id": "call_1", "name": "grep", "input": "a|b"}
    pieces = [event("custom_tool_call_input.delta", delta=text) for text in ("a|", "b")]
    whole = event("custom_tool_call_input.done", input="a|b")
    wanted = (ToolCall("call_1", "grep", "a|b", custom=True),)
    assert streamed(added(item), *pieces, whole, done(item)).tool_calls == wanted
    assert streamed(added(item), whole, done(item)).tool_calls == wanted


def test_the_id_carries_the_reasoning_before_the_call():
    """Which is whole before the call begins; what its announcement has may be incomplete."""
    events = [
        added({**REASONING, "encrypted_content": "gAA"}),
        done(REASONING),
        added(MESSAGE, 1),
        event("output_text.delta", 1, delta="Hello"),
        done({**MESSAGE, "phase": "commentary"}, 1),
        added(CALL, 2),
        arguments('{"q":"x"}', 2),
        done(CALL, 2),
        added({**CALL, "call_id": "call_2"}, 3),
        done({**CALL, "call_id": "call_2"}, 3),
        completed(REASONING, MESSAGE, CALL),
    ]
    first, second = streamed(*events).tool_calls
    assert lead_of(first.id, origin_of(CODEX)) == [REASONING, {"type": "message", "phase": "commentary"}]
    assert second.id == "call_2"


def test_reasoning_is_carried_once():
    """However often it is told."""
    (found,) = streamed(done(REASONING), completed(REASONING, CALL)).tool_calls
    assert lead_of(found.id, origin_of(CODEX)) == [REASONING]


def test_an_answer_that_comes_at_the_end_alone():
    """What was told before is not told again."""
    summary = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]}
    assert streamed(completed(summary, MESSAGE)) == replace(streamed(), content="Hello", reasoning="Hm.")
    thought = event("reasoning_summary_text.delta", summary_index=0, delta="Hm.")
    assert streamed(thought, done(summary), completed(summary, MESSAGE)).reasoning == "Hm."
    assert streamed(done(MESSAGE), completed(MESSAGE)).content == "Hello"
    incomplete = {**completed(MESSAGE), "type": "response.incomplete"}
    assert streamed(incomplete).content == "Hello"
    assert streamed(completed()) == streamed()


def test_the_end_of_a_stream_whose_response_lacks_its_output():
    """That it called is known from its events."""
    assert OPENAI_RESPONSES.stream
    assert OPENAI_RESPONSES.stream.facts_of(completed()).finish == "stop"
    assert OPENAI_RESPONSES.stream.stop_may_call


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"type": None},
        {"type": "response.output_item.added"},
        {"type": "response.output_item.done", "item": []},
        {"type": "response.output_text.delta"},
        {"type": "response.function_call_arguments.delta"},
        {"type": "response.completed"},
        {"type": "response.web_search_call.searching", "output_index": 0},
        {"type": "error", "code": "server_error", "message": "x"},
    ],
    ids=str,
)
def test_events_that_say_nothing(odd):
    """Not even that a call has begun."""
    made = reader()
    assert made.chunk(odd) == Chunk()
    assert not made.called


@pytest.mark.parametrize(
    "odd",
    [
        event("output_text.delta", delta=7),
        event("function_call_arguments.delta", delta={"q": 1}),
        added({**CALL, "name": 7}),
        {"type": ["response.output_text.delta"]},
    ],
    ids=range(4),
)
def test_events_of_another_shape_are_none(odd):
    """A stream that has them is broken."""
    with pytest.raises(TypeError):
        reader().chunk(odd)


_words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
_kinds = st.sampled_from(["text", "refusal", "function_call", "custom_tool_call", "reasoning"])
_output = st.lists(st.tuples(_kinds, _words), max_size=5)


def _item(index: int, kind: str, said: str) -> dict[str, Any]:
    match kind:
        case "text":
            return {"type": "message", "content": [{"type": "output_text", "text": said}]}
        case "refusal":
            return {"type": "message", "content": [{"type": "refusal", "refusal": said}]}
        case "reasoning":
            summary = [{"type": "summary_text", "text": said}]
            return {"type": "reasoning", "id": f"rs_{index}", "summary": summary, "encrypted_content": "g"}
        case _:
            field = "arguments" if kind == "function_call" else "input"
            return {"type": kind, "call_id": f"call_{index}", "name": "f", field: said}


_DELTAS = {
    "text": "output_text.delta",
    "refusal": "refusal.delta",
    "function_call": "function_call_arguments.delta",
    "custom_tool_call": "custom_tool_call_input.delta",
    "reasoning": "reasoning_summary_text.delta",
}


def _events(index: int, kind: str, said: str, cut: int) -> Iterator[dict[str, Any]]:
    item = _item(index, kind, said)
    yield added(item, index)
    for piece in (said[:cut], said[cut:]):
        place = {"summary_index": 0} if kind == "reasoning" else {"content_index": 0}
        yield event(_DELTAS[kind], index, delta=piece, **place)
    yield done(item, index)


@given(_output, st.integers(0, 12))
def test_a_stream_says_what_the_whole_answer_says(output, cut):
    """Cut anywhere, ids included."""
    whole = [_item(index, kind, said) for index, (kind, said) in enumerate(output)]
    events = [one for index, (kind, said) in enumerate(output) for one in _events(index, kind, said, cut)]
    expected = OPENAI_RESPONSES_CODEC.answer(call(HI), {"output": whole})
    assert streamed(*events, completed(*whole)) == expected
    assert streamed(*(done(item, index) for index, item in enumerate(whole))) == expected
    assert streamed(completed(*whole)) == expected
