"""What OpenAI's Responses gets of a stream that was made here, where it comes in an odd order or ends early."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway_core.domain.answer import Chunk, ToolCallDelta, Usage
from gateway_core.wires.openai_responses.forwarded import ForwardedReader
from gateway_core.wires.openai_responses.inbound.events import OwnEvents
from gateway_core.wires.openai_responses.inbound.names import ToolNames
from gateway_core.wires.openai_responses.inbound.response import ResponseFrame
from tests.unit.wires.responses import call

SHOWS = {"input": "hi", "reasoning": {"generate_summary": "auto"}}


def written(*chunks: Chunk, body: Any = SHOWS, end: str = "stop") -> list[dict[str, Any]]:
    """All events of a stream that ends soundly, or by its filter."""
    writer = OwnEvents(ResponseFrame(body, ToolNames([]), "x", 5), "m")
    events = [event for chunk in chunks for event in writer.chunk(chunk)]
    usage = Usage(5, 3)
    return [*events, *(writer.filtered(None) if end == "filter" else writer.end(end, usage, cost={}))]


def output(events: list[dict[str, Any]]) -> Any:
    return events[-1]["response"]["output"]


def test_thoughts_between_words_are_items_of_their_own() -> None:
    """Each ends when the next begins, at its own place."""
    events = written(Chunk(text="a"), Chunk(reasoning="b"), Chunk(reasoning="c"), Chunk(text="d"))
    assert [item["type"] for item in output(events)] == ["message", "reasoning", "message"]
    assert output(events)[1]["summary"] == [{"type": "summary_text", "text": "bc"}]
    added = [event["output_index"] for event in events if event["type"] == "response.output_item.added"]
    done = [event["output_index"] for event in events if event["type"] == "response.output_item.done"]
    assert (added, done) == ([0, 1, 2], [0, 1, 2])


def test_a_call_begins_once_it_has_a_name() -> None:
    """What came before it is not lost; one that never gets a name comes at the end."""
    late = [ToolCallDelta(0, id="c1", arguments='{"a"'), ToolCallDelta(0, name="f", arguments=":1}")]
    events = written(*(Chunk(tool_calls=(piece,)) for piece in late), Chunk(tool_calls=(ToolCallDelta(1, id="c2"),)))
    assert [(item["call_id"], item["name"], item["arguments"]) for item in output(events)] == [
        ("c1", "f", '{"a":1}'),
        ("c2", "", ""),
    ]
    deltas = [event["delta"] for event in events if event["type"] == "response.function_call_arguments.delta"]
    assert deltas == ['{"a":1}']


def test_a_filter_leaves_an_answer_incomplete() -> None:
    """With what was said until then."""
    last = written(Chunk(text="a"), end="filter")[-1]
    assert (last["type"], last["response"]["incomplete_details"]) == (
        "response.incomplete",
        {"reason": "content_filter"},
    )
    assert [item["status"] for item in output([last])] == ["incomplete"]


def test_an_open_call_that_failed_is_no_done_one() -> None:
    """It is told as far as it came; without a name it is not."""
    writer = OwnEvents(ResponseFrame(SHOWS, ToolNames([]), "x", 5), "m")
    pieces = (ToolCallDelta(0, "c1", "f", "{"), ToolCallDelta(1, "c2"))
    events = [*writer.chunk(Chunk(tool_calls=pieces)), *writer.failed("rate_limited", "Later.", None)]
    failed = events[-1]["response"]
    assert (failed["error"]["code"], failed["usage"]) == ("rate_limit_exceeded", None)
    assert [(item["name"], item["status"]) for item in failed["output"]] == [("f", "incomplete")]


def test_what_a_client_runs_is_content() -> None:
    """Nobody else is asked after it; it counts as said, and arguments that never came are an object."""
    reader = ForwardedReader(call())
    item = {"type": "local_shell_call", "call_id": "c1", "action": {"command": ["ls"]}}
    chunk = reader.chunk({"type": "response.output_item.done", "output_index": 0, "item": item})
    assert (chunk.is_content, "ls" in chunk.beside, reader.called) == (True, True, False)
    assert [event["type"] for event in chunk.forwarded] == ["response.created", "response.output_item.done"]
    done = reader.chunk({"type": "response.function_call_arguments.done", "output_index": 1, "arguments": ""})
    bare = {"type": "function_call", "call_id": "c2", "name": "f", "arguments": "", "status": "completed"}
    (waiting,) = reader.chunk({"type": "response.completed", "response": {"output": [bare]}}).forwarded
    (end,) = reader.last().forwarded
    assert not done.is_content
    assert (waiting["arguments"], end["response"]["output"][0]["arguments"]) == ("{}", "{}")


@given(
    st.lists(
        st.one_of(
            st.builds(Chunk, text=st.text(max_size=3)),
            st.builds(Chunk, reasoning=st.text(max_size=3)),
            st.builds(Chunk, refusal=st.text(max_size=3)),
            st.builds(
                lambda index, said: Chunk(tool_calls=(ToolCallDelta(index, f"c{index}", "f", said),)),
                st.integers(0, 2),
                st.text(max_size=3),
            ),
        ),
        max_size=8,
    )
)
def test_the_end_has_all_that_its_pieces_said(chunks: list[Chunk]) -> None:
    """Every item begins once, in its place, and is done once, as it is in the end; no text is lost or doubled."""
    events = written(*chunks)
    added = [event["output_index"] for event in events if event["type"] == "response.output_item.added"]
    done = {event["output_index"]: event["item"] for event in events if event["type"] == "response.output_item.done"}
    assert added == list(range(len(added)))
    assert [done[index] for index in added] == output(events)
    for kind, field in (("output_text", "text"), ("refusal", "refusal"), ("reasoning_summary_text", "reasoning")):
        deltas = [event["delta"] for event in events if event["type"] == f"response.{kind}.delta"]
        assert "".join(deltas) == "".join(getattr(chunk, field) for chunk in chunks)
    told = "".join(item.get("arguments", "") for item in output(events))
    assert sorted(told) == sorted("".join(piece.arguments for chunk in chunks for piece in chunk.tool_calls))
