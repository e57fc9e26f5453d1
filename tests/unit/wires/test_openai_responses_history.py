"""A conversation in the chat form as the input of OpenAI's Responses."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.domain.model_rules import NO_RULES
from gateway_core.wires.openai_responses.history import wire_id
from tests.unit.wires.response_inputs import HI, PDF, PNG, REASONING, dropped, function_call, message, sent, signed_call
from tests.unit.wires.responses import THINKS, check_item


def test_the_order_of_a_conversation_is_kept():
    """A system message in the middle stays there, and leading ones are items like it."""
    conversation = [
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": [{"type": "text", "text": "No jokes."}, {"type": "text", "text": ""}]},
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": "a"},
        {"role": "system", "content": "From now on in French."},
        {"role": "user", "content": "again"},
    ]
    assert sent(*conversation) == [
        message("system", "Be brief."),
        message("developer", [{"type": "input_text", "text": "No jokes."}]),
        message("user", "q"),
        message("assistant", [{"type": "output_text", "text": "a"}]),
        message("system", "From now on in French."),
        message("user", "again"),
    ]


PARTS = [
    ({"type": "text", "text": "see"}, {"type": "input_text", "text": "see"}),
    (
        {"type": "image_url", "image_url": {"url": PNG, "detail": "low"}},
        {"type": "input_image", "image_url": PNG, "detail": "low"},
    ),
    (
        {"type": "image_url", "image_url": {"url": "data:image/jpg;base64,/9j/", "detail": None}},
        {"type": "input_image", "image_url": "data:image/jpeg;base64,/9j/", "detail": "auto"},
    ),
    (
        {"type": "file", "file": {"filename": "a.pdf", "file_data": PDF}},
        {"type": "input_file", "filename": "a.pdf", "file_data": PDF},
    ),
    (
        {"type": "file", "file": {"file_data": PDF}},
        {"type": "input_file", "filename": "document.pdf", "file_data": PDF},
    ),
    ({"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}, {"type": "input_text", "text": "x"}),
]


@pytest.mark.parametrize(("part", "form"), PARTS)
def test_parts_of_users_and_of_tools(part, form):
    """Both may have texts, images and documents; empty texts beside them are left out."""
    content = [{"type": "text", "text": ""}, part]
    assert sent({"role": "user", "content": content}) == [message("user", [form])]
    answered = sent({"role": "tool", "tool_call_id": "call_1", "content": content})
    assert answered == [{"type": "function_call_output", "call_id": "call_1", "output": [form]}]


@pytest.mark.parametrize("nothing", ["", None, [], [{"type": "text", "text": ""}], [{"type": "input_audio"}]])
def test_turns_that_say_nothing(nothing):
    """A user's stays, a tool's result is empty, the system's and the assistant's are left out."""
    assert sent({"role": "user", "content": nothing}) == [message("user", "")]
    result = {"role": "tool", "tool_call_id": "call_1", "content": nothing}
    assert sent(result) == [{"type": "function_call_output", "call_id": "call_1", "output": ""}]
    assert sent(HI, {"role": "system", "content": nothing}) == [message("user", "hi")]
    leftovers = {"reasoning_content": "hm", "audio": None, "annotations": [], "tool_calls": [], "refusal": None}
    assert sent(HI, {"role": "assistant", "content": nothing, **leftovers}) == [message("user", "hi")]


def test_an_input_is_never_empty():
    """The API refuses a request without any input."""
    assert sent({"role": "assistant", "content": ""}) == [message("user", "")]


def test_refusals_go_back_as_refusals():
    """Those in the message's own field, and those among its parts."""
    refusal = {"type": "refusal", "refusal": "I can't."}
    text = {"type": "text", "text": "Sorry."}
    assert sent({"role": "assistant", "content": None, "refusal": "I can't."}) == [message("assistant", [refusal])]
    assert sent({"role": "assistant", "content": [text, refusal]}) == [
        message("assistant", [{"type": "output_text", "text": "Sorry."}, refusal])
    ]


def test_a_loop_over_tools():
    """Text first, then the calls; results by `call_id`, in any order; a tool's name is said by its call."""
    conversation = [
        HI,
        {"role": "assistant", "content": "Wait.", "tool_calls": [function_call("call_1", '{"q": "x"}')]},
        {"role": "tool", "tool_call_id": "call_1", "name": "look_up", "content": "found"},
    ]
    assert sent(*conversation) == [
        message("user", "hi"),
        message("assistant", [{"type": "output_text", "text": "Wait."}]),
        {"type": "function_call", "call_id": "call_1", "name": "look_up", "arguments": '{"q": "x"}'},
        {"type": "function_call_output", "call_id": "call_1", "output": "found"},
    ]
    assert dropped(*conversation) == ()


