"""Reasoning that ids carry back to OpenAI's Responses, and ids of other providers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway_core.domain.model_rules import NO_RULES
from gateway_core.wires.openai_responses.carried import lead_of, origin_of
from gateway_core.wires.openai_responses.history import wire_id
from gateway_core.wires.signed_ids import carried, signed
from tests.unit.wires.response_inputs import HI, REASONING, function_call, message, sent, signed_call
from tests.unit.wires.responses import CODEX


def test_ids_of_other_providers():
    """What they carry is not sent; a long one is shortened, to the same for its result."""
    gemini = "call_9__thought__" + "A" * 20_000
    claude = signed("toolu_1", "a", [{"type": "thinking", "signature": "s"}])
    long = "x" * 65
    for given_id, wanted in [(gemini, "call_9"), (claude, "toolu_1"), ("y" * 64, "y" * 64), (long, wire_id(long))]:
        turn = {"role": "assistant", "tool_calls": [function_call(given_id)]}
        made, told = sent(turn, {"role": "tool", "tool_call_id": given_id, "content": "r"})
        assert (made["call_id"], told["call_id"]) == (wanted, wanted)
        assert len(wanted) <= 64
    assert len({wire_id(name) for name in ("", long, long + "x", "x" * 64 + "y")}) == 4
    assert wire_id(None) == wire_id("")
    assert wire_id("\ud800" * 65) == wire_id("\ud800" * 65)


def test_reasoning_goes_back_before_its_call():
    """Each item in front of the call that carries it, as in the answer that it came with."""
    second = {**REASONING, "id": "rs_2"}
    turn = {"role": "assistant", "content": None, "tool_calls": [signed_call(1, REASONING), signed_call(2, second)]}
    result = {"role": "tool", "tool_call_id": signed_call(1, REASONING)["id"], "content": "r"}
    call_1, call_2 = ({"type": "function_call", "name": "look_up", "arguments": "{}"} for _ in range(2))
    assert sent(HI, turn, result) == [
        message("user", "hi"),
        REASONING,
        {**call_1, "call_id": "call_1"},
        second,
        {**call_2, "call_id": "call_2"},
        {"type": "function_call_output", "call_id": "call_1", "output": "r"},
    ]


def test_text_stands_where_it_stood():
    """After the reasoning, and of the same phase; before all calls if nothing tells."""
    commentary = {"type": "message", "phase": "commentary"}
    turn = {"role": "assistant", "content": "Wait.", "tool_calls": [signed_call(1, REASONING, commentary)]}
    said = message("assistant", [{"type": "output_text", "text": "Wait."}])
    assert [*sent(turn)[:2]] == [REASONING, {**said, "phase": "commentary"}]
    untold = {**turn, "tool_calls": [signed_call(1, REASONING)]}
    assert [item["type"] for item in sent(untold)] == ["message", "reasoning", "function_call"]
    late = {**turn, "tool_calls": [function_call("call_1"), signed_call(2, {"type": "message"}, REASONING)]}
    assert [item["type"] for item in sent(late)] == ["function_call", "message", "reasoning", "function_call"]
    silent = {**turn, "content": None}
    assert [item["type"] for item in sent(silent)] == ["reasoning", "function_call"]


WITHOUT = [
    {"reasoning_effort": "none"},
    {"rules": NO_RULES},
    {"deployment": replace(CODEX, api_base="https://proxy.example/v1")},
    {"deployment": replace(CODEX, upstream_model="gpt-5.1-codex")},
]


@pytest.mark.parametrize("options", WITHOUT, ids=range(len(WITHOUT)))
def test_reasoning_that_nobody_could_read_stays_away(options):
    """Who does not think refuses it, and so does who did not encrypt it."""
    turn = {"role": "assistant", "content": None, "tool_calls": [signed_call(1, REASONING)]}
    assert [item["type"] for item in sent(turn, **options)] == ["function_call"]


FORGED = [
    None,
    [],
    {"items": [REASONING]},
    {"of": origin_of(CODEX)},
    {"of": origin_of(CODEX), "items": [{"type": "item_reference", "id": "msg_1"}, {"type": "web_search_call"}, 7]},
    {"of": origin_of(CODEX), "items": [{"type": "reasoning", "id": "rs_1", "summary": []}]},
    {"of": origin_of(CODEX), "items": [{"type": "reasoning", "encrypted_content": {"a": 1}}]},
]


@pytest.mark.parametrize("value", FORGED, ids=range(len(FORGED)))
def test_nothing_else_gets_in_by_an_id(value):
    """Clients could write anything there."""
    turn = {"role": "assistant", "content": None, "tool_calls": [function_call(signed("call_1", "r", value))]}
    assert [item["type"] for item in sent(turn)] == ["function_call"]


def test_what_an_id_carries_is_brought_into_its_form():
    """Of reasoning the fields that are documented, of messages the phase alone."""
    odd = {**REASONING, "id": 7, "status": "x", "summary": [{"text": "s"}, {"text": 1}, None]}
    marks = [{"type": "message", "phase": ["x"], "content": "no"}, {"type": "message", "phase": "commentary"}]
    found = lead_of(signed("c", "r", {"of": "o", "items": [odd, *marks]}), "o")
    summary = [{"type": "summary_text", "text": "s"}]
    assert found == [
        {"type": "reasoning", "summary": summary, "encrypted_content": "gAAAAB"},
        {"type": "message"},
        {"type": "message", "phase": "commentary"},
    ]


def test_an_origin_does_not_tell_where_it_is():
    """Clients see ids, and have no business with base URLs."""
    assert len({origin_of(CODEX), origin_of(replace(CODEX, api_base="https://secret.example"))}) == 2
    assert "secret" not in origin_of(replace(CODEX, api_base="https://secret.example"))
    assert carried(signed_call(1, REASONING)["id"], "r")["of"] == origin_of(CODEX)
