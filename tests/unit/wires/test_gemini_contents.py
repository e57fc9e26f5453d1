"""Conversations in Gemini's turns."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.wires.gemini.models import is_since_3
from gateway_core.wires.signed_ids import signed
from tests.unit.wires.gemini_calls import (
    BEFORE_3,
    SINCE_3,
    call_with,
    called,
    calling,
    contents,
    requested,
    result,
    sent,
    user,
)

SKIP = "skip_thought_signature_validator"
ASSISTANT = {"role": "assistant"}


def system(content, role="system"):
    return {"role": role, "content": content}


def said(*texts, role="user"):
    return {"role": role, "parts": [{"text": text} for text in texts]}


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


@pytest.mark.parametrize(
    ("arguments", "args"),
    [
        ("", {}),
        (" \n", {}),
        ("{}", {}),
        ('{"q": "x", "n": [1, 2.5, null]}', {"q": "x", "n": [1, 2.5, None]}),
        ('{"q": "x', {"arguments": '{"q": "x'}),
        ("[1]", {"arguments": "[1]"}),
        ("null", {"arguments": "null"}),
        ('{"a": NaN}', {"arguments": '{"a": NaN}'}),
        ('{"a": 1e999}', {"arguments": '{"a": 1e999}'}),
        ('{"a": 9007199254740993}', {"arguments": '{"a": 9007199254740993}'}),
        ('{"a": 9007199254740992}', {"a": 2**53}),
        ('{"a": -' + "9" * 5000 + "}", {"arguments": '{"a": -' + "9" * 5000 + "}"}),
        ('{"a": "\\ud800"}', {"arguments": '{"a": "\\ud800"}'}),
        ('{"a": "\\u00e9\\ud83d\\ude00"}', {"a": "é😀"}),
        ("[" * 100_000, {"arguments": "[" * 100_000}),
    ],
)
def test_arguments_are_an_object_that_the_wire_can_hold(arguments, args):
    """Or the text that they are: nothing is invented, rounded, or left to be refused."""
    model = contents(user("q"), called(calling("c", arguments)), result("c", "r"))[1]
    assert model["parts"][0]["functionCall"] == {"name": "look_up", "args": args, "id": "c"}


@pytest.mark.parametrize(
    ("content", "response"),
    [
        ("sunny", {"output": "sunny"}),
        ("", {"output": ""}),
        ([], {"output": ""}),
        ([{"type": "text", "text": '{"a":'}, {"type": "text", "text": "1}"}], {"a": 1}),
        ('{"temperature": 14.5}', {"temperature": 14.5}),
        ("[1, 2]", {"output": "[1, 2]"}),
        ('{"error": "gone"}', {"error": "gone"}),
        ('{"error": null, "rows": 3}', {"output": {"error": None, "rows": 3}}),
        ('{"id": 12345678901234567890}', {"output": '{"id": 12345678901234567890}'}),
    ],
)
def test_a_result_is_an_object(content, response):
    """`output` and `error` are Google's words: beside them the rest would not count."""
    turns = contents(user("q"), called(calling("c")), {**result("c", content), "name": "other"})
    assert turns[2] == {
        "role": "user",
        "parts": [{"functionResponse": {"name": "look_up", "response": response, "id": "c"}}],
    }


def test_results_stand_behind_their_calls_in_the_order_of_the_calls():
    """Wherever they come, and apart from what the user says."""
    turns = contents(
        user("q"),
        called(calling("a"), calling("b", name="other"), content="one moment"),
        result("b", "2"),
        system("s"),
        result("a", "1"),
        user("go on"),
    )
    assert [turn["role"] for turn in turns] == ["user", "model", "user", "user"]
    assert [next(iter(part)) for part in turns[1]["parts"]] == ["text", "functionCall", "functionCall"]
    assert [part["functionResponse"]["name"] for part in turns[2]["parts"]] == ["look_up", "other"]
    assert turns[3] == said("<system>\ns\n</system>", "go on")


def test_calls_with_one_id_get_their_results_in_turn():
    """Ids may come again later, and some providers give all the same."""
    once = [called(calling("c"), calling("c", name="other")), result("c", "1"), result("c", "2")]
    turns = contents(user("q"), *once, *once)
    found = [[part["functionResponse"] for part in turn["parts"]] for turn in turns[2::2]]
    assert [[one["response"]["output"] for one in results] for results in found] == [["1", "2"]] * 2
    assert [[one["name"] for one in results] for results in found] == [["look_up", "other"]] * 2


