"""Whole answers on OpenAI's chat wire: what is read of them, and what goes on to callers on the same wire."""

from __future__ import annotations

import pytest

from gateway_core.domain.answer import ToolCall
from gateway_core.wires.openai_chat import OPENAI_CHAT
from gateway_core.wires.openai_chat.codec import OPENAI_CHAT_CODEC
from gateway_core.wires.openai_chat.history import REASONING_MARK
from gateway_core.wires.signed_ids import carried
from tests.unit.wires.openai_calls import chat_call

CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
BARE = {"id": "c2", "type": "function", "function": {"name": "g", "arguments": ""}}
CUSTOM = {"id": "c3", "type": "custom", "custom": {"name": "run", "input": "ls"}}


def body(*messages, **more):
    """An answer of these choices."""
    choices = [{"index": i, "message": m, "finish_reason": "stop", "logprobs": None} for i, m in enumerate(messages)]
    return {"id": "up-1", "choices": choices, "usage": {"prompt_tokens": 1}, **more}


def answer(came, **call):
    """What is read of it."""
    return OPENAI_CHAT_CODEC.answer(chat_call(**call), came)


@pytest.mark.parametrize(
    ("message", "content", "reasoning", "refusal"),
    [
        ({"content": "a"}, "a", "", ""),
        ({"content": None, "refusal": "No."}, "", "", "No."),
        ({"content": "a", "reasoning_content": "hm"}, "a", "hm", ""),
        ({"content": "a", "reasoning": "hm"}, "a", "hm", ""),
        ({"content": "a", "reasoning_content": None, "reasoning": None}, "a", "", ""),
        ({"content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "a"}]}, "a", "hm", ""),
        ({"content": "half \ud83d"}, "half ?", "", ""),
        ({}, "", "", ""),
    ],
)
def test_what_it_says(message, content, reasoning, refusal):
    """Refusals apart; reasoning under either name."""
    found = answer(body(message, {"content": "not this"}))
    assert (found.content, found.reasoning, found.refusal, found.tool_calls) == (content, reasoning, refusal, ())
    assert (found.finish_reason, found.forwarded) == ("", None)


@pytest.mark.parametrize("came", [None, [], {}, {"choices": None}, {"choices": []}, {"choices": ["x"]}])
def test_a_body_without_a_choice_says_nothing(came):
    """What is missing there, others judge."""
    found = answer(came)
    assert (found.content, found.tool_calls, found.says_something) == ("", (), False)


@pytest.mark.parametrize("content", [5, {"a": 1}, [5], [{"type": "image_url"}], [{"type": "text", "text": None}]])
def test_what_is_no_text_is_an_error(content):
    """Never a wrong answer."""
    with pytest.raises(TypeError):
        answer(body({"content": content}))


def test_calls():
    """With arguments that are JSON; custom ones with their input."""
    found = answer(body({"tool_calls": [CALL, BARE, CUSTOM]}))
    assert found.tool_calls == (
        ToolCall("c1", "f", '{"a": 1}'),
        ToolCall("c2", "g", "{}"),
        ToolCall("c3", "run", "ls", custom=True),
    )
    with pytest.raises(KeyError):
        answer(body({"tool_calls": [{"id": "c1", "type": "novel"}]}))


def test_reasoning_goes_into_the_id_where_it_is_wanted_back():
    """Of the first call; only there, and only if there is any."""
    message = {"content": None, "reasoning_content": "hm", "tool_calls": [CALL, BARE]}
    first, second = answer(body(message), provider="deepseek").tool_calls
    assert (carried(first.id, REASONING_MARK), first.id.split("__")[0], second.id) == ("hm", "c1", "c2")
    assert answer(body(message), provider="openai").tool_calls[0].id == "c1"
    assert answer(body({**message, "reasoning_content": ""}), provider="deepseek").tool_calls[0].id == "c1"
    nameless = {**message, "tool_calls": [{**CALL, "id": None}]}
    assert carried(answer(body(nameless), provider="deepseek").tool_calls[0].id, REASONING_MARK) == "hm"


def test_a_body_goes_on_as_it_came():
    """To a caller on the same wire."""
    came = body({"content": "a", "novel": 1}, {"content": "b"}, system_fingerprint="fp", service_tier="flex")
    assert answer(came, body={}).forwarded == came


def test_a_body_goes_on_with_arguments_and_texts():
    """In each choice; a signed id in the first, as the caller is to keep it."""
    parts = [{"type": "text", "text": "a"}]
    thought = [{"type": "thinking", "thinking": "hm"}, *parts]
    came = body({"content": parts, "tool_calls": [BARE]}, {"content": thought, "tool_calls": [BARE, CUSTOM]})
    found = answer(came, body={}).forwarded
    assert found is not None
    mended = {**BARE, "function": {"name": "g", "arguments": "{}"}}
    assert [choice["message"] for choice in found["choices"]] == [
        {"content": "a", "tool_calls": [mended]},
        {"content": "a", "reasoning_content": "hm", "tool_calls": [mended, CUSTOM]},
    ]
    reasoned = body({"content": None, "reasoning_content": "hm", "tool_calls": [CALL]})
    signed = answer(reasoned, provider="deepseek", body={})
    assert signed.forwarded is not None
    (call,) = signed.forwarded["choices"][0]["message"]["tool_calls"]
    assert (call["id"], call["function"]) == (signed.tool_calls[0].id, CALL["function"])


def test_what_no_client_can_be_sent_does_not_go_on():
    """Halves of characters, also in names, and numbers that JSON does not have."""
    came = body({"content": "a", "novel": [float("nan"), float("-inf"), 1.5, True, "\udc00"]}, **{"\ud83d": 1})
    found = answer(came, body={}).forwarded
    assert found is not None
    assert found["choices"][0]["message"]["novel"] == [None, None, 1.5, True, "?"]
    assert found["?"] == 1


def test_probabilities_tell_confidence():
    """As everywhere."""
    came = body({"content": "a"})
    came["choices"][0]["logprobs"] = {"content": [{"token": "a", "logprob": 0.0}]}
    assert answer(came).confidence == 1.0


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ({"id": "c1", "function": {"name": "f", "arguments": {"q": "é"}}}, '{"q": "é"}'),
        ({"id": 7, "function": {"name": "f", "arguments": {}}}, "{}"),
        ({"function": {"name": "f", "arguments": None}}, "{}"),
        ({"id": "", "type": None, "function": {"name": "f"}}, "{}"),
    ],
)
def test_a_call_can_be_read_and_answered(call, arguments):
    """Whatever its server left out: it has an id, the same every time, and arguments that are a text."""
    found = answer(body({"tool_calls": [call, call]}), body={})
    first, second = found.tool_calls
    assert (first.name, first.arguments) == ("f", arguments)
    assert first.id == str(call.get("id") or answer(body({"tool_calls": [call]})).tool_calls[0].id)
    assert (first.id == second.id) == bool(call.get("id"))
    assert found.forwarded is not None
    (gone, _) = found.forwarded["choices"][0]["message"]["tool_calls"]
    assert (gone["id"], gone["type"], gone["function"]["arguments"]) == (first.id, "function", arguments)


