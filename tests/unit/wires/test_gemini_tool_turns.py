"""Calls of tools and their results in Gemini's turns."""

from __future__ import annotations

import json

import pytest

from gateway_core.wires.gemini.models import is_since_3
from gateway_core.wires.signed_ids import signed
from tests.unit.wires.gemini_calls import BEFORE_3, SINCE_3, called, calling, contents, result, said, sent, system, user

SKIP = "skip_thought_signature_validator"


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


def test_the_mark_of_a_whole_message_is_named():
    """As those of parts are."""
    assert sent({"role": "user", "content": "hi", "cache_control": {"type": "ephemeral"}}).dropped == ("cache_control",)
