"""Conversations in Gemini's turns."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.wires.signed_ids import signed
from tests.unit.wires.gemini_calls import (
    BEFORE_3,
    SINCE_3,
    call_with,
    calling,
    contents,
    requested,
    result,
    said,
    sent,
    system,
    user,
)

ASSISTANT = {"role": "assistant"}


@pytest.mark.parametrize(
    ("messages", "instruction", "turns"),
    [
        ([system("a"), system("b", "developer"), user("q")], ["a", "b"], [said("q")]),
        ([system([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]), user("q")], ["ab"], [said("q")]),
        ([system(""), user("q")], None, [said("q")]),
        ([user("q"), system("s"), user("r")], None, [said("q", "<system>\ns\n</system>", "r")]),
        (
            [user("q"), {**ASSISTANT, "content": "a"}, system("s", "developer"), {**ASSISTANT, "content": "b"}],
            None,
            [said("q"), said("a", role="model"), said("<system>\ns\n</system>"), said("b", role="model")],
        ),
        ([system("s")], None, [said("<system>\ns\n</system>")]),
        ([system("s"), system("t"), user("")], ["s"], [said("<system>\nt\n</system>")]),
        ([user("")], None, [said(" ")]),
    ],
)
def test_instructions_keep_their_place(messages, instruction, turns):
    """Those at the beginning have a field; later ones are marked as what they are."""
    body = sent(*messages).body
    assert [part["text"] for part in body.get("systemInstruction", {"parts": []})["parts"]] == (instruction or [])
    assert body["contents"] == turns
    assert ("systemInstruction" in body) == bool(instruction)


@pytest.mark.parametrize(
    "turn",
    [
        {"content": None},
        {"content": ""},
        {},
        {"content": None, "refusal": None, "tool_calls": []},
        {"content": [], "reasoning_content": "hm", "annotations": [], "audio": None},
        {"content": [{"type": "text", "text": ""}], "thinking_blocks": [{"type": "thinking", "thinking": "hm"}]},
    ],
)
def test_a_turn_that_says_nothing_is_left_out(turn):
    """Gemini refuses empty parts, and its own answers may be empty."""
    assert contents(user("q"), {**ASSISTANT, **turn}, user("r")) == [said("q", "r")]
    assert contents({**ASSISTANT, **turn}, system("s"), user("r")) == [said("r")]


@pytest.mark.parametrize(
    "turn",
    [
        {"content": None, "refusal": "no"},
        {"content": [{"type": "refusal", "refusal": "no"}]},
        {"content": "no", "refusal": None},
    ],
)
def test_a_refusal_was_said(turn):
    """There is no word of its own for it."""
    assert contents(user("q"), {**ASSISTANT, **turn}) == [said("q"), said("no", role="model")]


def test_neighbours_of_one_role_are_one_turn():
    """White space stays what it is."""
    turns = contents(user("a"), user(" "), {**ASSISTANT, "content": "b"}, {**ASSISTANT, "content": "c"})
    assert turns == [said("a", " "), said("b", "c", role="model")]


@pytest.mark.parametrize(
    ("part", "media", "dropped"),
    [
        ({"type": "image_url", "image_url": {"url": "data:image/jpg;base64,AAAA"}}, ("image/jpeg", "AAAA"), ()),
        (
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}},
            ("image/png", "AAAA"),
            ("detail",),
        ),
        ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}, ("audio/wav", "AAAA"), ()),
        ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}}, ("audio/mp3", "AAAA"), ()),
        (
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}},
            ("application/pdf", "AAAA"),
            ("filename",),
        ),
    ],
)
def test_media_go_inline(part, media, dropped):
    """An empty text beside them is left out."""
    text = {"type": "text", "text": "", "cache_control": {"type": "ephemeral"}}
    made = sent({"role": "user", "name": "bo", "content": [part, text]})
    inline = {"mimeType": media[0], "data": media[1]}
    assert made.body["contents"] == [{"role": "user", "parts": [{"inlineData": inline}]}]
    assert made.dropped == tuple(sorted(("cache_control", "name", *dropped)))


TEXTS = st.text(max_size=6)
PART = st.one_of(
    st.builds(lambda text: {"type": "text", "text": text}, TEXTS),
    st.just({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}),
    st.just({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}}),
    st.just({"type": "file", "file": {"filename": None, "file_data": "data:application/pdf;base64,AAAA"}}),
)
CONTENT = st.one_of(TEXTS, st.lists(PART, max_size=3))
IDS = st.sampled_from(["a", "b", "c__thought__SIG", "functions.x:0", signed("t", "d", "hm")])
ARGUMENTS = st.one_of(st.just(""), st.sampled_from(['{"a": 1}', '{"a"', "[]", '"x"', "{}"]), TEXTS)
CALLS = st.lists(st.builds(calling, IDS, ARGUMENTS), max_size=3)
MESSAGE = st.one_of(
    st.builds(system, TEXTS, st.sampled_from(["system", "developer"])),
    st.builds(user, CONTENT),
    st.builds(
        lambda content, calls, refusal: {**ASSISTANT, "content": content, "tool_calls": calls, "refusal": refusal},
        st.none() | TEXTS,
        st.none() | CALLS,
        st.none() | TEXTS,
    ),
    st.builds(result, IDS, CONTENT),
)


@given(st.lists(MESSAGE, min_size=1, max_size=10), st.sampled_from([SINCE_3, BEFORE_3]))
def test_any_conversation_is_one_that_gemini_takes(messages, model):
    """It has turns, none is empty, and a call's results, and no others, stand behind it."""
    turns = requested(call_with(tuple(messages), model=model)).body["contents"]
    json.dumps(turns, allow_nan=False)
    assert turns
    assert all(turn["role"] in ("user", "model") and turn["parts"] for turn in turns)
    assert all(part.get("text") != "" for turn in turns for part in turn["parts"])
    for before, turn in zip([None, *turns], turns, strict=False):
        kinds = {next(iter(part)) for part in turn["parts"]}
        names = [part["functionResponse"]["name"] for part in turn["parts"] if "functionResponse" in part]
        if names:
            assert turn["role"] == "user"
            assert "text" not in kinds
            assert len(names) <= sum("functionCall" in part for part in before["parts"])
        if "functionCall" in kinds:
            assert turn["role"] == "model"
            assert before


@given(st.lists(MESSAGE, min_size=1, max_size=10))
def test_no_word_is_lost(messages):
    """Texts arrive as often as they were said, those of tools inside their results."""
    texts = [message["content"] for message in messages if message["role"] in ("user", "system") and message["content"]]
    body = requested(call_with(tuple(messages))).body
    found = json.dumps([body["contents"], body.get("systemInstruction")])
    for text in texts:
        words = [text] if isinstance(text, str) else [part["text"] for part in text if part.get("text")]
        assert all(json.dumps(word)[1:-1] in found for word in words)
