"""Whole answers of Anthropic's Messages."""

from __future__ import annotations

from typing import Any

import pytest

from gateway_core.domain.answer import ProviderAnswer, ToolCall, Usage
from gateway_core.wires.anthropic import ANTHROPIC
from gateway_core.wires.anthropic.codec import ANTHROPIC_CODEC
from gateway_core.wires.anthropic.thoughts import thoughts_in
from gateway_core.wires.signed_ids import split
from tests.unit.wires.claude import ADAPTIVE, LOOK_UP, USER, body, call

JSON_MODE = {"response_format": {"type": "json_object"}}
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "sig"}
REDACTED = {"type": "redacted_thinking", "data": "opaque"}


def text(said: Any) -> dict[str, Any]:
    """A block of text, as it is sent."""
    return {"type": "text", "text": said, "citations": None}


def use(name: str = "look_up", call_id: str = "toolu_1", **more: Any) -> dict[str, Any]:
    """A block of a call."""
    return {"type": "tool_use", "id": call_id, "name": name, **more}


def answered(*blocks: Any, stop: str = "end_turn", **params: Any) -> ProviderAnswer:
    """What is read of a body with these blocks."""
    body = {"type": "message", "role": "assistant", "content": list(blocks), "stop_reason": stop, "usage": {}}
    return ANTHROPIC_CODEC.answer(call(**params), body)


def test_texts_are_one_content() -> None:
    """Finish and usage are the record's to read."""
    assert answered(text("a"), text("b\ud800")) == ProviderAnswer("ab?", (), "", Usage())


def test_an_empty_answer_is_one() -> None:
    """Claude ends a turn without a word at times."""
    assert answered() == ProviderAnswer("", (), "", Usage())
    assert answered(text(None)).content == ""


def test_thoughts_are_the_reasoning() -> None:
    """What is redacted is not shown."""
    assert answered(THOUGHT, REDACTED, {**THOUGHT, "thinking": "ah"}, text("a")).reasoning == "hmah"


@pytest.mark.parametrize(("given", "arguments"), [({"q": "ü"}, '{"q": "ü"}'), ({}, "{}"), (None, "{}")])
def test_arguments_are_json(given: Any, arguments: str) -> None:
    """Always."""
    assert answered(use(input=given), stop="tool_use").tool_calls == (ToolCall("toolu_1", "look_up", arguments),)
    assert answered(use()).tool_calls == (ToolCall("toolu_1", "look_up", "{}"),)


def test_the_thoughts_before_a_call_travel_in_its_id() -> None:
    """Each call has those since the call before."""
    got = answered(
        THOUGHT, REDACTED, text("a"), use(input={}), THOUGHT, use(call_id="toolu_2", input={}), use("f", "t3")
    )
    ids = [made.id for made in got.tool_calls]
    assert [thoughts_in(name) for name in ids] == [[THOUGHT, REDACTED, 1], [THOUGHT], []]
    assert [split(name).plain for name in ids] == ["toolu_1", "toolu_2", "t3"]
    assert ids[2] == "t3"


@pytest.mark.parametrize(
    "blocks",
    [
        [THOUGHT, use(input={})],
        [THOUGHT, REDACTED, text("let me see"), use(input={"q": 1})],
        [text("so"), THOUGHT, use(input={}), THOUGHT, use(call_id="toolu_2", input={})],
        [
            THOUGHT,
            text("a "),
            REDACTED,
            text("b"),
            text("c"),
            use(input={}),
            text("d"),
            THOUGHT,
            use(call_id="t2", input={}),
        ],
    ],
)
def test_a_turn_goes_back_as_it_came(blocks: list[dict[str, Any]]) -> None:
    """`Echo the assistant message exactly as received`."""
    got = answered(*blocks, stop="tool_use")
    made = [
        {"id": one.id, "type": "function", "function": {"name": one.name, "arguments": one.arguments}}
        for one in got.tool_calls
    ]
    said = {"role": "assistant", "content": got.content or None, "tool_calls": made}
    results = [{"role": "tool", "tool_call_id": one.id, "content": "r"} for one in got.tool_calls]
    sent = body(USER, said, *results, rules=ADAPTIVE, tools=[LOOK_UP], reasoning_effort="low")
    assert sent["messages"][1]["content"] == [
        {name: value for name, value in block.items() if name != "citations"} for block in blocks
    ]


