"""A request on OpenAI's Responses in the chat form: names of tools, paths, and what only that wire can say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.domain.caller import Attribution
from gateway_core.domain.chat import ChatRequest
from gateway_core.routing.bounds import PromptSize
from gateway_core.wires.openai_responses.inbound.names import Declared, ToolNames, arguments_of, flat_name, input_in
from gateway_core.wires.openai_responses.inbound.paths import Paths, renamed
from gateway_core.wires.openai_responses.inbound.reading import read

F = {"type": "function", "name": "f"}


def space(name: str, *tools: Any) -> dict[str, Any]:
    return {"type": "namespace", "name": name, "tools": list(tools)}


def test_a_tool_in_a_namespace_has_both_names() -> None:
    """And comes back as it was declared; who needs no other name keeps his own."""
    clash = {"type": "function", "name": "a__f"}
    names = ToolNames([space("a", F, {"type": "custom", "name": "run"}), clash, F])
    assert (names.name("f"), names.name("a__f"), names.name("run", "a")) == ("f", "a__f", "a__run")
    other = names.name("f", "a")
    assert other != "a__f"
    assert names.declared(other) == Declared("f", "a")
    assert names.declared("a__run") == Declared("run", "a", custom=True)
    assert names.declared("made up") == Declared("made up")
    assert names.within("a") == [other, "a__run"]


@given(st.text(min_size=1, max_size=200), st.text(max_size=200))
def test_every_provider_takes_the_name(name: str, namespace: str) -> None:
    """At most 64 characters of those that all take, always the same."""
    found = flat_name(name, namespace)
    assert 0 < len(found) <= 64
    assert all(letter.isascii() and (letter.isalnum() or letter in "_-") for letter in found)
    assert flat_name(name, namespace) == found


@given(st.text())
def test_the_input_of_a_custom_tool_travels_as_an_argument(text: str) -> None:
    """There and back; what a model makes of it instead is taken as it is."""
    assert input_in(arguments_of(text)) == text


@pytest.mark.parametrize("said", ['{"inp', "[1]", '{"other": 1}', '{"input": 1}'])
def test_other_arguments_are_the_input_themselves(said: str) -> None:
    """Cut off, or in another form."""
    assert input_in(said) == said


def test_paths_are_the_callers() -> None:
    """Of messages, of results, of tools, and of options."""
    paths = Paths(("instructions", "input.0", "input.3.output"), ("tools.1", "tools.2.tools.0"))
    told = {
        "messages": "input",
        "messages.0": "instructions",
        "messages.1.content.2": "input.0.content.2",
        "messages.2.content.1": "input.3.output.1",
        "messages.9": "input",
        "tools.1.function.parameters": "tools.2.tools.0.parameters",
        "response_format.json_schema.schema": "text.format.schema",
        "lower max_tokens (reasoning_effort)": "lower max_output_tokens (reasoning.effort)",
        "messages of the user": "messages of the user",
    }
    assert {one: paths.told(one) for one in told} == told
    assert renamed(["verbosity", "top_p", "max_tokens"]) == ["max_output_tokens", "text.verbosity", "top_p"]


def test_what_others_are_not_told_is_named() -> None:
    """What changes no answer."""
    body = {
        "input": [
            {"type": "web_search_call", "id": "ws_1"},
            {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AA", "format": "mp3"}}]},
        ],
        "reasoning": {"context": "auto"},
        "moderation": {"model": "m"},
        "prompt_cache_options": {"mode": "explicit"},
        "truncation": "disabled",
    }
    asked = read(body)
    assert asked.spoken.unsaid == ("moderation", "prompt_cache_options", "reasoning.context", "web_search_call")
    assert (asked.spoken.bound, asked.params) == ((), {})
    (said,) = asked.messages
    assert said["content"] == [{"type": "input_audio", "input_audio": {"data": "AA", "format": "mp3"}}]


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ("auto", "auto"),
        ({"type": "apply_patch"}, "required"),
        ({"type": "function", "name": "f", "namespace": "a"}, {"type": "function", "function": {"name": "a__f"}}),
        (
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "namespace", "name": "a"}, {"type": "shell"}]},
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "a__f"}}]},
            },
        ),
    ],
)
def test_a_choice_is_one_of_functions(choice: Any, told: Any) -> None:
    """By their names elsewhere; of a tool that nobody else knows only that one is to be called."""
    tools = [space("a", F), {"type": "apply_patch"}]
    assert read({"input": "hi", "tools": tools, "tool_choice": choice}).params["tool_choice"] == told


def test_calls_with_one_id_get_their_results_in_order() -> None:
    """Some number their calls anew in each turn."""
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    outputs = [{"type": "function_call_output", "call_id": "c", "output": text} for text in ("one", "two")]
    asked = read({"input": [call, outputs[0], call, outputs[1]]})
    assert [message.get("content") for message in asked.messages] == [None, "one", None, "two"]
    assert asked.paths.messages == ("input.0", "input.1.output", "input.2", "input.3.output")


def test_the_hold_covers_what_only_this_wire_carries() -> None:
    """Sealed reasoning and the words of namespaces are input, and may be longer than the text around them."""
    sealed = {"type": "reasoning", "summary": [], "encrypted_content": "x" * 9000}
    words = {**space("a", F), "description": "y" * 900}
    plain, full = (
        PromptSize.of(
            ChatRequest(asked.messages, Attribution("alpha"), params=asked.params, spoken=asked.spoken)
        ).text_tokens
        for asked in (
            read({"input": [{"role": "user", "content": "hi"}], "tools": [space("a", F)]}),
            read({"input": [sealed, {"role": "user", "content": "hi"}], "tools": [words]}),
        )
    )
    assert full - plain > 9900
