"""What the simulated model says: tokens, schema instances, directives and limits."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.providers.content import read_content
from local.providers.generation import generate, truncated
from local.providers.model import Prompt, Tool
from local.providers.schema import value_for
from local.providers.tokens import count, count_json, pieces
from local.providers.wishes import Wishes

WEATHER = Tool("get_weather", {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})


@given(st.text())
def test_pieces_join_to_the_text(text):
    """Tokens lose nothing of a text, and none is empty."""
    assert "".join(pieces(text)) == text
    assert all(pieces(text))
    assert count(text) == len(pieces(text))


def test_tokens_are_eight_characters_of_a_word():
    """The documented examples of the counter hold."""
    assert count("hello world") == 2
    assert pieces("extraordinary") == ("extraord", "inary")
    assert pieces("a \n") == ("a", " \n")
    assert count_json({"a": 1}) == 1
    assert count_json(None) == 0


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, "text"),
        ({"type": "string", "minLength": 6}, "textxx"),
        ({"type": "string", "maxLength": 2}, "te"),
        ({"type": "string", "format": "date"}, "2026-01-31"),
        ({"type": "STRING", "enum": ["red", "blue"]}, "red"),
        ({"const": 7}, 7),
        ({"type": "integer", "minimum": 5}, 5),
        ({"type": "integer", "exclusiveMinimum": 5}, 6),
        ({"type": "number", "maximum": 0.5}, 0.5),
        ({"type": ["null", "string"]}, None),
        ({"type": "boolean"}, True),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [1, 1]),
        ({"properties": {"a": {"type": "integer"}}}, {"a": 1}),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, 1),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"type": "integer"}}}, 1),
        ({}, "text"),
        ({"type": "array", "items": True}, ["text"]),
        ({"properties": {"a": True, "b": False}}, {"a": "text", "b": None}),
        ({"oneOf": [{"const": "x"}, {"const": "y"}]}, "x"),
    ],
)
def test_a_schema_gives_a_value_that_it_accepts(schema, value):
    """Keywords of a schema are obeyed."""
    assert value_for(schema) == value


def test_a_nested_schema_is_filled_in():
    """Objects in arrays in objects, by reference, get all their properties."""
    schema = {
        "type": "object",
        "properties": {"people": {"type": "array", "items": {"$ref": "#/$defs/person"}}},
        "$defs": {"person": {"type": "object", "properties": {"age": {"type": "integer"}}}},
    }
    assert value_for(schema) == {"people": [{"age": 1}]}


@pytest.mark.parametrize(
    "properties",
    [
        {"next": {"$ref": "#"}},
        {"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}, "name": {"type": "string"}},
        {"children": {"type": "array", "items": {"$ref": "#"}}},
    ],
)
def test_a_recursive_schema_ends(properties):
    """Its instance is finite, and required properties are there on every level."""
    value = value_for({"type": "object", "properties": properties, "required": list(properties)})
    assert value.keys() == properties.keys()
    assert len(json.dumps(value)) < 2000


def test_the_default_answer_repeats_the_user():
    """Without a directive, the answer names the model and echoes the last message."""
    said = generate(Prompt("m", "ping [[cached=2]]", 5), Wishes.of("ping [[cached=2]]"))
    assert said.said == "m heard: ping"
    assert (said.tokens.input, said.tokens.cached, said.tokens.output) == (5, 2, 3)
    assert said.finish == "stop"


def test_a_directive_asks_for_so_many_words():
    """`[[words=N]]` gives N tokens."""
    assert generate(Prompt("m"), Wishes.of("[[words=100]]")).tokens.output == 100


def test_a_directive_dictates_the_answer():
    """`[[say=...]]` is the answer, line breaks included."""
    assert generate(Prompt("m"), Wishes.of("x [[say=a\nb]] y")).said == "a\nb"


def test_unknown_directives_are_text():
    """Double brackets that mean nothing are left alone."""
    assert Wishes.of("[[wiki]] and [[") == Wishes()


def test_a_directive_that_is_no_number_is_refused():
    """A mistake in a test shows itself."""
    with pytest.raises(ValueError, match="many"):
        Wishes.of("[[words=many]]")


def test_reasoning_counts_towards_output_and_limit():
    """The output limit covers reasoning before text."""
    wishes = Wishes(words=5, reasoning=4)
    whole = generate(Prompt("m"), wishes)
    short = generate(Prompt("m", max_tokens=6), wishes)
    starved = generate(Prompt("m", max_tokens=3), wishes)
    assert (whole.tokens.output, whole.tokens.reasoning, whole.finish) == (9, 4, "stop")
    assert (len(short.text), short.tokens.reasoning, short.finish) == (2, 4, "length")
    assert (starved.text, starved.tokens.reasoning, starved.tokens.output) == ((), 3, 3)


def test_a_thinking_prompt_reasons_by_itself():
    """A request that enables reasoning gets some without a directive, and none if the directive says so."""
    assert generate(Prompt("m", thinking=True), Wishes()).tokens.reasoning == 12
    assert generate(Prompt("m", thinking=True), Wishes(reasoning=0)).tokens.reasoning == 0


def test_a_stop_sequence_ends_the_answer_before_it():
    """The first stop sequence in the text wins and is not part of the answer."""
    said = generate(Prompt("m", stop=("delta", "gamma")), Wishes(words=8))
    assert (said.said, said.stop_sequence, said.finish) == ("alpha beta ", "gamma", "stop")


@pytest.mark.parametrize(
    ("wishes", "prompt", "names"),
    [
        (Wishes.of("[[tool]]"), Prompt("m", tools=(WEATHER,)), ["get_weather"]),
        (
            Wishes.of("[[tool=get_time,get_weather]]"),
            Prompt("m", tools=(WEATHER, Tool("get_time", {}))),
            ["get_time", "get_weather"],
        ),
        (Wishes(), Prompt("m", tools=(WEATHER,), forced="*"), ["get_weather"]),
        (Wishes(), Prompt("m", tools=(Tool("a", {}), WEATHER), forced="get_weather"), ["get_weather"]),
        (Wishes(), Prompt("m", tools=(WEATHER,)), []),
        (Wishes.of("[[tool]]"), Prompt("m"), []),
        (Wishes.of("[[tool]]"), Prompt("m", tools=(WEATHER,), answered=True), []),
    ],
)
def test_tools_are_called_when_asked_for(wishes, prompt, names):
    """A marker or a forced choice gives calls; a prompt that already carries the result does not."""
    assert [call.name for call in generate(prompt, wishes).calls] == names


def test_tool_arguments_fit_their_schema():
    """A call's arguments are JSON that the tool's schema accepts, and count as output."""
    said = generate(Prompt("m", tools=(WEATHER,), forced="*"), Wishes())
    assert json.loads(said.calls[0].arguments) == {"city": "text"}
    assert said.finish == "tool_calls"
    assert said.tokens.output == count("get_weather") + count('{"city": "text"}')


def test_a_call_that_does_not_fit_is_left_out():
    """An output limit never cuts arguments in half."""
    said = generate(Prompt("m", tools=(WEATHER,), forced="*", max_tokens=1), Wishes())
    assert (said.calls, said.finish, said.tokens.output) == ((), "length", 0)


def test_json_is_answered_to_a_schema():
    """A schema gets an instance, any-object mode gets an object."""
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    assert json.loads(generate(Prompt("m", schema=schema), Wishes()).said) == {"n": 1}
    assert json.loads(generate(Prompt("m", "hi", schema={}), Wishes()).said) == {"answer": "hi"}


def test_a_refusal_keeps_its_text_and_says_why():
    """`[[refuse]]` ends the answer as filtered."""
    assert generate(Prompt("m"), Wishes.of("[[refuse]]")).finish == "content_filter"


def test_cache_counts_never_exceed_the_input():
    """Cached and cache-written tokens share the input."""
    tokens = generate(Prompt("m", input_tokens=10), Wishes(cached=8, cache_write=8)).tokens
    assert (tokens.cached, tokens.cache_write) == (8, 2)


def test_a_truncated_answer_counts_what_is_left():
    """Cutting an answer short keeps input counts and recounts the output."""
    whole = generate(Prompt("m", input_tokens=7), Wishes(words=9))
    short = truncated(whole, 2, "content_filter")
    assert (short.tokens.input, short.tokens.output, short.finish) == (7, 2, "content_filter")
    assert truncated(whole, 100, "content_filter").tokens.output == 9


@pytest.mark.parametrize(
    ("content", "text", "tokens"),
    [
        ("hello world", "hello world", 2),
        (None, "", 0),
        ([{"type": "text", "text": "hi"}, {"type": "image_url", "image_url": {"url": "data:"}}], "hi", 259),
        ([{"inlineData": {"mimeType": "image/png", "data": ""}}], "", 258),
        (["plain", {"text": " parts"}], "plain parts", 2),
        ([{"type": "tool_result", "tool_use_id": "x", "content": "sunny today"}], "", 2),
        ([{"type": "tool_use", "id": "x", "name": "f", "input": {}}], "", count('{"name":"f","input":{}}')),
    ],
)
def test_content_of_any_format_is_read(content, text, tokens):
    """Text, images, tool calls and results all count."""
    assert (read_content(content).text, read_content(content).tokens) == (text, tokens)
