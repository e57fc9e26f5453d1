"""Thinking at Anthropic: what may not go with it, and its blocks over tool use, of the documentation of 2026-11-29."""

from __future__ import annotations

import pytest

from tests.local.providers.at_anthropic import TOOL, problem
from tests.local.providers.conftest import events_of

MANUAL = {"type": "enabled", "budget_tokens": 1024}
ASKED = {"role": "user", "content": "[[tool]]"}


def message(sim, messages, model="claude-opus-4-5", thinking=MANUAL, **fields):
    body = {"model": model, "max_tokens": 4096, "messages": messages, "thinking": thinking, "tools": [TOOL]}
    return sim.post("anthropic", "/v1/messages", body | fields)


def going_on(blocks):
    """The conversation with the calls in these blocks answered."""
    results = [
        {"type": "tool_result", "tool_use_id": block["id"], "content": "sunny"}
        for block in blocks
        if block["type"] == "tool_use"
    ]
    return [ASKED, {"role": "assistant", "content": blocks}, {"role": "user", "content": results}]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"temperature": 0.5}, "`temperature` may only be set to 1 when thinking is enabled."),
        ({"top_p": 0.5}, "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled."),
        ({"top_k": 5}, "`top_k` must be unset when thinking is enabled."),
        ({"tool_choice": {"type": "any"}}, "Thinking may not be enabled when tool_choice forces tool use."),
        (
            {"tool_choice": {"type": "tool", "name": "get_weather"}},
            "Thinking may not be enabled when tool_choice forces",
        ),
        ({"thinking": {"type": "on"}}, "thinking: Input tag 'on' found using 'type' does not match"),
        ({"thinking": {"type": "adaptive"}}, "adaptive thinking is not supported on this model"),
        ({"model": "claude-opus-4-7"}, '"thinking.type.enabled" is not supported for this model.'),
    ],
)
def test_what_does_not_go_with_thinking(sim, fields, text):
    """Sampling, forced tools, and the modes of other models."""
    assert problem(message(sim, [ASKED], **fields)).startswith(text)


@pytest.mark.parametrize(
    "fields",
    [
        {"temperature": 1},
        {"top_p": 0.95},
        {"tool_choice": {"type": "none"}},
        {"model": "claude-sonnet-4-6", "thinking": {"type": "adaptive"}, "tool_choice": {"type": "any"}},
        {"thinking": {"type": "disabled"}, "temperature": 0.5},
    ],
)
def test_what_goes_with_thinking(sim, fields):
    """The same parameters, in their bounds or another mode."""
    assert message(sim, [ASKED], **fields).status_code == 200


def test_a_signed_block_goes_back_with_its_call(sim):
    """As it came, the block opens the turn that called the tool; without it the turn is refused."""
    blocks = message(sim, [ASKED]).json()["content"]
    assert [block["type"] for block in blocks] == ["thinking", "tool_use"]
    answer = message(sim, going_on(blocks)).json()
    assert [block["type"] for block in answer["content"]] == ["thinking", "text"]
    found = problem(message(sim, going_on(blocks[1:])))
    assert found.startswith(
        "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`. When"
    )


def test_a_signature_holds_for_its_text_alone(sim):
    """Another text, another signature and none are refused, also where thinking is off by now."""
    thinking, call = message(sim, [ASKED]).json()["content"]
    bad = "messages.1.content.0: Invalid `signature` in `thinking` block"
    for change in ({"thinking": "something else"}, {"signature": "EqQB"}):
        assert problem(message(sim, going_on([thinking | change, call]))) == bad
        assert problem(message(sim, going_on([thinking | change, call]), thinking={"type": "disabled"})) == bad
    unsigned = {"type": "thinking", "thinking": "hm"}
    text = "messages.1.content.0.thinking.signature: Field required"
    assert problem(message(sim, going_on([unsigned, call]))) == text


def test_a_turn_of_several_calls_thinks_once(sim):
    """Only the first message of a loop needs its block; when the user has spoken, none does."""
    first = message(sim, [ASKED]).json()["content"]
    second = [{"type": "tool_use", "id": "toolu_2", "name": "get_weather", "input": {}}]
    loop = going_on(first) + going_on(second)[1:]
    assert message(sim, loop).status_code == 200
    after = [*going_on(second), {"role": "assistant", "content": "It is."}, {"role": "user", "content": "Thanks"}]
    assert message(sim, after).status_code == 200


def test_adaptive_thinking_takes_turns_without_blocks(sim):
    """Its turns need not begin with thinking; what comes back is verified all the same."""
    call = [{"type": "tool_use", "id": "toolu_2", "name": "get_weather", "input": {}}]
    adaptive = {"model": "claude-sonnet-4-6", "thinking": {"type": "adaptive"}}
    assert message(sim, going_on(call), **adaptive).status_code == 200
    forged = [{"type": "thinking", "thinking": "hm", "signature": "x"}, *call]
    assert problem(message(sim, going_on(forged), **adaptive)).endswith("Invalid `signature` in `thinking` block")


def test_an_answer_cannot_be_begun_while_thinking(sim):
    """A final assistant message that is text is no beginning of a turn that thinks."""
    begun = [ASKED, {"role": "assistant", "content": "It is"}]
    assert "but found `text`" in problem(message(sim, begun))


@pytest.mark.parametrize("stream", [False, True])
def test_redacted_thinking_goes_back_too(sim, stream):
    """The directive gives a block that only Anthropic can read; forged data is refused."""
    asked = [{"role": "user", "content": "[[tool]] [[redacted]]"}]
    answer = message(sim, asked, stream=stream)
    if stream:
        events = events_of(answer.text)
        blocks = [event.data["content_block"] for event in events if event.name == "content_block_start"]
    else:
        blocks = answer.json()["content"]
    assert [block["type"] for block in blocks] == ["redacted_thinking", "tool_use"]
    assert message(sim, going_on(blocks)).status_code == 200
    forged = going_on([{"type": "redacted_thinking", "data": "x"}, blocks[1]])
    assert problem(message(sim, forged)) == "messages.1.content.0: Invalid `data` in `redacted_thinking` block"


def test_omitted_thinking_is_signed(sim):
    """With `display: omitted` the text is empty, the tokens count, and the block goes back."""
    body = message(sim, [ASKED], thinking=MANUAL | {"display": "omitted"}).json()
    thinking = body["content"][0]
    assert thinking["thinking"] == ""
    assert body["usage"]["output_tokens_details"] == {"thinking_tokens": 12}
    assert message(sim, going_on(body["content"])).status_code == 200


def test_stop_reasons(sim):
    """A paused turn, and a refusal with its text."""
    plain = {"thinking": {"type": "disabled"}}
    paused = message(sim, [{"role": "user", "content": "[[pause_turn]]"}], **plain).json()
    assert paused["stop_reason"] == "pause_turn"
    refused = message(sim, [{"role": "user", "content": "[[refusal=No.]]"}], **plain).json()
    assert (refused["stop_reason"], refused["content"]) == ("refusal", [{"type": "text", "text": "No."}])