@pytest.mark.parametrize(
    ("message", "told", "finish"),
    [
        ({"content": "a"}, None, "stop"),
        ({"content": "a"}, "", "stop"),
        ({"refusal": "No."}, None, "stop"),
        ({"tool_calls": [CALL]}, None, "tool_calls"),
        ({"content": "a"}, "eos", "stop"),
        ({"content": "a"}, "MAX_TOKENS", "length"),
        ({"content": "a"}, "function_call", "function_call"),
        ({"content": ""}, None, None),
        ({"content": ""}, 7, None),
    ],
)
def test_why_it_ended_goes_on_in_openais_words(message, told, finish):
    """One that says something has ended even where it does not say why; one that says nothing has not."""
    came = {"choices": [{"index": 0, "message": message, "finish_reason": told}]}
    found = answer(came, body={}).forwarded
    assert found is not None
    assert found["choices"][0]["finish_reason"] == finish
    assert OPENAI_CHAT.finish_of(came) == ("tool_calls" if finish == "function_call" else finish or "")


@pytest.mark.parametrize(
    ("messages", "beside"),
    [
        (({"content": "a"},), ""),
        (({"content": "a", "function_call": {"name": "f", "arguments": "{}"}},), "f{}"),
        (({"content": None, "audio": {"transcript": "Hi.", "data": None}},), "Hi."),
        (({"content": "a"}, {"content": "b", "reasoning_content": "hm"}, {"tool_calls": [CALL]}), 'bhmf{"a": 1}'),
        (({"content": "a"}, {"content": None, "refusal": "No.", "tool_calls": [CUSTOM]}), "No.runls"),
    ],
)
def test_what_is_said_beside_it(messages, beside):
    """In further choices, and in fields that no other wire has: it counts, as it is paid for."""
    assert answer(body(*messages)).beside == beside


@pytest.mark.parametrize(
    ("form", "tokens"), [({}, 20), ({"format": "wav"}, 20), ({"format": "pcm16"}, 20), ({"format": "opus"}, 120)]
)
def test_sound_counts_by_its_length(form, tokens):
    """That of all choices together."""
    sound = {"audio": {"data": "A" * 32_000}}
    assert answer(body(sound, sound), params={"audio": form}).sound_tokens == tokens
