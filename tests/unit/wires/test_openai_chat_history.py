"""Conversations on OpenAI's chat wire: as they came, less what only others left in them."""

from __future__ import annotations

import pytest

from gateway_core.wires.openai_chat.history import REASONING_MARK, History, history_of, reasoning_of
from gateway_core.wires.signed_ids import signed
from gateway_core.wires.table import traits_of
from tests.unit.wires.openai_calls import USER, dropped, sent

CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CUSTOM = {"id": "c2", "type": "custom", "custom": {"name": "run", "input": ""}}
MARK = {"type": "ephemeral"}
PNG = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


def message(given, provider="openai"):
    """The one message that is sent."""
    (made,) = sent(given, provider=provider)["messages"]
    return made


@pytest.mark.parametrize(
    "given",
    [
        {"role": "system", "content": "Be brief.", "name": "s"},
        {"role": "developer", "content": [{"type": "text", "text": "Be brief."}]},
        {"role": "user", "content": [{"type": "text", "text": ""}, PNG], "name": "ada"},
        {"role": "assistant", "content": "Hm."},
        {"role": "assistant", "content": None, "refusal": "No."},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
        {"role": "assistant", "content": None, "tool_calls": [CALL, CUSTOM]},
        {"role": "assistant", "content": None, "audio": {"id": "a1"}},
        {"role": "assistant", "content": None, "function_call": CALL["function"]},
        {"role": "tool", "tool_call_id": "c1", "content": "1"},
        {"role": "function", "name": "f", "content": "1"},
        {"role": "function", "name": "f", "content": None},
    ],
)
def test_what_openai_documents_is_not_touched(given):
    """It is handed on itself."""
    assert history_of([given], traits_of("openai")).messages[0] is given


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({**USER, "name": None, "id": "msg_1"}, USER),
        ({"role": "user", "content": []}, {"role": "user", "content": ""}),
        ({"role": "assistant"}, {"role": "assistant", "content": None}),
        ({"role": "assistant", "content": "", "tool_calls": []}, {"role": "assistant", "content": ""}),
        (
            {
                "role": "assistant",
                "content": "a",
                "reasoning": "r",
                "reasoning_content": "r",
                "parsed": {},
                "audio": None,
            },
            {"role": "assistant", "content": "a"},
        ),
        (
            {"role": "assistant", "content": None, "audio": {"id": "a1", "data": "AAAA", "transcript": "Hm."}},
            {"role": "assistant", "content": None, "audio": {"id": "a1"}},
        ),
        (
            {"role": "assistant", "content": None, "function_call": {"name": "f", "parsed_arguments": {}}},
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        ),
        (
            {"role": "tool", "tool_call_id": "c1", "content": None, "name": "f"},
            {"role": "tool", "tool_call_id": "c1", "content": ""},
        ),
        ({"role": "tool", "tool_call_id": "c1", "content": []}, {"role": "tool", "tool_call_id": "c1", "content": ""}),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u", "detail": None}}]},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u"}}]},
        ),
    ],
)
def test_what_others_left_is_taken_out(given, made):
    """Nulls, names, what SDKs parse, and turns of nothing, which are empty texts."""
    assert message(given) == made


@pytest.mark.parametrize(
    "given",
    [
        {**CALL, "index": 0, "extra_content": {}, "type": None},
        {"id": "c1", "function": {"name": "f", "arguments": ""}},
        {"id": "c1", "type": "function", "function": {"name": "f", "parsed_arguments": {}}},
        {**CALL, "function": {**CALL["function"], "arguments": None}},
    ],
)
def test_calls_are_brought_to_their_form(given):
    """With a type, and arguments that are JSON."""
    assert message({"role": "assistant", "content": None, "tool_calls": [given]})["tool_calls"] == [CALL]


@pytest.mark.parametrize(
    "given",
    [
        {"role": "user", "content": [{"type": "text", "text": "Hello.", "cache_control": MARK}]},
        {"role": "user", "content": [{"type": "text", "text": "Hello."}], "cache_control": MARK},
    ],
)
def test_marks_for_caches_are_named(given):
    """On parts and on whole messages."""
    assert message(given)["content"] == [{"type": "text", "text": "Hello."}]
    assert "cache_control" not in message(given)
    assert dropped(given) == ("cache_control",)
    unmarked = {"role": "user", "content": [{"type": "text", "text": "Hello.", "cache_control": None}]}
    assert (message(unmarked)["content"], dropped(unmarked)) == ([{"type": "text", "text": "Hello."}], ())