def test_thoughts_without_a_signature_are_not_sent_back() -> None:
    """A server that speaks the wire may not sign."""
    assert answered({"type": "thinking", "thinking": "hm"}, use(input={})).tool_calls[0].id == "toolu_1"


def test_unknown_blocks_are_passed_over() -> None:
    """Those of server tools, and what is invented later."""
    got = answered({"type": "server_tool_use", "id": "s", "name": "web_search"}, "odd", {"type": "new"}, text("a"))
    assert (got.content, got.tool_calls) == ("a", ())


class TestJsonMode:
    """The answering tool's arguments are the content."""

    def test_the_content_is_json(self) -> None:
        """And the answer has come to its end, not to a call."""
        got = answered(use("json_answer", input={"a": 1}), stop="tool_use", **JSON_MODE)
        assert (got.content, got.tool_calls, got.finish_reason) == ('{"a": 1}', (), "stop")

    def test_a_cut_answer_stays_cut(self) -> None:
        """The record says so."""
        assert answered(use("json_answer", input={}), stop="max_tokens", **JSON_MODE).finish_reason == ""

    def test_words_beside_it_are_no_part_of_it(self) -> None:
        """Nor is a second answer, which would spoil the JSON."""
        blocks = (text("Sure:"), use("json_answer", input={"a": 1}), use("json_answer", input={"b": 2}))
        assert answered(*blocks, stop="tool_use", **JSON_MODE).content == '{"a": 1}'

    def test_a_call_of_the_callers_is_a_call(self) -> None:
        """Without words that are not JSON, and with the answer, if there is one."""
        got = answered(text("Let me see."), use(input={}), stop="tool_use", tools=[LOOK_UP], **JSON_MODE)
        assert (got.content, [made.name for made in got.tool_calls], got.finish_reason) == ("", ["look_up"], "")
        got = answered(use("json_answer", input={}), use(input={}), stop="tool_use", tools=[LOOK_UP], **JSON_MODE)
        assert (got.content, [made.name for made in got.tool_calls], got.finish_reason) == ("{}", ["look_up"], "")

    def test_words_without_an_answer_are_told(self) -> None:
        """A refusal comes so."""
        assert answered(text("I will not."), **JSON_MODE).content == "I will not."

    def test_elsewhere_the_name_means_nothing(self) -> None:
        """A caller's tool may have it."""
        assert answered(use("json_answer", input={})).tool_calls[0].name == "json_answer"


@pytest.mark.parametrize("body", [None, [], {}, {"content": "a"}, {"content": [text(1)]}])
def test_what_is_no_answer_raises(body: Any) -> None:
    """Nothing is invented."""
    with pytest.raises(TypeError):
        ANTHROPIC_CODEC.answer(call(), body)


def test_the_record_counts_the_whole_input() -> None:
    """Anthropic's own count leaves out what it read from its cache and wrote to it."""
    usage = {
        "input_tokens": 1,
        "output_tokens": 20,
        "cache_read_input_tokens": 300,
        "cache_creation_input_tokens": 4000,
        "cache_creation": {"ephemeral_5m_input_tokens": 1000, "ephemeral_1h_input_tokens": 3000},
        "output_tokens_details": {"thinking_tokens": 10},
    }
    assert ANTHROPIC.usage_of({"usage": usage}) == Usage(4301, 20, 300, 4000, 10, 3000)
    assert ANTHROPIC.usage_of({"usage": {"input_tokens": 1}}) is None
