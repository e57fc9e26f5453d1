"""What a whole answer of OpenAI's Responses says in the chat form."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway_core.domain.answer import ProviderAnswer, ToolCall, Usage
from gateway_core.wires.openai_responses import OPENAI_RESPONSES
from gateway_core.wires.openai_responses.carried import lead_of, origin_of
from gateway_core.wires.openai_responses.codec import OPENAI_RESPONSES_CODEC
from gateway_core.wires.signed_ids import carried, split
from tests.unit.wires.responses import CODEX, asked, call

HI = {"role": "user", "content": "hi"}
REASONING = {
    "id": "rs_1",
    "type": "reasoning",
    "summary": [{"type": "summary_text", "text": "**Look**\n\nI look."}, {"type": "summary_text", "text": "**Go**"}],
    "encrypted_content": "gAAAAB",
}
CALL = {
    "id": "fc_1",
    "type": "function_call",
    "status": "completed",
    "arguments": '{"q":"x"}',
    "call_id": "call_1",
    "name": "look_up",
}


def text(said: str, **more: Any) -> dict[str, Any]:
    part = {"type": "output_text", "annotations": [], "logprobs": [], "text": said}
    return {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": [part], **more}


def whole(*output: Any, status: str = "completed") -> dict[str, Any]:
    usage = {"input_tokens": 9, "output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 2}}
    return {"id": "resp_1", "object": "response", "status": status, "output": list(output), "usage": usage}


def read(*output: Any) -> ProviderAnswer:
    return OPENAI_RESPONSES_CODEC.answer(call(HI), whole(*output))


def test_text():
    """Of all messages, as the official SDK's `output_text` has it. The record knows the end and the usage."""
    assert read(text("Hel"), text("lo")) == ProviderAnswer("Hello", (), "", Usage())
    assert OPENAI_RESPONSES.finish_of(whole(text("Hello"))) == "stop"
    assert OPENAI_RESPONSES.usage_of(whole(text("Hello"))) == Usage(9, 5, reasoning_tokens=2)


def test_refusals_are_no_content():
    """A client of structured output would take it for JSON."""
    refused = text("", content=[{"type": "refusal", "refusal": "I can't help with that."}])
    found = read(refused)
    assert (found.content, found.refusal) == ("", "I can't help with that.")


def test_reasoning_is_what_is_shown_of_it():
    """Summaries, a paragraph each; the reasoning itself where a model hides nothing."""
    open_ = {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "Hm."}]}
    assert read(REASONING, open_, text("a")).reasoning == "**Look**\n\nI look.\n\n**Go**\n\nHm."
    assert read({"type": "reasoning", "summary": []}, text("a")).reasoning == ""


def test_calls():
    """By their `call_id`; without arguments they have an empty object, but a custom tool's are a text."""
    bare = {**CALL, "call_id": "call_2", "arguments": ""}
    absent = {"type": "function_call", "id": "fc_3", "name": "ping"}
    custom = {"type": "custom_tool_call", "call_id": "call_4", "name": "grep", "input": "a|b"}
    silent = {"type": "custom_tool_call", "call_id": "call_5", "name": "grep", "input": ""}
    assert read(text("Wait."), CALL, bare, absent, custom, silent).tool_calls == (
        ToolCall("call_1", "look_up", '{"q":"x"}'),
        ToolCall("call_2", "look_up", "{}"),
        ToolCall("fc_3", "ping", "{}"),
        ToolCall("call_4", "grep", "a|b", custom=True),
        ToolCall("call_5", "grep", "", custom=True),
    )


@pytest.mark.parametrize("kind", ["function_call", "custom_tool_call"])
def test_an_answer_that_calls_ends_so(kind):
    """Custom tools are tools."""
    assert OPENAI_RESPONSES.finish_of(whole({"type": kind})) == "tool_calls"