@pytest.mark.parametrize(
    ("provider", "given", "made"),
    [
        ("p", {"role": "developer", "content": "a"}, {"role": "system", "content": "a"}),
        ("p", {"role": "assistant", "content": None, "refusal": "No."}, {"role": "assistant", "content": "No."}),
        ("p", {"role": "assistant", "content": "a", "refusal": "No."}, {"role": "assistant", "content": "a"}),
        ("p", {"role": "assistant", "content": None}, {"role": "assistant", "content": ""}),
        (
            "p",
            {"role": "assistant", "content": "", "tool_calls": [CALL]},
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
        ),
        (
            "p",
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}, {"type": "text", "text": "a"}]},
            {"role": "assistant", "content": [{"type": "text", "text": "No."}, {"type": "text", "text": "a"}]},
        ),
        (
            "deepseek",
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}, {"type": "text", "text": " a"}]},
            {"role": "assistant", "content": "No. a"},
        ),
        ("deepseek", {"role": "user", "content": [{"type": "text", "text": "a"}]}, {"role": "user", "content": "a"}),
    ],
)
def test_dialects(provider, given, made):
    """Of who knows less than OpenAI."""
    assert message(given, provider) == made


def test_ids_are_plain():
    """But for who reads the signatures in them; what is under a mark is nobody's but its writer's."""
    ours, geminis = signed("c1", REASONING_MARK, "hm"), "c1__thought__abc"
    for provider, given, plain in (
        ("openai", ours, "c1"),
        ("openai", geminis, "c1"),
        ("vertex_ai", geminis, geminis),
        ("vertex_ai", ours, "c1"),
    ):
        turn = {"role": "assistant", "content": None, "tool_calls": [{**CALL, "id": given}]}
        result = {"role": "tool", "tool_call_id": given, "content": "1"}
        made = history_of([turn, result], traits_of(provider)).messages
        assert (made[0]["tool_calls"][0]["id"], made[1]["tool_call_id"]) == (plain, plain)


@pytest.mark.parametrize(
    ("given", "reasoning"),
    [
        ({"reasoning_content": "a", "reasoning": "b"}, "a"),
        ({"reasoning_content": None, "reasoning": "b"}, "b"),
        ({"reasoning": {"odd": 1}}, ""),
        ({"tool_calls": [CALL, {**CALL, "id": signed("c2", REASONING_MARK, "c")}]}, "c"),
        ({"tool_calls": [{**CALL, "id": signed("c2", REASONING_MARK, ["no text"])}]}, ""),
        ({"tool_calls": [{**CALL, "id": signed("c2", "x", "of another")}]}, ""),
        ({}, ""),
    ],
)
def test_the_reasoning_before_a_turn(given, reasoning):
    """From its field, else from the ids of its calls."""
    assert reasoning_of(given) == reasoning


def test_who_wants_reasoning_back_gets_it():
    """And is known to lack it, in which case it must not think; nobody else is sent any."""
    turn = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    told = {**turn, "reasoning_content": "hm"}
    deepseek = traits_of("deepseek")
    assert history_of([told], deepseek) == History((told,), may_think=True)
    assert history_of([turn], deepseek).may_think is False
    assert history_of([USER, {"role": "assistant", "content": "a"}], deepseek).may_think is True
    other = history_of([told], traits_of("openai"))
    assert (other.messages, other.may_think) == ((turn,), True)


def test_a_jpeg_goes_by_its_name():
    """OpenAI refuses the short one."""
    shown = {"type": "image_url", "image_url": {"url": "data:image/jpg;base64,AAAA", "detail": "low"}}
    (sent,) = message({"role": "user", "content": [shown]})["content"]
    assert sent["image_url"] == {"url": "data:image/jpeg;base64,AAAA", "detail": "low"}


def test_a_long_id_is_short_enough_for_openai():
    """And the same for the call and its result."""
    call = message({"role": "assistant", "content": None, "tool_calls": [{**CALL, "id": "x" * 41}]})["tool_calls"][0]
    result = message({"role": "tool", "tool_call_id": "x" * 41, "content": "1"})
    assert call["id"] == result["tool_call_id"]
    assert (len(call["id"]), call["id"][:5]) == (40, "call_")