def test_the_result_of_no_call_is_told_as_such():
    """Gemini refuses it as a result."""
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    turns = contents(user("q"), result("x", [{"type": "text", "text": "r"}, picture]))
    media = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    assert turns == [{"role": "user", "parts": [{"text": "q"}, {"text": "<tool>\nr\n</tool>"}, media]}]


def test_media_in_a_result():
    """Inside it since Gemini 3, and behind it before."""
    picture = {"type": "image_url", "image_url": {"url": "data:image/jpg;base64,AAAA"}}
    messages = (user("q"), called(calling("c")), result("c", [{"type": "text", "text": "seen"}, picture]))
    media = {"inlineData": {"mimeType": "image/jpeg", "data": "AAAA"}}
    plain = {"name": "look_up", "response": {"output": "seen"}}
    assert contents(*messages)[2]["parts"] == [{"functionResponse": {**plain, "id": "c", "parts": [media]}}]
    assert contents(*messages, model=BEFORE_3)[2]["parts"] == [{"functionResponse": plain}, media]


def signatures(*messages, model=SINCE_3):
    """The signature of each call, by turn."""
    return [
        [part.get("thoughtSignature") for part in turn["parts"] if "functionCall" in part]
        for turn in contents(*messages, model=model)
        if turn["role"] == "model"
    ]


def test_a_signature_goes_back_to_its_call():
    """However long it is; ids then are what Gemini gave."""
    long = "Ab+/" * 5000
    messages = (
        user("q"),
        called(calling(f"c__thought__{long}"), calling("d")),
        result(f"c__thought__{long}", "1"),
        result("d", "2"),
    )
    assert signatures(*messages) == [[long, None]]
    turns = contents(*messages)
    assert [part["functionCall"]["id"] for part in turns[1]["parts"]] == ["c", "d"]
    assert [part["functionResponse"]["id"] for part in turns[2]["parts"]] == ["c", "d"]
    assert signatures(*messages, model=BEFORE_3) == [[long, None]]


def test_calls_of_others_since_the_user_spoke_have_a_stand_in():
    """On the first of each step. What others carry in ids is not Gemini's to see."""
    foreign = signed("toolu_1", "c", ["secret"])
    steps = (
        called(calling(foreign), calling("b")),
        result(foreign, "1"),
        result("b", "2"),
        called(calling("c__thought__SIG")),
        result("c", "3"),
        called(calling("d")),
        result("d", "4"),
    )
    assert signatures(user("q"), *steps) == [[SKIP, None], ["SIG"], [SKIP]]
    assert signatures(user("q"), *steps, user("r")) == [[None, None], ["SIG"], [None]]
    assert signatures(user("q"), *steps, model=BEFORE_3) == [[None, None], ["SIG"], [None]]
    assert "secret" not in json.dumps(contents(user("q"), *steps))
    assert contents(user("q"), *steps)[1]["parts"][0]["functionCall"]["id"] == "toolu_1"


def test_before_gemini_3_calls_have_no_ids():
    """They are refused there."""
    turns = contents(user("q"), called(calling("c")), result("c", "r"), model=BEFORE_3)
    assert turns[1]["parts"] == [{"functionCall": {"name": "look_up", "args": {}}}]
    assert turns[2]["parts"] == [{"functionResponse": {"name": "look_up", "response": {"output": "r"}}}]


def test_a_conversation_that_begins_with_a_call_begins_with_the_user():
    """A call has to come after a turn of the user."""
    turns = contents(called(calling("c")), result("c", "r"))
    assert turns[0] == said(" ")
    assert turns[1]["parts"][0]["thoughtSignature"] == SKIP


@pytest.mark.parametrize(
    ("model", "since"),
    [
        ("gemini-3.1-pro-preview", True),
        ("gemini-3.8-flash", True),
        ("gemini-flash-latest", True),
        ("gemini-2.5-pro", False),
        ("gemini-1.5-pro", False),
        ("gemini-pro-vision", False),
        ("gemma-3-27b-it", False),
    ],
)
def test_which_models_are_new(model, since):
    """By their names."""
    assert is_since_3(model) == since


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


def test_the_mark_of_a_whole_message_is_named():
    """As those of parts are."""
    assert sent({"role": "user", "content": "hi", "cache_control": {"type": "ephemeral"}}).dropped == ("cache_control",)