def test_custom_tools_in_the_history():
    """Their results are of a kind of their own."""
    conversation = [
        {
            "role": "assistant",
            "tool_calls": [
                {"id": "call_1", "type": "custom", "custom": {"name": "grep", "input": "a|b"}},
                {"id": "call_2", "type": "custom", "custom": {"name": "grep", "input": ""}},
                function_call("call_3"),
            ],
        },
        *({"role": "tool", "tool_call_id": f"call_{number}", "content": "r"} for number in (1, 2, 3)),
    ]
    assert sent(*conversation) == [
        {"type": "custom_tool_call", "call_id": "call_1", "name": "grep", "input": "a|b"},
        {"type": "custom_tool_call", "call_id": "call_2", "name": "grep", "input": ""},
        {"type": "function_call", "call_id": "call_3", "name": "look_up", "arguments": "{}"},
        {"type": "custom_tool_call_output", "call_id": "call_1", "output": "r"},
        {"type": "custom_tool_call_output", "call_id": "call_2", "output": "r"},
        {"type": "function_call_output", "call_id": "call_3", "output": "r"},
    ]


ARGUMENTS = [
    ("", "{}"),
    (None, "{}"),
    ('{"q": 1e3}', '{"q": 1e3}'),
    ('{"q": "x', '{"arguments": "{\\"q\\": \\"x"}'),
    ("[1]", '{"arguments": "[1]"}'),
    ('{"q": NaN}', '{"arguments": "{\\"q\\": NaN}"}'),
    ("é", '{"arguments": "é"}'),
    ("[" * 100_000, json.dumps({"arguments": "[" * 100_000})),
]


@pytest.mark.parametrize(("arguments", "form"), ARGUMENTS, ids=range(len(ARGUMENTS)))
def test_arguments_in_the_history(arguments, form):
    """Empty ones are an empty object; what is no object becomes one that shows it."""
    assert sent({"role": "assistant", "tool_calls": [function_call("c", arguments)]})[0]["arguments"] == form


_ids = st.sampled_from(["call_1", "call_2", "", "x" * 100, signed_call(3, REASONING)["id"], "call_4__thought__AAAA"])
_texts = st.one_of(st.none(), st.text(max_size=5))
_parts = st.one_of(
    st.builds(lambda text: {"type": "text", "text": text}, st.text(max_size=5)),
    st.sampled_from([part for part, _ in PARTS]),
)
_contents = st.one_of(_texts, st.lists(_parts, max_size=3))
_calls = st.one_of(
    st.builds(function_call, _ids, st.one_of(_texts, st.sampled_from([text for text, _ in ARGUMENTS[:6]]))),
    st.builds(lambda name, said: {"id": name, "type": "custom", "custom": {"name": "g", "input": said}}, _ids, _texts),
)
_messages = st.one_of(
    st.builds(
        lambda role, content: {"role": role, "content": content},
        st.sampled_from(["system", "developer", "user"]),
        _contents,
    ),
    st.builds(lambda name, content: {"role": "tool", "tool_call_id": name, "content": content}, _ids, _contents),
    st.builds(
        lambda content, calls, refusal: {
            "role": "assistant",
            "content": content,
            "tool_calls": calls,
            "refusal": refusal,
        },
        st.one_of(_texts, st.lists(st.builds(lambda text: {"type": "text", "text": text}, st.text(max_size=3)))),
        st.one_of(st.none(), st.lists(_calls, max_size=3)),
        _texts,
    ),
)


@given(st.lists(_messages, max_size=6), st.sampled_from([THINKS, NO_RULES]))
def test_any_conversation_has_a_form(messages, rules):
    """Nothing raises, everything is in the API's form, and each result has the id that its call has."""
    found = sent(*messages, rules=rules)
    assert found
    for item in found:
        check_item(item)
    told = [message["tool_call_id"] for message in messages if message["role"] == "tool"]
    assert [item["call_id"] for item in found if item["type"].endswith("_output")] == [wire_id(name) for name in told]
    made = [call["id"] for message in messages for call in message.get("tool_calls") or []]
    assert [item["call_id"] for item in found if item["type"].endswith("_call")] == [wire_id(name) for name in made]