def test_the_id_of_a_call_carries_what_came_before_it():
    """Reasoning that can be sent back, each item with the call after it."""
    second = {**REASONING, "id": "rs_2", "summary": []}
    third = {**CALL, "call_id": "call_3"}
    first, next_, last = read(REASONING, CALL, second, {**CALL, "call_id": "call_2"}, third).tool_calls
    assert [split(one.id).plain for one in (first, next_, last)] == ["call_1", "call_2", "call_3"]
    assert lead_of(first.id, origin_of(CODEX)) == [REASONING]
    assert lead_of(next_.id, origin_of(CODEX)) == [second]
    assert last.id == "call_3"


def test_what_cannot_be_sent_back_is_not_carried():
    """Without storage the id of a reasoning item means nothing; without a call there is nowhere to carry it."""
    hidden = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": None}
    assert read(hidden, text("Wait."), CALL).tool_calls[0].id == "call_1"
    assert read(REASONING, {**CALL, "call_id": "", "id": ""}).tool_calls[0].id == ""
    assert read(REASONING, text("done")).tool_calls == ()


def test_what_stood_between_is_carried_by_its_place_and_phase():
    """Not by its words: these are in the history."""
    commentary = text("I look it up.", phase="commentary")
    found = read(REASONING, commentary, CALL)
    assert lead_of(found.tool_calls[0].id, origin_of(CODEX)) == [REASONING, {"type": "message", "phase": "commentary"}]
    alone = read(commentary, CALL).tool_calls[0].id
    assert carried(alone, "r") == {"of": origin_of(CODEX), "items": [{"type": "message", "phase": "commentary"}]}


@pytest.mark.parametrize("before", [[REASONING], [REASONING, text("I look.", phase="commentary")], [text("I look.")]])
def test_a_turn_goes_back_as_it_came(before):
    """Reasoning, text and calls in the very order of the answer."""
    found = read(*before, CALL)
    calls = [
        {"id": one.id, "type": "function", "function": {"name": one.name, "arguments": one.arguments}}
        for one in found.tool_calls
    ]
    turn = {"role": "assistant", "content": found.content or None, "tool_calls": calls}
    sent = asked(HI, turn).body["input"][1:]
    assert [item["type"] for item in sent] == [item["type"] for item in [*before, CALL]]
    assert [item.get("phase") for item in sent] == [item.get("phase") for item in [*before, CALL]]
    assert [item for item in sent if item["type"] == "reasoning"] == [one for one in before if one is REASONING]


def test_an_answer_that_says_nothing_is_sound():
    """A model may have nothing to add, whole as streamed; a limit may leave it no room."""
    assert read() == ProviderAnswer("", (), "", Usage())
    assert OPENAI_RESPONSES.finish_of(whole()) == "stop"
    cut = {**whole(status="incomplete"), "incomplete_details": {"reason": "max_output_tokens"}}
    assert OPENAI_RESPONSES_CODEC.answer(call(HI), cut).content == ""
    assert OPENAI_RESPONSES.finish_of(cut) == "length"


def test_other_items_say_nothing():
    """What the provider's own tools do, and what is invented later."""
    assert (
        read({"type": "web_search_call", "status": "completed"}, 7, text("a", content=None), text("b")).content == "b"
    )


def test_halves_of_surrogate_pairs_are_not_handed_on():
    """No client can be sent them."""
    found = read(text("a\ud800"), {**CALL, "arguments": '{"q":"\ud800"}', "call_id": "c\ud800"})
    assert found.content == "a?"
    assert found.tool_calls == (ToolCall("c?", "look_up", '{"q":"?"}'),)


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"output": None},
        {"output": {}},
        whole(text("a", content=[{"type": "output_text", "text": 7}])),
        whole({**CALL, "arguments": {"q": 1}}),
        whole({**CALL, "call_id": 7}),
    ],
    ids=range(8),
)
def test_bodies_of_another_shape_are_no_answer(body):
    """Nothing is made up of them."""
    with pytest.raises((KeyError, TypeError)):
        OPENAI_RESPONSES_CODEC.answer(call(HI), body)


def test_confidence_is_told_where_the_body_has_it():
    """Some servers say it."""
    assert OPENAI_RESPONSES_CODEC.answer(call(HI), {**whole(text("a")), "confidence": 0.5}).confidence == 0.5
    assert replace(read(text("a")), confidence=None) == read(text("a"))
